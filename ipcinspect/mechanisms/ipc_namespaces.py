"""The IPC namespaces of the machine (ipc_namespaces(7)), and questions asked inside each of them.

System V objects and POSIX queues belong to an IPC namespace, and the kernel tells those of the asking thread's own.
A thread of ours enters each namespace in which a process lives, asks, and ends: nothing of ours stays behind in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Callable, TypeVar

from ipcinspect.kernel.errors import KernelError, Vanished
from ipcinspect.kernel.namespaces import inside
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

        The question runs in a thread of its own for the others. Raises, of our own namespace alone, what it raises.
        """
        yield self.own, question()
        for inode in sorted(self.others):
            try:
                answer = self.ask_in(inode, question)
            except KernelError as error:
                self._shut[inode] = error.why
                continue
            yield inode, answer

    def ask_in(self, inode: int | None, question: Callable[[], Answer]) -> Answer:
        """The answer of one namespace. Raises Denied, Vanished (no process lives in it any more), what it raises."""
        if inode is None or inode == self.own:
            return question()
        for pid in self._pids.get(inode, ())[:_DOORS]:
            try:
                return inside(self._root, pid, "ipc", inode, question)
            except Vanished:
                continue
        raise Vanished(f"IPC namespace {inode}")

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
