"""When threads ran last, as the scheduler remembers it: `se.exec_start` of /proc/PID/task/TID/sched.

It is a moment of the clock of the processor that the thread ran on (rq_clock_task() in kernel/sched/sched.h). That
clock leaves out what interrupts and the host of a virtual machine took, so it differs from processor to processor and
falls behind the time of day. Nobody tells what it shows now; but whoever ran there last was given its time then. So a
thread has slept for as long, at least, as lies between its own moment and the latest one of any thread of the same
processor. Needs CONFIG_SCHED_DEBUG, which distributions have; the file is open to everybody.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from ipcinspect.kernel import procfs

Key = TypeVar("Key")

_LIMIT = 1024
"""Bytes of the text: what is looked for stands in its third line."""
_STAT_LIMIT = 4096
_STARTED = re.compile(rb"^se\.exec_start +: +(\d{1,15})\.(\d{6})$", re.MULTILINE)
_PROCESSOR = 36
"""Of the fields after the name in proc_pid_stat(5)."""


class LastRan(NamedTuple):
    """The last time that a thread ran."""

    processor: int
    at_s: float
    """By that processor's own clock."""


def last_ran(root: str, pid: int, starttime: int, tids: Iterable[int], until: float) -> dict[int, LastRan]:
    """Of threads of the process that started then; without those of which it is not told.

    `until` is of time.monotonic().
    """
    try:
        process = procfs.open_process(root, pid)
    except OSError:
        return {}
    try:
        if procfs.parse_stat(procfs.read_file(process, "stat")).starttime != starttime:
            return {}
        rows = {tid: _last_ran(process, tid) for tid in tids if time.monotonic() < until}
    except (OSError, ValueError):
        return {}
    finally:
        os.close(process)
    return {tid: row for tid, row in rows.items() if row is not None}


def _last_ran(process: int, tid: int) -> LastRan | None:
    try:
        at_s = parse_last_ran(procfs.read_at_once(process, f"task/{tid}/sched", _LIMIT))
        processor = parse_processor(procfs.read_at_once(process, f"task/{tid}/stat", _STAT_LIMIT))
    except OSError:
        return None
    return None if at_s is None or processor is None else LastRan(processor, at_s)


def parse_last_ran(text: bytes) -> float | None:
    """The moment, in seconds; None for a thread that was moved to another processor and has not run there yet."""
    found = _STARTED.search(text)
    if found is None or not int(found[1]):
        return None
    return int(found[1]) / 1e3 + int(found[2]) / 1e9


def parse_processor(text: bytes) -> int | None:
    """The processor that a thread ran on last, from its stat."""
    fields = text[text.rfind(b")") + 1 :].split()
    if len(fields) <= _PROCESSOR or not fields[_PROCESSOR].isdigit() or len(fields[_PROCESSOR]) > 6:
        return None
    return int(fields[_PROCESSOR])


def asleep_s(sleeping: Mapping[Key, LastRan], others: Iterable[LastRan]) -> dict[Key, float]:
    """For how many seconds, at least, each has not run. `others`: whoever else was seen, awake or not."""
    latest: dict[int, float] = {}
    for one in (*sleeping.values(), *others):
        latest[one.processor] = max(one.at_s, latest.get(one.processor, one.at_s))
    return {key: latest[one.processor] - one.at_s for key, one in sleeping.items()}
