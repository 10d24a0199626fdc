"""The one place where descriptors of other processes are borrowed.

A borrowed duplicate counts as a holder: while we have a write end, its reader gets no EOF, and while we have a read
end, its writer gets no SIGPIPE. So: duplicate, ask, close, within microseconds, all through calls that keep the
interpreter lock (`libc`), with signals held (`gate`), never forking in between, never changing a flag (they belong to
the open file description, hence to its owner), never keeping one. See pidfd_getfd(2), pipe(7), ioctl_pipe(2).
"""

from __future__ import annotations

import ctypes
import os
import time
from typing import NamedTuple

from ipcinspect.kernel.errors import translated
from ipcinspect.kernel.gate import between_borrows
from ipcinspect.kernel.libc import LIBC, close, last_error, pidfd_getfd

_FIONREAD = 0x541B
_F_GETPIPE_SZ = 1032
_POLLIN, _POLLOUT, _POLLERR, _POLLHUP = 0x1, 0x4, 0x8, 0x10


class _PollFd(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


_ioctl = LIBC.ioctl
_ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)
_fcntl = LIBC.fcntl
_fcntl.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int)
_poll = LIBC.poll
_poll.argtypes = (ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int)


class PipeFill(NamedTuple):
    """What one end of a pipe tells about the whole pipe."""

    queued_bytes: int
    """FIONREAD: bytes written and not yet read."""
    capacity_bytes: int
    """F_GETPIPE_SZ."""
    writable: bool | None
    """POLLOUT: a writer would not block now; None when asked through a read end."""
    no_writers: bool | None
    """POLLHUP: every write end there ever was is closed; None when asked through a write end."""
    no_readers: bool | None
    """POLLERR: every read end is closed; None when asked through a read end."""


class Lender:
    """One process whose descriptors are asked. Holds a pidfd (a reference, no hold on the process) until closed."""

    def __init__(self, pid: int) -> None:
        """Raises Vanished, Denied or Unsupported."""
        self._pid = pid
        self.longest_s = 0.0
        """The longest time for which a descriptor was borrowed, in seconds."""
        try:
            self._pidfd = os.pidfd_open(pid)
        except OSError as error:
            raise translated(error, f"process {pid}") from error

    def close(self) -> None:
        """Let go of the process."""
        os.close(self._pidfd)

    def pipe_fill(self, fd: int, write_end: bool) -> PipeFill:
        """How full the pipe behind a descriptor is. Raises Vanished, Denied or Unsupported.

        The caller has to know from `/proc/PID/fd` that it is a pipe; a descriptor that was replaced meanwhile is
        noticed where F_GETPIPE_SZ refuses it.
        """
        queued = ctypes.c_int()
        asked = _PollFd(-1, _POLLOUT if write_end else _POLLIN, 0)
        with between_borrows():
            start = time.perf_counter()
            try:
                borrowed = pidfd_getfd(self._pidfd, fd)
            except OSError as error:
                raise translated(error, f"descriptor {fd} of process {self._pid}") from error
            asked.fd = borrowed
            capacity = _fcntl(borrowed, _F_GETPIPE_SZ, 0)
            failed = capacity < 0 or _ioctl(borrowed, _FIONREAD, ctypes.addressof(queued)) < 0
            error_now = last_error("fcntl") if failed else None
            if not failed:
                _poll(ctypes.addressof(asked), 1, 0)
            close(borrowed)
            self.longest_s = max(self.longest_s, time.perf_counter() - start)
        if error_now is not None:
            raise translated(error_now, f"descriptor {fd} of process {self._pid}") from error_now
        return _pipe_fill(queued.value, capacity, asked.revents, write_end)

    def next_datagram_bytes(self, fd: int) -> int:
        """FIONREAD of a datagram socket: the size of its first message. Raises Vanished, Denied or Unsupported."""
        queued = ctypes.c_int()
        with between_borrows():
            start = time.perf_counter()
            try:
                borrowed = pidfd_getfd(self._pidfd, fd)
            except OSError as error:
                raise translated(error, f"descriptor {fd} of process {self._pid}") from error
            failed = _ioctl(borrowed, _FIONREAD, ctypes.addressof(queued)) < 0
            error_now = last_error("ioctl") if failed else None
            close(borrowed)
            self.longest_s = max(self.longest_s, time.perf_counter() - start)
        if error_now is not None:
            raise translated(error_now, f"descriptor {fd} of process {self._pid}") from error_now
        return queued.value


def _pipe_fill(queued: int, capacity: int, events: int, write_end: bool) -> PipeFill:
    if write_end:
        return PipeFill(queued, capacity, bool(events & _POLLOUT), None, bool(events & _POLLERR))
    return PipeFill(queued, capacity, None, bool(events & _POLLHUP), None)
