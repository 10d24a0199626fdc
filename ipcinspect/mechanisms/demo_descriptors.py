"""A demo half that writes to and reads from one descriptor: what pipes, FIFOs and pseudo-terminals have in common."""

from __future__ import annotations

import fcntl
import functools
import os
import select
from typing import Callable

from ipcinspect.mechanisms.demo_part import BROKEN, Calls, Part


class DescriptorEnd:
    """Sends and receives whole payloads, as far as its end goes that way."""

    def __init__(self, part: Part, take_end: Callable[[], int] | None = None) -> None:
        """`take_end` opens the end; without it the end is the descriptor that was inherited."""
        self._calls, self._blocking = part.calls, part.terms.blocking
        self._take_end = take_end if take_end is not None else lambda: part.fds[0]
        self._fd = -1
        self._write: Callable[[bytes | memoryview], int]
        self._read: Callable[[int], bytes]

    def open(self) -> None:
        """Take hold of the end; may wait for the partner (a FIFO). Raises OSError."""
        self._fd = fd = self._take_end()
        write, read = functools.partial(os.write, fd), functools.partial(os.read, fd)
        self._write = self._calls.bound("write", write, lambda rest: (fd, f"{len(rest)} bytes"), comes_with=BROKEN)
        self._read = self._calls.bound("read", read, lambda size: (fd, size), told_size)
        if not self._blocking:
            set_nonblocking(self._calls, fd)

    def send(self, payload: bytes) -> None:
        """Write all of it; where the channel is full, sleeps, or raises BlockingIOError: a part may be in it then."""
        written = self._write(payload) if payload else 0
        while written < len(payload):
            written += self._write(memoryview(payload)[written:])

    def receive(self, size: int) -> bytes:
        """Read that many bytes; fewer only where every writer is gone. Raises OSError."""
        return in_whole(self._calls, self._fd, self._read, size)

    def fileno(self) -> int:
        """What poll(2) can ask about."""
        return self._fd

    def close(self) -> None:
        """Let go of the end. Raises OSError."""
        self._calls("close", (self._fd,), lambda: os.close(self._fd))


def in_whole(calls: Calls, fd: int, read: Callable[[int], bytes], size: int) -> bytes:
    """So many bytes, by as many reads as that takes; fewer only where a read gives none. Raises OSError.

    Once a message has started, the rest is under way: it waits for that where the read would block.
    """
    data = read(size) if size > 0 else b""
    if not data or len(data) >= size:
        return data
    parts, left = [data], size - len(data)
    while left > 0 and (part := _the_rest(calls, fd, read, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _the_rest(calls: Calls, fd: int, read: Callable[[int], bytes], size: int) -> bytes:
    while True:
        try:
            return read(size)
        except BlockingIOError:
            _wait(calls, fd)


def _wait(calls: Calls, fd: int) -> None:
    asked = select.poll()
    asked.register(fd, select.POLLIN)
    calls("poll", (f"[{{{fd}, POLLIN}}]", "-1"), asked.poll, lambda ready: told_events(ready, "POLL"))


def told_events(ready: list[tuple[int, int]], prefix: str) -> str:
    """How the result of poll(2) (`POLL`) or of epoll_wait(2) (`EPOLL`) reads; both have the same bits."""
    events = ready[0][1] if ready else 0
    bits = {"IN": select.POLLIN, "ERR": select.POLLERR, "HUP": select.POLLHUP}
    names = [prefix + name for name, bit in bits.items() if events & bit]
    return f"{len(ready)}, {'|'.join(names) or events}" if ready else "0"


def told_size(data: bytes) -> str:
    """How a reading call's result reads."""
    return "0, end of file" if not data else f"{len(data)} bytes"


def set_nonblocking(calls: Calls, fd: int) -> None:
    """So that calls on an end of our own answer EAGAIN where they would sleep. Raises OSError."""
    # not os.set_blocking, which is ioctl(2) FIONBIO in truth
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    calls("fcntl", (fd, "F_SETFL", "O_NONBLOCK"), lambda: fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_NONBLOCK))
