"""What rooms need to look inside a channel: its holders, borrowed for the length of one call, and its namespace.

Only on request, and by the rule that nobody notices: contents are copied, never taken out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Callable, NamedTuple, TypeVar

from ipcinspect.kernel import procfs, sleepers
from ipcinspect.kernel.borrow import Lender
from ipcinspect.kernel.errors import KernelError, TimedOut, Unsupported, Vanished
from ipcinspect.mechanisms.ipc_namespaces import IpcNamespaces
from ipcinspect.mechanisms.kernel_memory import KernelMemory
from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.model.contents import Contents
from ipcinspect.model.process import Process

Answer = TypeVar("Answer")

_ASKED_HOLDERS = 4
"""Holders of one end that are asked until one answers."""


class Holder(NamedTuple):
    """A process and its descriptor of a channel."""

    process: Process
    fd: int

    def __str__(self) -> str:
        """As evidence: `descriptor 0 of tee 2212`. Holds kernel text."""
        return f"descriptor {self.fd} of {self.process.comm} {self.process.pid}"


def holders_of(ends: Sequence[Endpoint]) -> list[Holder]:
    """Those of some ends who show a descriptor."""
    return [Holder(end.process, end.fd) for end in ends if end.process is not None and end.fd is not None]


class Peeking:
    """The surroundings of one request."""

    def __init__(self, root: str, pids_agree: bool, ipc: IpcNamespaces, most: int, kernel_memory: KernelMemory) -> None:
        self.root = root
        self.ipc = ipc
        """To ask inside the channel's IPC namespace."""
        self.kernel_memory = kernel_memory
        self.most = most
        """Bytes to copy at most."""
        self.pids_agree = pids_agree
        """Whether pids of that /proc mean the same processes to system calls of ours."""

    @contextmanager
    def lender(self, process: Process) -> Iterator[Lender]:
        """A process whose descriptors can be asked. Raises Vanished where its pid means another by now, Denied, ..."""
        if not self.pids_agree:
            raise Unsupported("pidfd_open in another pid namespace")
        lender = Lender(self.root, process.pid)
        try:
            self.confirm(process)  # after the pidfd is open, the pid cannot be given to another behind our back
            yield lender
        finally:
            lender.close()

    def through(
        self, holders: Sequence[Holder], locked_by: Sequence[Holder], question: Callable[[Lender, int], Answer]
    ) -> tuple[Holder, Answer]:
        """The answer of the first holder that can be asked, by (its lender, its descriptor).

        Raises TimedOut where one of `locked_by` may hold the lock that the question needs for good, and what the last
        holder raised. `holders` is not empty.
        """
        self.confirm_unlocked(locked_by)
        refusal: KernelError = Vanished("every holder")
        for holder in holders[:_ASKED_HOLDERS]:
            try:
                with self.lender(holder.process) as lender:
                    return holder, question(lender, holder.fd)
            except KernelError as error:
                refusal = error
        raise refusal

    def confirm_unlocked(self, holders: Sequence[Holder]) -> None:
        """Raises TimedOut where a holder sleeps in the middle of a call on the descriptor, perhaps for good."""
        odd: dict[int, list[int]] = {}
        for process, fd in holders:
            if process.pid not in odd:
                odd[process.pid] = sleepers.odd_sleepers(self.root, process.pid, False)
            for thread in odd[process.pid]:
                if sleepers.may_work_on(self.root, process.pid, thread, fd):
                    raise TimedOut(f"{process.comm} {process.pid} hangs while it reads or writes descriptor {fd}")

    def confirm(self, process: Process) -> None:
        """Raises Vanished where the pid means another process by now."""
        try:
            procfs.read_of(self.root, process.pid, process.starttime, "stat")
        except OSError as error:
            raise Vanished(f"process {process.pid}") from error


def cannot(peeking: Peeking, channel: Channel) -> Contents:
    """The `peek` of a mechanism that is not looked into. Raises Unsupported."""
    raise Unsupported(f"this program knows no way to copy what waits in a {channel.mechanism} and leave it there")


def reason(error: KernelError) -> str:
    """Why nothing could be copied, as a line that a user reads."""
    if error.why == "denied":
        return f"the kernel denies this user a look through {error}"
    if error.why == "vanished":
        return f"{error} is gone, or means something else by now"
    return str(error)
