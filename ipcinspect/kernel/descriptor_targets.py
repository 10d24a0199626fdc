"""What calls on descriptors wait for: read(2) and its like, poll(2), select(2), epoll_wait(2), file locks, FIFOs."""

from __future__ import annotations

import os
import struct
from typing import Callable

from ipcinspect.kernel import anon_info, procfs, ring_requests
from ipcinspect.kernel.call_timeouts import signed
from ipcinspect.kernel.wait_target import UNKNOWN, Answer, Sleeper, Target

MOST_POLLED, MOST_WATCHED = 1024, 4096
_MOST_INFO = 1 << 19
"""Bytes of the fdinfo of an epoll; a target takes about 70."""
_LONGEST_PATH = 4096
_POLLED = struct.Struct("=ihh")  # struct pollfd: fd, events, revents
_READABLE, _WRITABLE = 0x1 | 0x2 | 0x40 | 0x80, 0x4 | 0x100 | 0x200
"""POLLIN, POLLPRI, POLLRDNORM, POLLRDBAND; POLLOUT, POLLWRNORM, POLLWRBAND. Those of epoll are the same."""
_HOW_EPOLL_WATCHES = 0xF0000000
"""EPOLLET, EPOLLONESHOT, EPOLLWAKEUP, EPOLLEXCLUSIVE. Nothing beside them: a one-shot that has gone off."""
_LOCKING = frozenset((7, 14, 38))
"""F_SETLKW, F_SETLKW64 of 32-bit tasks, F_OFD_SETLKW."""
_O_ACCMODE = 3
_MASK = {"ppoll": 3, "pselect6": 5, "epoll_pwait": 4, "epoll_pwait2": 4}
"""Which argument is a set of signals: who gives one lets signals through in the call alone, and waits for them too."""


def parse_watched(text: bytes, epoll: int) -> Answer:
    """What an epoll watches that has this number, by the text of its fdinfo. One that is an epoll is not followed."""
    rows, count = anon_info.parse_epoll(text, MOST_WATCHED)
    found = [
        Target("descriptor", row.number, _direction(row.events), epoll, row.inode, os.makedev(*row.device))
        for row in rows
        if row.events & ~_HOW_EPOLL_WATCHES
    ]
    return Answer(found, len(rows) == count and len(text) < _MOST_INFO)


def parse_polled(data: bytes) -> list[tuple[int, int]]:
    """Descriptors and events in an array of struct pollfd; an entry that is cut is passed over."""
    whole = len(data) // _POLLED.size * _POLLED.size
    return [(fd, events & 0xFFFF) for fd, events, _ in _POLLED.iter_unpack(data[:whole])]


def parse_set(data: bytes, count: int) -> list[int]:
    """The descriptors below `count` in an fd_set (select(2))."""
    bits = int.from_bytes(data, "little") & ((1 << count) - 1)
    return [fd for fd in range(bits.bit_length()) if bits >> fd & 1]


def _direction(events: int) -> str:
    if events & _READABLE:
        return "in|out" if events & _WRITABLE else "in"
    return "out" if events & _WRITABLE else "hangup"


def first_for(direction: str) -> Callable[[Sleeper], Answer]:
    """For calls that wait for the descriptor that is their first argument."""

    def decode(sleeper: Sleeper) -> Answer:
        return Answer((Target("descriptor", signed(sleeper.call.arguments[0]), direction),), True)

    return decode


def between(source: int, sink: int) -> Callable[[Sleeper], Answer]:
    """For calls that move from one descriptor to another; where the kernel function tells it, for one of them alone."""

    def decode(sleeper: Sleeper) -> Answer:
        reading = Target("descriptor", signed(sleeper.call.arguments[source]), "in")
        writing = Target("descriptor", signed(sleeper.call.arguments[sink]), "out")
        alone = {"in": (reading,), "out": (writing,)}
        return Answer(alone.get(_side(sleeper.wchan), (reading, writing)), True)

    return decode


def _side(wchan: str | None) -> str:
    """At which end of a pipe a thread sleeps, by the kernel function (fs/pipe.c, fs/splice.c); empty if not told."""
    if wchan is None or "pipe" not in wchan:
        return ""
    return "in" if "read" in wchan else "out" if "writ" in wchan else ""


def vmsplice(sleeper: Sleeper) -> Answer:
    """vmsplice(2): into a pipe or out of it, by the end that it is given."""
    fd = signed(sleeper.call.arguments[0])
    return Answer((Target("descriptor", fd, _side(sleeper.wchan) or "in|out"),), True)


def poll(sleeper: Sleeper) -> Answer:
    """poll(2), ppoll(2): a negative descriptor is passed over."""
    address, count = sleeper.call.arguments[0], sleeper.call.arguments[1] & 0xFFFFFFFF
    rows = parse_polled(sleeper.memory.read(address, min(count, MOST_POLLED) * _POLLED.size))
    targets = [Target("descriptor", fd, _direction(events)) for fd, events in rows if fd >= 0]
    return Answer([*targets, *_let_through(sleeper)], len(rows) == count)


def _let_through(sleeper: Sleeper) -> list[Target]:
    """A signal, where the call was given a set of them; pselect6(2) is given the place of its address."""
    place = sleeper.call.arguments[_MASK[sleeper.call.name]] if sleeper.call.name in _MASK else 0
    if place and sleeper.call.name == "pselect6":
        size = 4 if sleeper.call.is_32_bit else 8
        data = sleeper.memory.read(place, size)
        place = int.from_bytes(data, "little") if len(data) == size else place
    return [Target("signal")] if place else []


def select(sleeper: Sleeper) -> Answer:
    """select(2), pselect6(2): the sets are as they were given until the call returns."""
    arguments, wanted = sleeper.call.arguments, max(signed(sleeper.call.arguments[0]), 0)
    count, bits = min(wanted, MOST_WATCHED), 32 if sleeper.call.is_32_bit else 64
    size = (count + bits - 1) // bits * bits // 8
    is_complete, found = count == wanted, dict[int, int]()
    for address, events in zip(arguments[1:4], (_READABLE, _WRITABLE, _READABLE)):
        if address and size:
            data = sleeper.memory.read(address, size)
            is_complete = is_complete and len(data) == size
            for fd in parse_set(data, count):
                found[fd] = found.get(fd, 0) | events
    targets = [Target("descriptor", fd, _direction(events)) for fd, events in found.items()]
    return Answer([*targets, *_let_through(sleeper)], is_complete)


def epoll(sleeper: Sleeper) -> Answer:
    """epoll_wait(2) and its like. The kernel holds a lock of the epoll while it tells what is watched."""
    number = signed(sleeper.call.arguments[0])
    try:
        text = procfs.read_file(sleeper.process, f"task/{sleeper.call.tid}/fdinfo/{number}", _MOST_INFO)
    except OSError:
        return UNKNOWN
    watched = parse_watched(text, number)
    return Answer([*watched.targets, *_let_through(sleeper)], watched.is_complete)


def lock(sleeper: Sleeper) -> Answer:
    """flock(2), and fcntl(2) where it waits for a lock."""
    if sleeper.call.name == "fcntl" and signed(sleeper.call.arguments[1]) not in _LOCKING:
        return UNKNOWN
    return Answer((Target("descriptor", signed(sleeper.call.arguments[0]), "lock"),), True)


def ring(sleeper: Sleeper) -> Answer:
    """io_uring_enter(2): what its requests wait for is not told (fdinfo has their kinds alone)."""
    fd = signed(sleeper.call.arguments[0])
    try:
        text = procfs.read_file(sleeper.process, f"task/{sleeper.call.tid}/fdinfo/{fd}", ring_requests.LIMIT)
    except OSError:
        text = b""
    requests = tuple(sorted(ring_requests.parse_requests(text).items()))
    return Answer((Target("descriptor", fd, "in", requests=requests),), False)


def fifo(sleeper: Sleeper) -> Answer:
    """open(2) and its like: of a FIFO, which waits for whoever opens the other end (fifo(7)); of nothing else."""
    if sleeper.wchan != "wait_for_partner":
        return UNKNOWN
    call = sleeper.call
    has_directory = call.name.startswith("openat")
    directory = signed(call.arguments[0]) if has_directory else -1
    data = sleeper.memory.read(call.arguments[int(has_directory)], _LONGEST_PATH)
    path = os.fsdecode(data[: data.index(b"\0")]) if b"\0" in data else None
    end = _opened(sleeper, 2 if has_directory else 1)
    target = Target("path", directory if directory >= 0 else None, end, path=path)
    return Answer((target,), path is not None and end is not None)


def _opened(sleeper: Sleeper, place: int) -> str | None:
    """Which end is opened, by the flags; for both at once nobody waits."""
    flags = sleeper.call.arguments[place]
    if sleeper.call.name == "creat":
        return "out"
    if sleeper.call.name == "openat2":  # struct open_how: flags, mode, resolve
        data = sleeper.memory.read(flags, 8)
        flags = int.from_bytes(data, "little") if len(data) == 8 else os.O_RDWR
    return {os.O_RDONLY: "in", os.O_WRONLY: "out"}.get(flags & _O_ACCMODE)
