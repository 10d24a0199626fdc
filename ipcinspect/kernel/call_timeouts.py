"""When a call in which a thread sleeps gives up by itself: what its arguments say of time.

Only the call's own limit. A socket can have one too (SO_RCVTIMEO, socket(7)), and TCP gives up by itself (tcp(7)).
"""

from __future__ import annotations

import struct
import time
from typing import Callable, NamedTuple

from ipcinspect.kernel.call_numbers import FIRST_OF_64_BIT_TIME
from ipcinspect.kernel.calls import Call

Read = Callable[[int, int], bytes]
"""Bytes of the thread's memory: address, size."""
Clock = Callable[[int], "float | None"]
"""The time on one of the clocks of clock_gettime(2); None where the thread has another such clock than we."""

_MILLISECONDS = {"poll": 2, "epoll_wait": 3, "epoll_pwait": 3}
"""Which argument is the time; below 0 there is no limit."""
_TIMESPEC = {
    "ppoll": 2, "pselect6": 4, "epoll_pwait2": 3, "semtimedop": 3, "rt_sigtimedwait": 2, "nanosleep": 0,
    "io_getevents": 4, "io_pgetevents": 4,
}  # fmt: skip
"""Which argument is the address of the time; 0 for no limit."""
_TIMEVAL = {"select": 4}
_DEADLINE = {"mq_timedsend": 4, "mq_timedreceive": 4, "futex_waitv": 3, "futex_wait": 4}
"""The same, of a point in time: on a clock that a later argument names, or the wall clock."""
_CLOCK = {"futex_waitv": 4, "futex_wait": 5}
_TIMER_ABSTIME = 1
_FUTEX_COMMAND, _FUTEX_CLOCK_REALTIME = 0x7F, 256
_FUTEX_WAIT, _FUTEX_LOCK_PI = 0, 6
_ENTER_EXT_ARG, _ENTER_ABS_TIMER = 8, 32
_RING_ARG = struct.Struct("=16xQ")  # struct io_uring_getevents_arg: sigmask, sigmask_sz, min_wait_usec, ts
_OF_TODAY = frozenset((time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME))


class Timeout(NamedTuple):
    """What a call says of its end."""

    is_set: bool | None
    """Whether there is a limit; None where that is not known."""
    given_s: float | None = None
    """How long it was to sleep at most when it began; None for a point in time, and where it could not be read."""
    left_s: float | None = None
    """Of a point in time, what was left of it at the look."""


NONE, UNKNOWN = Timeout(False), Timeout(None)


def timeout_of(call: Call, read: Read, clock: Clock) -> Timeout:
    """The limit of a call; NONE for calls that have no argument for it."""
    name, arguments = call.name, call.arguments
    if name in _MILLISECONDS:
        limit = signed(arguments[_MILLISECONDS[name]])
        return NONE if limit < 0 else Timeout(True, limit / 1000)
    if name in _TIMESPEC:
        return _relative(call, arguments[_TIMESPEC[name]], read)
    if name in _TIMEVAL:
        return _relative(call, arguments[_TIMEVAL[name]], read, 1e6)
    if name in _DEADLINE:
        number = arguments[_CLOCK[name]] if name in _CLOCK else time.CLOCK_REALTIME
        return _absolute(call, arguments[_DEADLINE[name]], read, clock, number)
    if name == "futex":
        return _of_futex(call, read, clock)
    if name == "clock_nanosleep":
        if signed(arguments[1]) & _TIMER_ABSTIME:
            return _absolute(call, arguments[2], read, clock, arguments[0])
        return _relative(call, arguments[2], read)
    return _of_ring(call, read, clock) if name == "io_uring_enter" else NONE


def signed(register: int, bits: int = 32) -> int:
    """The number that a register holds as an int of C, or as a wider one."""
    value = register & ((1 << bits) - 1)
    return value - (1 << bits) if value >> (bits - 1) else value


def _of_futex(call: Call, read: Read, clock: Clock) -> Timeout:
    """FUTEX_WAIT alone is told a span; FUTEX_LOCK_PI knows the wall clock alone (futex(2))."""
    operation, place = call.arguments[1], call.arguments[3]
    command = operation & _FUTEX_COMMAND
    if command == _FUTEX_WAIT:
        return _relative(call, place, read)
    is_wall = operation & _FUTEX_CLOCK_REALTIME or command == _FUTEX_LOCK_PI
    return _absolute(call, place, read, clock, time.CLOCK_REALTIME if is_wall else time.CLOCK_MONOTONIC)


def _of_ring(call: Call, read: Read, clock: Clock) -> Timeout:
    """Unknown without a limit of the call itself: a request in the ring can be a timer (io_uring_enter(2))."""
    flags = call.arguments[3]
    if not flags & _ENTER_EXT_ARG:
        return UNKNOWN
    data = read(call.arguments[4], _RING_ARG.size)
    place = _RING_ARG.unpack(data)[0] if len(data) == _RING_ARG.size else 0
    if not place:
        return UNKNOWN
    if flags & _ENTER_ABS_TIMER:
        return _absolute(call, place, read, clock, time.CLOCK_MONOTONIC)
    return _relative(call, place, read)


def _relative(call: Call, place: int, read: Read, parts: float = 1e9) -> Timeout:
    if not place:
        return NONE
    span = _seconds(call, place, read, parts)
    return Timeout(True, span if span is not None and span >= 0 else None)


def _absolute(call: Call, place: int, read: Read, clock: Clock, number: int) -> Timeout:
    if not place:
        return NONE
    moment = _seconds(call, place, read, 1e9)
    now = clock(number) if number in _OF_TODAY else None
    return Timeout(True, None, None if moment is None or now is None else max(moment - now, 0.0))


def _seconds(call: Call, place: int, read: Read, parts: float) -> float | None:
    """A struct timespec or timeval: seconds, and a part of one."""
    is_short = call.is_32_bit and call.number < FIRST_OF_64_BIT_TIME
    data = read(place, 8 if is_short else 16)
    if len(data) != (8 if is_short else 16):
        return None
    whole, rest = struct.unpack("=ii" if is_short else "=qq", data)
    return float(whole + (rest & 0xFFFFFFFF) / parts)
