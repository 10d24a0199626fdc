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
from typing import Callable, NamedTuple

from ipcinspect.kernel.descriptor_calls import (
    F_GETPIPE_SZ,
    FIONREAD,
    IPPROTO_TCP,
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    SO_RCVTIMEO,
    SO_SNDTIMEO,
    SOL_SOCKET,
    TCP_USER_TIMEOUT,
    PollFd,
    TimeVal,
)
from ipcinspect.kernel.descriptor_calls import fcntl as _fcntl
from ipcinspect.kernel.descriptor_calls import getsockopt as _getsockopt
from ipcinspect.kernel.descriptor_calls import ioctl as _ioctl
from ipcinspect.kernel.descriptor_calls import poll as _poll
from ipcinspect.kernel.errors import Vanished, translated
from ipcinspect.kernel.gate import between_borrows
from ipcinspect.kernel.libc import FileFacts, FileReader, close, last_error, pidfd_getfd


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
    """One process whose descriptors are asked. Holds a pidfd and its /proc/PID/fd (references, no hold on the process).

    Every question names the text of the link that the descriptor has to have. It is looked at first and borrowed then:
    what was put in its place meanwhile may be a file of a dead file server, and closing a duplicate of that could hang.
    What is replaced in the very moment in between is noticed by its inode and asked nothing.
    """

    def __init__(self, root: str, pid: int) -> None:
        """Raises Vanished, Denied or Unsupported."""
        self._pid = pid
        self._files = FileReader()
        self._queued = ctypes.c_int()
        self._queued_at = ctypes.addressof(self._queued)
        self._poll = PollFd()
        self._poll_at = ctypes.addressof(self._poll)
        self.longest_s = 0.0
        """The longest time for which a descriptor was borrowed, in seconds."""
        try:
            self._pidfd = os.pidfd_open(pid)
        except OSError as error:
            raise translated(error, f"process {pid}") from error
        try:
            self._links = os.open(f"{root}/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            os.close(self._pidfd)
            raise translated(error, f"descriptors of process {pid}") from error

    def close(self) -> None:
        """Let go of the process."""
        os.close(self._pidfd)
        os.close(self._links)

    def link_of(self, fd: int) -> str:
        """The text of the link of a descriptor, for what has no link that is known before (FIFOs). Raises Vanished."""
        try:
            return os.readlink(str(fd), dir_fd=self._links)
        except OSError as error:
            raise Vanished(f"descriptor {fd} of process {self._pid}") from error

    def is_fifo(self, fd: int, device: int, inode: int) -> bool:
        """Whether a descriptor is of that FIFO, as statx(2) answers from memory, without borrowing it."""
        return self.is_file(fd, device, inode) and self._files.latest().is_fifo

    def is_file(self, fd: int, device: int, inode: int) -> bool:
        """Whether a descriptor is of that file, as statx(2) answers from memory, without borrowing it."""
        try:
            file = self._files.facts(self._links, str(fd))
        except OSError:
            return False
        return (file.device, file.inode) == (device, inode)

    def pipe(self, fd: int, link: str, inode: int, write_end: bool) -> tuple[FileFacts, PipeFill]:
        """The pipe `inode` behind a descriptor, and how full it is. Raises Vanished, Denied or Unsupported.

        The caller has just seen that no holder sleeps at work on it.
        """
        poll = self._poll
        poll.events = POLLOUT if write_end else POLLIN

        def ask(borrowed: int) -> int:
            capacity: int = _fcntl(borrowed, F_GETPIPE_SZ, 0)
            if capacity < 0 or _ioctl(borrowed, FIONREAD, self._queued_at) < 0:
                return -1
            poll.fd = borrowed
            return -1 if _poll(self._poll_at, 1, 0) < 0 else capacity

        file, capacity = self.ask(fd, link, inode, ask)
        return file, _pipe_fill(self._queued.value, capacity, poll.revents, write_end)

    def next_datagram_bytes(self, fd: int, inode: int) -> int:
        """FIONREAD of the datagram socket `inode`: the size of its first message. Raises as `pipe`."""

        def ask(borrowed: int) -> int:
            return int(_ioctl(borrowed, FIONREAD, self._queued_at))

        self.ask(fd, f"socket:[{inode}]", inode, ask)
        return self._queued.value

    def datagram_writable(self, fd: int, inode: int) -> bool:
        """POLLOUT of the datagram socket `inode`: whether a send would not block now. Raises as `pipe`."""
        self._poll.events = POLLOUT

        def ask(borrowed: int) -> int:
            self._poll.fd = borrowed
            return int(_poll(self._poll_at, 1, 0))

        self.ask(fd, f"socket:[{inode}]", inode, ask)
        return bool(self._poll.revents & POLLOUT)

    def socket_has_timeout(self, fd: int, inode: int) -> bool:
        """Whether SO_RCVTIMEO or SO_SNDTIMEO of the socket `inode` is set (socket(7)), or of one of TCP its
        TCP_USER_TIMEOUT (tcp(7)). Raises as `pipe`."""
        limits = (TimeVal * 2)()
        length = ctypes.c_uint()
        milliseconds = ctypes.c_uint()

        def ask(borrowed: int) -> int:
            for place, option in enumerate((SO_RCVTIMEO, SO_SNDTIMEO)):
                length.value = ctypes.sizeof(TimeVal)
                at = ctypes.byref(limits, place * ctypes.sizeof(TimeVal))
                if _getsockopt(borrowed, SOL_SOCKET, option, at, ctypes.byref(length)) < 0:
                    return -1
            length.value = ctypes.sizeof(milliseconds)  # refused by sockets of all other kinds
            _getsockopt(borrowed, IPPROTO_TCP, TCP_USER_TIMEOUT, ctypes.byref(milliseconds), ctypes.byref(length))
            return 0

        self.ask(fd, f"socket:[{inode}]", inode, ask)
        return bool(milliseconds.value) or any(limit.seconds or limit.microseconds for limit in limits)

    def ask(self, fd: int, link: str, inode: int, ask: Callable[[int], int]) -> tuple[FileFacts, int]:
        """The file behind a descriptor, and what `ask` answers of its duplicate; below 0: errno holds the refusal.

        Raises Vanished (also where its link or inode is another by now), Denied or Unsupported. `ask` makes calls of
        LIBC alone, which keep the interpreter lock, and none that sleeps. Only for what the kernel itself keeps (pipes,
        sockets, queues, terminals, memory): closing the duplicate of a file of a dead server could hang.
        """
        failure: OSError | None = None
        if not self._has_link(fd, link):
            raise Vanished(f"descriptor {fd} of process {self._pid}")
        with between_borrows():
            start = time.perf_counter()
            try:
                borrowed = pidfd_getfd(self._pidfd, fd)
                try:
                    file = self._files.of_open(borrowed)
                    if file.inode != inode:
                        raise Vanished(f"descriptor {fd} of process {self._pid}")
                    answer = ask(borrowed)
                    failure = last_error("borrow") if answer < 0 else None
                finally:
                    close(borrowed)
            except OSError as error:
                failure = error
            self.longest_s = max(self.longest_s, time.perf_counter() - start)
        if failure is not None:
            raise translated(failure, f"descriptor {fd} of process {self._pid}")
        return file, answer

    def _has_link(self, fd: int, link: str) -> bool:
        try:
            return os.readlink(str(fd), dir_fd=self._links) == link
        except OSError:
            return False


def _pipe_fill(queued: int, capacity: int, events: int, write_end: bool) -> PipeFill:
    if write_end:
        return PipeFill(queued, capacity, bool(events & POLLOUT), None, bool(events & POLLERR))
    return PipeFill(queued, capacity, None, bool(events & POLLHUP), None)
