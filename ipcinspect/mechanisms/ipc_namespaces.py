"""The IPC namespaces of the machine (ipc_namespaces(7)), and questions asked inside each of them.

System V objects and POSIX queues belong to an IPC namespace, and the kernel tells those of the asking thread's own.
A thread of ours enters each namespace in which a process lives, asks, and ends: nothing of ours stays behind in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Callable, TypeVar

from ipcinspect.kernel.errors import KernelError
from ipcinspect.kernel.namespaces import inside_each
from ipcinspect.model.gap import Gap

Answer = TypeVar("Answer")

_DOORS = 3
"""Processes through which a namespace is tried to be entered, should the first ones end meanwhile."""


class IpcNamespaces:
    """All that processes of one scan live in."""

    def __init__(self, root: str, own: int | None, inhabitants: Iterable[tuple[int | None, int]]) -> None:
        """`own` is the inode of the namespace that this thread is in; `inhabitants` are (namespace, pid)."""
        self._root = root
        self.own = own
        self._pids: dict[int, list[int]] = {}
        for inode, pid in inhabitants:
            if inode is not None:
                self._pids.setdefault(inode, []).append(pid)
        self._shut: dict[int, str] = {}

    def ask(self, question: Callable[[], Answer]) -> Iterator[tuple[int | None, Answer]]:
        """(namespace, answer) of our own first, then of every other that lets us in.

        For the others it runs in a thread that goes through them. Of our own namespace alone it raises what it raises.
        """
        yield self.own, question()
        doors = {inode: self._pids[inode][:_DOORS] for inode in sorted(self.others)}
        answers = inside_each(self._root, doors, "ipc", question) if doors else {}
        for inode, answer in answers.items():
            if isinstance(answer, KernelError):
                self._shut[inode] = answer.why
            else:
                yield inode, answer.value

    def ask_in(self, inode: int | None, question: Callable[[], Answer]) -> Answer:
        """The answer of one namespace. Raises Denied, Vanished (no process lives in it any more), what it raises."""
        if inode is None or inode == self.own:
            return question()
        answer = inside_each(self._root, {inode: self._pids.get(inode, [])[:_DOORS]}, "ipc", question)[inode]
        if isinstance(answer, KernelError):
            raise answer
        return answer.value

    @property
    def shut(self) -> frozenset[int]:
        """Namespaces that did not let us in, as far as they were asked."""
        return frozenset(inode for inode, why in self._shut.items() if why != "vanished")

    @property
    def others(self) -> frozenset[int]:
        """Namespaces beside our own in which a visible process lives."""
        return frozenset(self._pids) - {self.own} if self.own is not None else frozenset()

    def gaps(self) -> list[Gap]:
        """The namespaces that could not be entered, by name."""
        return [
            Gap(f"System V and POSIX queue objects of IPC namespace {inode}", why, None)
            for inode, why in sorted(self._shut.items())
            if why != "vanished"
        ]
