"""The system calls in which threads sleep: /proc/PID/task/TID/syscall (proc_pid_syscall(5)).

It tells number and argument registers of a thread that sleeps in a call, and nothing of one that runs. Numbers differ
by machine, and for a 32-bit task on a 64-bit kernel, which is known by its stack pointer: it lies below 4 GiB.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from ipcinspect.kernel import call_numbers, procfs

NO_CALL = "no call"
"""Of a thread that sleeps outside of any call: stopped, traced, frozen, or waiting for a page of its memory."""
LIMIT = 512
"""Bytes of a syscall file; it has less than 200."""
LARGEST_32_BIT = 1 << 32
_FIELDS, _FIELDS_OUTSIDE = 9, 3


class Call(NamedTuple):
    """A thread that sleeps, and the call in which it does."""

    tid: int
    name: str
    """`read`; `call 999` where the number is not known here; NO_CALL."""
    arguments: tuple[int, ...]
    """Six registers; what a call does not use is whatever stood there. None outside of a call."""
    number: int
    """-1 outside of a call."""
    is_32_bit: bool
    """Whether its pointers and longs have 32 bits."""
    sp: int
    pc: int


class Asleep(NamedTuple):
    """What the threads of one process told."""

    calls: list[Call]
    refused: bool
    """Whether the kernel did not tell (Yama, another user): then there may be more."""
    late: bool
    """Whether time ran out before all threads were asked."""


def parse_call(text: bytes, tid: int, machine: str) -> Call | None:
    """The call in the text of a syscall file; None for a thread that runs.

    A thread of the kernel has no stack of its own there; it makes no calls.
    """
    fields = text.split()
    is_outside = len(fields) == _FIELDS_OUTSIDE and fields[0] == b"-1"
    if not is_outside and (len(fields) != _FIELDS or not fields[0].isdigit() or len(fields[0]) > 10):
        return None
    try:
        number, *registers, sp, pc = int(fields[0]), *[int(field, 16) for field in fields[1:]]
    except ValueError:
        return None
    if not 0 < sp < 1 << 64:
        return None
    is_32_bit = sp < LARGEST_32_BIT
    name = NO_CALL if is_outside else call_numbers.names(machine, is_32_bit).get(number) or f"call {number}"
    return Call(tid, name, tuple(registers), number, is_32_bit, sp, pc)


def asleep(root: str, pid: int, starttime: int, until: float) -> Asleep:
    """The calls in which threads of a process sleep; none where it is gone. `until` is of time.monotonic().

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
                call = parse_call(procfs.read_at_once(process, f"task/{tid}/syscall", LIMIT), tid, machine)
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
