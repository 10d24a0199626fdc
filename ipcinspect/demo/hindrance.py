"""What the processes of a demo do to themselves before the kernel has to refuse them something; nobody else feels it.

A limit that counts for one process or for one IPC namespace is lowered there; privileges are put down. The limits of a
process are raised again as soon as the refusal is over: what cleans up needs them.
"""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable, Iterator

from ipcinspect.kernel import own_process
from ipcinspect.mechanisms.demo_part import Calls

MODE_FOR_NOBODY = 0o000
_FILE_BYTES = 4096


def mode_of(fault: str | None, usual: int) -> int:
    """Permission bits of what is made."""
    return MODE_FOR_NOBODY if fault == "denied" else usual


@contextlib.contextmanager
def while_making(fault: str | None, limited_by: str | None, calls: Calls, proc: str) -> Iterator[None]:
    """The maker, hindered as the fault wants it. `limited_by`: as in `Demo`. Raises OSError where that is refused."""
    if fault == "denied":
        _put_down_privileges(calls)
    if fault == "limit" and limited_by is not None and limited_by.startswith("kernel."):
        _in_a_namespace_without(limited_by, calls, proc)
    with _limited(_resource(fault, limited_by), calls):
        yield


def while_opening(fault: str | None, calls: Calls) -> contextlib.AbstractContextManager[None]:
    """A half that takes hold of its end; privileges are put down already, by the maker. Raises OSError."""
    return _limited(resource.RLIMIT_NOFILE if fault == "emfile" else None, calls)


@contextlib.contextmanager
def _limited(number: int | None, calls: Calls) -> Iterator[None]:
    """A limit of this process, lowered for a while to where the next one is refused."""
    if number is None:
        yield
        return
    before = resource.getrlimit(number)
    most = _LEAST.get(number, lambda: 0)()
    calls("setrlimit", (_NAMES[number], most), lambda: resource.setrlimit(number, (most, before[1])))
    try:
        yield
    finally:
        resource.setrlimit(number, before)


def _resource(fault: str | None, limited_by: str | None) -> int | None:
    """The limit of the process that the fault is about."""
    if fault == "emfile":
        return resource.RLIMIT_NOFILE
    if fault == "limit" and limited_by is not None and limited_by.startswith("RLIMIT_"):
        number: int = getattr(resource, limited_by, _MSGQUEUE)
        return number
    return None


_MSGQUEUE = 12
"""RLIMIT_MSGQUEUE, which Python does not name (include/uapi/asm-generic/resource.h)."""
_NAMES = {resource.RLIMIT_NOFILE: "RLIMIT_NOFILE", resource.RLIMIT_FSIZE: "RLIMIT_FSIZE", _MSGQUEUE: "RLIMIT_MSGQUEUE"}


def _lowest_free_descriptor() -> int:
    """What the next one would be: the limit is about numbers (getrlimit(2))."""
    fd = os.dup(0)
    os.close(fd)
    return fd


_LEAST: dict[int, Callable[[], int]] = {
    resource.RLIMIT_NOFILE: _lowest_free_descriptor,
    resource.RLIMIT_FSIZE: lambda: _FILE_BYTES,
}


def _put_down_privileges(calls: Calls) -> None:
    """So that permission bits count also for root. Who has none puts nothing down."""
    had = own_process.passes_over_permissions()
    if had:
        shown = (f"effective: all but {', '.join(had)}",)
        calls("capset", shown, own_process.obey_permissions)


def _in_a_namespace_without(name: str, calls: Calls, proc: str) -> None:
    """An IPC namespace of our own that may have none of the objects. Raises OSError (EPERM without the privilege)."""
    before = os.readlink(f"{proc}/self/ns/ipc")
    calls("unshare", ("CLONE_NEWIPC",), own_process.leave_ipc_namespace)
    if os.readlink(f"{proc}/self/ns/ipc") == before:
        raise OSError(f"still in the IPC namespace {before}: its {name} is not touched")
    path = f"{proc}/sys/{name.replace('.', '/')}"
    with open(path, encoding="ascii") as file:
        *others, _ = file.read().split()
    text = " ".join((*others, "0"))
    calls("write", (path, text), lambda: _write(path, text))


def _write(path: str, text: str) -> int:
    with open(path, "w", encoding="ascii") as file:
        return file.write(text)
