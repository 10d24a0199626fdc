"""Calls made inside another namespace: a thread of its own enters, calls, and ends (setns(2))."""

from __future__ import annotations

import ctypes
import os
import threading
from typing import Callable, TypeVar

from ipcinspect.kernel.errors import Denied, Vanished, translated
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
    answers: list[Result] = []
    failures: list[BaseException] = []

    def enter_and_call() -> None:
        try:
            _enter(f"{root}/{pid}/ns/{kind}", kind, inode)
            answers.append(call())
        except Exception as error:  # noqa: BLE001 (raised in the caller's thread)
            failures.append(error)

    thread = threading.Thread(target=enter_and_call, name=f"ipcinspect-{kind}ns", daemon=True)
    thread.start()
    thread.join()
    if answers:
        return answers[0]
    raise failures[0] if failures else Vanished(f"{_WORDS[kind]} {inode}")


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
