"""Calls made inside another namespace: a thread of its own enters, calls, and ends (setns(2))."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Callable, Generic, TypeVar

from ipcinspect.kernel.errors import Denied, KernelError, Vanished, translated
from ipcinspect.kernel.libc import LIBC, last_error

_FLAGS = {"net": 0x40000000, "ipc": 0x08000000}
"""CLONE_NEWNET, CLONE_NEWIPC: the kinds that a single thread can enter."""
_WORDS = {"net": "network namespace", "ipc": "IPC namespace"}

Result = TypeVar("Result")

_setns = LIBC.setns
_setns.argtypes = (ctypes.c_int, ctypes.c_int)


def inside(root: str, pid: int, kind: str, inode: int, call: Callable[[], Result]) -> Result:
    """What `call` answers inside the namespace `inode` of a kind, entered through a process that lives in it.

    Raises Vanished (also when the process has another namespace by now), Denied, and what `call` raises. Nothing of
    the namespace is kept: sockets that `call` opens and does not close would keep a dead namespace alive.
    """
    answer = inside_each(root, {inode: (pid,)}, kind, call)[inode]
    if isinstance(answer, KernelError):
        raise answer
    return answer.value


class Answer(Generic[Result]):
    """What a call answered; a refusal may itself be what it answered."""

    def __init__(self, value: Result) -> None:
        self.value = value


def inside_each(
    root: str, doors: Mapping[int, Sequence[int]], kind: str, call: Callable[[], Result]
) -> dict[int, Answer[Result] | KernelError]:
    """What `call` answers inside each namespace of a kind, or why not, by inode: one thread goes through them all.

    `doors` are processes that live in it; the next is tried where one has ended. Raises what `call` raises beside
    KernelError. As `inside`, it keeps nothing; a thread for each namespace would cost six times as much.
    """
    answers: dict[int, Answer[Result] | KernelError] = {}
    failures: list[BaseException] = []

    def go_through() -> None:
        try:
            for inode, pids in doors.items():
                answers[inode] = _answer(root, pids, kind, inode, call)
        except Exception as error:  # noqa: BLE001 (raised in the caller's thread)
            failures.append(error)

    thread = threading.Thread(target=go_through, name=f"ipcinspect-{kind}ns", daemon=True)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return answers


def _answer(
    root: str, pids: Sequence[int], kind: str, inode: int, call: Callable[[], Result]
) -> Answer[Result] | KernelError:
    for pid in pids:
        try:
            _enter(f"{root}/{pid}/ns/{kind}", kind, inode)
            return Answer(call())
        except Vanished:
            continue
        except KernelError as error:
            return error
    return Vanished(f"{_WORDS[kind]} {inode}")


def _enter(path: str, kind: str, inode: int) -> None:
    what = f"{_WORDS[kind]} {inode}"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise translated(error, what) from error
    try:
        if os.fstat(fd).st_ino != inode:
            raise Vanished(what)
        if _setns(fd, _FLAGS[kind]) < 0:
            raise Denied(what) from last_error("setns")
    finally:
        os.close(fd)
