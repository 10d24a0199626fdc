"""Questions that only a descriptor of the holder itself can answer, asked by borrowing it."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Callable, NamedTuple, TypeVar

from ipcinspect.kernel import sleepers
from ipcinspect.kernel.borrow import Lender, PipeFill
from ipcinspect.kernel.descriptors import FifoEnd, OtherEnd, PipeEnd
from ipcinspect.kernel.errors import KernelError, Unsupported
from ipcinspect.kernel.libc import FileFacts
from ipcinspect.kernel.walk import ProcessFacts
from ipcinspect.model.gap import Gap
from ipcinspect.model.process import Process

Answer = TypeVar("Answer")

_OPEN_LENDERS = 16
"""Processes to which we hold two descriptors at a time: an ordinary user may have 1024 descriptors in all."""


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

    def __init__(self, root: str, facts: Sequence[ProcessFacts], pids_agree: bool) -> None:
        """`pids_agree`: the pids of that /proc are ours. Else a pidfd would be one of an unrelated process."""
        self._root = root
        self._pids_agree = pids_agree
        self._alone = {row.pid for row in facts if row.num_threads == 1}
        self._sleepers: dict[int, list[int]] = {}
        self._worked_on: dict[int, dict[int | None, list[int]]] = {}
        self._lenders: OrderedDict[int, Lender] = OrderedDict()
        self._refused: dict[int, str] = {}
        """Why, by the inodes of what nobody's descriptor could be asked about."""
        self._locked = 0
        self.longest_s = 0.0
        """The longest time for which a descriptor was borrowed, in seconds."""

    def close(self) -> None:
        """Let go of every process."""
        while self._lenders:
            self._let_go()

    def is_locked(self, holders: Sequence[tuple[Process, PipeEnd | FifoEnd | OtherEnd]]) -> bool:
        """Whether a holder may sleep for good at work on the pipe: then asking it would wait for the same lock."""
        for process, end in holders:
            worked = self._worked_on_by(process.pid)
            for thread in (*worked.get(end.fd, ()), *worked.get(None, ())):
                if sleepers.may_work_on(self._root, process.pid, thread, end.fd):
                    self._locked += 1
                    return True
        return False

    def pipe(self, holder: PipeHolder, inode: int, as_writer: bool) -> PipeLook | None:
        """How full a pipe is, through one of its descriptors; None where that is refused, or another file by now."""
        process, end = holder
        link = end.path if isinstance(end, FifoEnd) else f"pipe:[{inode}]"
        try:
            look = PipeLook(*self._lender(process.pid).pipe(end.fd, link, inode, as_writer))
        except KernelError as error:
            self._note(error, inode)
            return None
        self._refused.pop(inode, None)
        return look

    def next_datagram_bytes(self, holder: SocketHolder, inode: int) -> int | None:
        """The size of the first datagram that waits in a socket; None where it is refused, or another file by now."""
        return self._ask(holder.process.pid, inode, lambda lender: lender.next_datagram_bytes(holder.fd, inode))

    def datagram_writable(self, holder: SocketHolder, inode: int) -> bool | None:
        """Whether a send would not block now; None where it is refused, or another file by now."""
        return self._ask(holder.process.pid, inode, lambda lender: lender.datagram_writable(holder.fd, inode))

    def ask(self, process: Process, end: OtherEnd, question: Callable[[int], int]) -> FileFacts | None:
        """The file behind a descriptor, after `question` was asked of its duplicate as `Lender.ask` says.

        None where that is refused, or where it is another file by now. Never for a file of a user's file system.
        """
        wanted = end.file
        if wanted is None:
            return None
        answer = self._ask(
            process.pid, wanted.inode, lambda lender: lender.ask(end.fd, end.target, wanted.inode, question)
        )
        return answer[0] if answer is not None and answer[0].device == wanted.device else None

    def refusal(self, inode: int) -> str | None:
        """Why nobody's descriptor of it could be asked; None where somebody's was, or none was tried."""
        return self._refused.get(inode)

    def gaps(self) -> list[Gap]:
        """What could not be asked."""
        reasons = Counter(self._refused.values())
        rows = [Gap("fill of pipes and sockets by pidfd_getfd", why, number) for why, number in reasons.items()]
        rows.append(Gap("fill of pipes whose holder may hang at work on them", "timed out", self._locked))
        return [gap for gap in rows if gap.count]

    def _worked_on_by(self, pid: int) -> dict[int | None, list[int]]:
        """By descriptor, the odd sleepers of a process that may work on it: read once, for there may be thousands."""
        known = self._worked_on.get(pid)
        if known is None:
            known = self._worked_on[pid] = sleepers.worked_on(self._root, pid, self._sleepers_of(pid))
        return known

    def _sleepers_of(self, pid: int) -> list[int]:
        known = self._sleepers.get(pid)
        if known is None:
            known = self._sleepers[pid] = sleepers.odd_sleepers(self._root, pid, pid in self._alone)
        return known

    def _ask(self, pid: int, inode: int, question: Callable[[Lender], Answer]) -> Answer | None:
        try:
            return question(self._lender(pid))
        except KernelError as error:
            self._note(error, inode)
            return None

    def _note(self, error: KernelError, inode: int) -> None:
        if error.why != "vanished":
            self._refused[inode] = error.why

    def _lender(self, pid: int) -> Lender:
        lender = self._lenders.get(pid)
        if lender is None:
            if not self._pids_agree:
                raise Unsupported("pidfd_open in another pid namespace")
            if len(self._lenders) >= _OPEN_LENDERS:
                self._let_go()
            lender = self._lenders[pid] = Lender(self._root, pid)
        return lender

    def _let_go(self) -> None:
        _, lender = self._lenders.popitem(last=False)
        self.longest_s = max(self.longest_s, lender.longest_s)
        lender.close()
