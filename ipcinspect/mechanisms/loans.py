"""Questions that only a descriptor of the holder itself can answer, asked by borrowing it."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from typing import Callable, NamedTuple, TypeVar

from ipcinspect.kernel import sleepers
from ipcinspect.kernel.borrow import Lender, PipeFill
from ipcinspect.kernel.descriptors import FifoEnd, PipeEnd
from ipcinspect.kernel.errors import KernelError
from ipcinspect.kernel.libc import FileFacts
from ipcinspect.model.gap import Gap
from ipcinspect.model.process import Process

Answer = TypeVar("Answer")

_OPEN_LENDERS = 64
"""Processes to which we hold a pidfd at a time: an ordinary user may have 1024 descriptors in all."""


class PipeHolder(NamedTuple):
    """A process and its descriptor of a pipe."""

    process: Process
    end: PipeEnd | FifoEnd


class SocketHolder(NamedTuple):
    """A process and its descriptor of a socket."""

    process: Process
    fd: int


class PipeLook(NamedTuple):
    """A pipe at the moment it was asked."""

    file: FileFacts
    fill: PipeFill


class Loans:
    """All borrowing of one scan. What is borrowed is closed before each call returns."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._sleepers: dict[int, list[int]] = {}
        self._lenders: OrderedDict[int, Lender] = OrderedDict()
        self._refused = self._locked = 0
        self.longest_s = 0.0
        """The longest time for which a descriptor was borrowed, in seconds."""

    def close(self) -> None:
        """Let go of every process."""
        while self._lenders:
            self._let_go()

    def is_locked(self, holders: Sequence[PipeHolder]) -> bool:
        """Whether a holder may sleep for good at work on the pipe: then asking it would wait for the same lock."""
        locked = any(
            sleepers.may_work_on(self._root, holder.process.pid, thread, holder.end.fd)
            for holder in holders
            for thread in self._sleepers_of(holder.process.pid)
        )
        self._locked += locked
        return locked

    def pipe(self, holder: PipeHolder, inode: int, as_writer: bool) -> PipeLook | None:
        """How full a pipe is, through one of its descriptors; None where that is refused, or another file by now.

        Looked at first, borrowed then: what was put in its place meanwhile may be a file of a dead file server, and
        closing a duplicate of that could hang.
        """
        pid, end = holder.process.pid, holder.end
        expected = end.path if isinstance(end, FifoEnd) else f"pipe:[{inode}]"
        if not self._still_is(pid, end.fd, expected):
            return None
        answer = self._ask(pid, lambda lender: lender.pipe(end.fd, inode, as_writer))
        return PipeLook(*answer) if answer is not None else None

    def next_datagram_bytes(self, holder: SocketHolder, inode: int) -> int | None:
        """The size of the first datagram that waits in a socket; None where it is refused, or another file by now."""
        if not self._is_socket(holder, inode):
            return None
        return self._ask(holder.process.pid, lambda lender: lender.next_datagram_bytes(holder.fd, inode))

    def datagram_writable(self, holder: SocketHolder, inode: int) -> bool | None:
        """Whether a send would not block now; None where it is refused, or another file by now."""
        if not self._is_socket(holder, inode):
            return None
        return self._ask(holder.process.pid, lambda lender: lender.datagram_writable(holder.fd, inode))

    def gaps(self) -> list[Gap]:
        """What could not be asked."""
        rows = (
            Gap("fill of pipes and sockets by pidfd_getfd", "denied", self._refused),
            Gap("fill of pipes whose holder hangs at work on them", "timed out", self._locked),
        )
        return [gap for gap in rows if gap.count]

    def _is_socket(self, holder: SocketHolder, inode: int) -> bool:
        return self._still_is(holder.process.pid, holder.fd, f"socket:[{inode}]")

    def _still_is(self, pid: int, fd: int, target: str) -> bool:
        try:
            return os.readlink(f"{self._root}/{pid}/fd/{fd}") == target
        except OSError:
            return False

    def _sleepers_of(self, pid: int) -> list[int]:
        if pid not in self._sleepers:
            self._sleepers[pid] = sleepers.odd_sleepers(self._root, pid)
        return self._sleepers[pid]

    def _ask(self, pid: int, question: Callable[[Lender], Answer]) -> Answer | None:
        try:
            return question(self._lender(pid))
        except KernelError as error:
            if error.why != "vanished":
                self._refused += 1
            return None

    def _lender(self, pid: int) -> Lender:
        lender = self._lenders.get(pid)
        if lender is None:
            if len(self._lenders) >= _OPEN_LENDERS:
                self._let_go()
            lender = self._lenders[pid] = Lender(pid)
        return lender

    def _let_go(self) -> None:
        _, lender = self._lenders.popitem(last=False)
        self.longest_s = max(self.longest_s, lender.longest_s)
        lender.close()
