"""What /proc/PID/fdinfo tells of descriptors that have no file behind them (proc_pid_fdinfo(5), fs/*: show_fdinfo).

Every reader answers None where the text does not tell what it is for; a line that makes no sense is passed over.
"""

from __future__ import annotations

from typing import NamedTuple

LONGEST_NUMBER = 20
"""Digits of the largest number of 64 bits."""
_MINOR_BITS = 20
_LARGEST_DEVICE = 0xFFFFFFFF
"""The kernel's own dev_t (`sdev:`): 12 bits of major number, 20 of minor."""


class Eventfd(NamedTuple):
    """An eventfd: eventfd(2)."""

    counter: int
    """Printed in hexadecimal (`eventfd-count: 2a` is 42)."""
    id: int | None
    """`eventfd-id`, since Linux 5.2; used again after the last holder closed it."""
    semaphore: bool | None
    """A read takes 1 instead of all; told since Linux 6.5."""


class Target(NamedTuple):
    """One file that an epoll watches (a `tfd:` line)."""

    number: int
    """The descriptor as which it was added: closed or another file's by now, perhaps."""
    events: int
    inode: int | None
    """None from kernels before 5.2, which do not tell."""
    device: tuple[int, int]
    """Major and minor number of the file system that the inode is of."""


class Timer(NamedTuple):
    """A timerfd: timerfd_create(2)."""

    clock: int
    ticks: int
    """Expirations that nobody read yet."""
    next_s: float
    """Seconds until it expires; 0 while it is not set."""
    interval_s: float


class Ring(NamedTuple):
    """An io_uring: io_uring(7)."""

    submissions: int
    """Slots for requests."""
    completions: int
    """Slots for answers."""
    unsubmitted: int
    """Requests that the kernel has not taken."""
    unread: int
    """Answers that the program has not taken."""


def parse_values(text: bytes) -> dict[str, str]:
    """The `name: value` lines; of lines with the same name the first."""
    values: dict[str, str] = {}
    for line in text.split(b"\n", 200)[:200]:
        name, colon, value = line.partition(b":")
        if colon and len(name) < 64:
            values.setdefault(name.decode("ascii", "replace").strip(), value[:256].decode("ascii", "replace").strip())
    return values


def number_in(values: dict[str, str], name: str, base: int = 10) -> int | None:
    """A number, also with its sign or `0x`; None where there is none."""
    text = values.get(name, "")
    if len(text) > LONGEST_NUMBER + 2 or not text.isascii() or "_" in text:
        return None
    try:
        return int(text, base)
    except ValueError:
        return None


def parse_eventfd(text: bytes) -> Eventfd | None:
    """The counter of an eventfd."""
    values = parse_values(text)
    count = number_in(values, "eventfd-count", 16)
    if count is None or count < 0:
        return None
    semaphore = number_in(values, "eventfd-semaphore")
    return Eventfd(count, number_in(values, "eventfd-id"), None if semaphore is None else bool(semaphore))


def parse_epoll(text: bytes, most: int) -> tuple[list[Target], int]:
    """At most so many of the files that an epoll watches, and how many these are in all."""
    first = text.find(b"\ntfd:") + 1
    if not first:
        return [], 0
    lines = [line for line in text[first:].split(b"\n", most)[:most] if line.startswith(b"tfd:")]
    targets = [_target(line) for line in lines]
    return [target for target in targets if target is not None], text.count(b"\ntfd:")


def _target(line: bytes) -> Target | None:
    """`tfd:  3 events:  19 data:  3  pos:0 ino:40f sdev:10`: decimal, hexadecimal, ... (fs/eventpoll.c)."""
    words = line.decode("ascii", "replace").replace(":", ": ").split()
    values = {name[:-1]: value for name, value in zip(words[::2], words[1::2])}
    number, events = number_in(values, "tfd"), number_in(values, "events", 16)
    device = number_in(values, "sdev", 16) or 0
    if number is None or number < 0 or events is None or not 0 <= device <= _LARGEST_DEVICE:
        return None
    place = (device >> _MINOR_BITS, device & ((1 << _MINOR_BITS) - 1))
    return Target(number, events & 0xFFFFFFFF, number_in(values, "ino", 16), place)


def parse_timer(text: bytes) -> Timer | None:
    """The clock of a timerfd, when it expires, and how often after that."""
    values = parse_values(text)
    clock = number_in(values, "clockid")
    next_s, interval_s = _seconds(values, "it_value"), _seconds(values, "it_interval")
    if clock is None or next_s is None or interval_s is None:
        return None
    return Timer(clock, number_in(values, "ticks") or 0, next_s, interval_s)


def _seconds(values: dict[str, str], name: str) -> float | None:
    """`(5, 499962950)`: seconds and nanoseconds."""
    whole, _, rest = values.get(name, "").strip("()").partition(",")
    parts = {"whole": whole.strip(), "rest": rest.strip()}
    seconds, nanoseconds = number_in(parts, "whole"), number_in(parts, "rest")
    return None if seconds is None or nanoseconds is None else seconds + nanoseconds / 1e9


def parse_signal_set(text: bytes) -> int | None:
    """The signals that a signalfd takes, as a mask: bit N-1 is signal N."""
    return number_in(parse_values(text), "sigmask", 16)


def parse_pid(text: bytes) -> int | None:
    """The process that a pidfd means: -1 where it has ended and was waited for, 0 where our /proc does not show it."""
    return number_in(parse_values(text), "Pid")


def parse_inotify(text: bytes) -> int:
    """How many files and directories an inotify watches."""
    return text.count(b"\ninotify wd:")


def parse_fanotify(text: bytes) -> int:
    """How many marks a fanotify has; its own line (`fanotify flags:`) is none."""
    return text.count(b"\nfanotify ") - text.count(b"\nfanotify flags:")


def parse_ring(text: bytes) -> Ring | None:
    """The sizes of an io_uring, and what waits in it."""
    values = parse_values(text)
    told = [number_in(values, name, 0) for name in ("SqMask", "CqMask", "SqHead", "SqTail", "CqHead", "CqTail")]
    known = [number for number in told if number is not None]
    if len(known) < len(told):
        return None
    sq_mask, cq_mask, sq_head, sq_tail, cq_head, cq_tail = known
    return Ring(sq_mask + 1, cq_mask + 1, (sq_tail - sq_head) & 0xFFFFFFFF, (cq_tail - cq_head) & 0xFFFFFFFF)


def parse_tty_index(text: bytes) -> int | None:
    """The number of the pty that a descriptor of its master drives."""
    index = number_in(parse_values(text), "tty-index")
    return index if index is not None and index >= 0 else None
