"""The system calls in which threads sleep: /proc/PID/task/TID/syscall (proc_pid_syscall(5)).

It tells number and argument registers of a thread that sleeps in a call, and nothing of one that runs. Numbers differ
by machine, and for a 32-bit task on a 64-bit kernel, which is known by its stack pointer: it lies below 4 GiB.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from ipcinspect.kernel import procfs

_LARGEST_32_BIT = 1 << 32
_FIELDS = 9
_SAME_EVERYWHERE = {449: "futex_waitv", 455: "futex_wait"}
_NAMES = {
    "x86_64": {202: "futex", 73: "flock", 72: "fcntl", **_SAME_EVERYWHERE},
    "aarch64": {98: "futex", 32: "flock", 25: "fcntl", **_SAME_EVERYWHERE},
}
_NAMES_OF_32_BIT = {240: "futex", 422: "futex", 143: "flock", 55: "fcntl", 221: "fcntl", **_SAME_EVERYWHERE}
"""The same for i386 and for ARM."""


class Call(NamedTuple):
    """A thread that sleeps in a call that is known here."""

    tid: int
    name: str
    arguments: tuple[int, ...]
    """Six registers; what a call does not use is whatever stood there."""


class Asleep(NamedTuple):
    """What the threads of one process told."""

    calls: list[Call]
    refused: bool
    """Whether the kernel did not tell (Yama, another user): then there may be more."""
    late: bool
    """Whether time ran out before all threads were asked."""


def parse_call(text: bytes, tid: int, machine: str) -> Call | None:
    """The call in the text of a syscall file; None for one that runs, and for calls that are not known here."""
    fields = text.split()
    if len(fields) != _FIELDS or not fields[0].isdigit() or len(fields[0]) > 6:
        return None
    try:
        registers = tuple(int(field, 16) for field in fields[1:])
    except ValueError:
        return None
    known = _NAMES_OF_32_BIT if registers[6] < _LARGEST_32_BIT else _NAMES.get(machine, {})
    name = known.get(int(fields[0]))
    return None if name is None else Call(tid, name, registers[:6])


def asleep(root: str, pid: int, starttime: int, until: float) -> Asleep:
    """The known calls in which threads of a process sleep; none where it is gone. `until` is of time.monotonic().

    Whoever is refused one thread's file is refused them all, so no further one is asked.
    """
    calls: list[Call] = []
    machine = os.uname().machine
    try:
        process = procfs.open_process(root, pid)
    except OSError:
        return Asleep([], False, False)
    try:
        if procfs.parse_stat(procfs.read_file(process, "stat")).starttime != starttime:
            return Asleep([], False, False)
        for tid in threads(process):
            if time.monotonic() > until:
                return Asleep(calls, False, True)
            try:
                call = parse_call(procfs.read_file(process, f"task/{tid}/syscall", 512), tid, machine)
            except PermissionError:
                return Asleep(calls, True, False)
            except OSError:  # the thread ended
                continue
            if call is not None:
                calls.append(call)
    except (OSError, ValueError):
        pass
    finally:
        os.close(process)
    return Asleep(calls, False, False)


def threads(process: int) -> list[int]:
    """The threads of a process, given its directory descriptor. Raises OSError."""
    tasks = os.open("task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=process)
    try:
        return [int(name) for name in os.listdir(tasks)]
    finally:
        os.close(tasks)
