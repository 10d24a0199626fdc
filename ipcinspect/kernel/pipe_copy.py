"""The first bytes of a pipe, copied without taking them out (tee(2)).

tee(2) works through a read end alone and copies the slots of a pipe, from the front, into a pipe of ours: no byte is
read of the watched one, no waiter is woken and no flag moved. It takes the lock of both pipes, so the caller has just
seen that nobody sleeps at work on the watched one. Only the tee happens while the read end is borrowed; our own pipe is
read afterwards, without the interpreter lock: a page of a file on a dead server that was spliced in would not answer.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
from types import TracebackType
from typing import NamedTuple

from ipcinspect.kernel.borrow import Lender
from ipcinspect.kernel.descriptor_calls import F_GETPIPE_SZ, FIONREAD, POLLHUP, POLLIN, PollFd
from ipcinspect.kernel.descriptor_calls import fcntl as _fcntl
from ipcinspect.kernel.descriptor_calls import ioctl as _ioctl
from ipcinspect.kernel.descriptor_calls import poll as _poll
from ipcinspect.kernel.errors import Vanished, translated
from ipcinspect.kernel.libc import LIBC

_F_SETPIPE_SZ = 1031
_SPLICE_F_NONBLOCK = 2
_EAGAIN = 11
USUAL_LIMIT = 1 << 20
"""Bytes that a pipe may have without privilege, where nobody set another limit (pipe-max-size in pipe(7))."""

_tee = LIBC.tee
_tee.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint)
_tee.restype = ctypes.c_ssize_t


class PipeCopy(NamedTuple):
    """What was copied, and what is known of the rest."""

    parts: tuple[bytes, ...]
    """As reads would return them: a packet pipe (O_DIRECT) gives one packet at a time."""
    queued_bytes: int
    """Unread bytes in all, those copied among them."""
    no_writers: bool
    """POLLHUP: every write end there ever was is closed."""
    cut: bool
    """The last part may have more bytes than were copied."""


class ScratchPipe:
    """A pipe of our own that takes one copy. It counts against the limits of pipe(7) while it is there, so close it."""

    def __init__(self, capacity: int) -> None:
        """As large as `capacity` bytes, or as the limits of this user allow. Raises OSError."""
        self._out, self._in = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.capacity = fcntl.fcntl(self._in, F_GETPIPE_SZ)
        wanted = capacity
        while wanted > self.capacity:
            try:
                self.capacity = fcntl.fcntl(self._in, _F_SETPIPE_SZ, wanted)
            except OSError:
                wanted //= 2

    def __enter__(self) -> ScratchPipe:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._out)
        os.close(self._in)

    def copy(self, lender: Lender, fd: int, link: str, device: int | None, inode: int, most: int) -> PipeCopy:
        """At most `most` bytes of the pipe behind a read end. Raises Vanished, Denied or Unsupported.

        `device` is None for anonymous pipes, which are all on one.
        """
        queued, poll = ctypes.c_int(), PollFd(0, POLLIN, 0)
        queued_at, poll_at = ctypes.addressof(queued), ctypes.addressof(poll)
        capacity = 0

        def ask(borrowed: int) -> int:
            nonlocal capacity
            capacity = _fcntl(borrowed, F_GETPIPE_SZ, 0)
            if capacity < 0 or _ioctl(borrowed, FIONREAD, queued_at) < 0:
                return -1
            copied: int = _tee(borrowed, self._in, most, _SPLICE_F_NONBLOCK)
            if copied < 0:
                if ctypes.get_errno() != _EAGAIN:
                    return -1
                copied = 0
            poll.fd = borrowed
            return -1 if _poll(poll_at, 1, 0) < 0 else copied

        file, copied = lender.ask(fd, link, inode, ask)
        if device is not None and file.device != device:
            raise Vanished(f"descriptor {fd}")
        try:
            parts = self._parts(copied)
        except OSError as error:  # a spliced page of a file that was cut off meanwhile
            raise translated(error, f"what was spliced into descriptor {fd}") from error
        all_of_it = copied < most and self.capacity >= capacity  # taken in one piece, under the lock of the pipe
        total = copied if all_of_it else max(copied, queued.value)
        return PipeCopy(parts, total, bool(poll.revents & POLLHUP), total > copied)

    def _parts(self, copied: int) -> tuple[bytes, ...]:
        parts = []
        while copied > 0:
            part = os.read(self._out, copied)
            parts.append(part)
            copied -= len(part)
        return tuple(parts)
