"""Processes that come while the others are read.

Whoever holds a descriptor can hand it on by fork(2) and end, again and again, and be in no table that is ever read. So
it takes one moment at which everybody who is there has been read before: by fork(2) a process has its descriptors from
its first moment on. Where some live too short for that, it is at least told of which process groups those were who had
not been read at one moment: a group is handed on just so.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Callable, NamedTuple

from ipcinspect.kernel import procfs
from ipcinspect.kernel.errors import KernelError, Vanished
from ipcinspect.kernel.walk import ProcessFacts

Run = Callable[[Sequence[int]], "tuple[list[ProcessFacts | KernelError], list[int]]"]
"""Reads processes: the answers in order, and the pids of those that were late."""


class Newcomers(NamedTuple):
    """Who came."""

    facts: list[ProcessFacts]
    settled: bool
    """Whether there was such a moment, if need be but for the members of `groups`."""
    groups: frozenset[int]
    """Process groups that had members at that moment who had not been read."""


def read_newcomers(
    root: str, facts: Sequence[ProcessFacts], late: Sequence[int], run: Run, within_s: float
) -> Newcomers:
    """Read whoever has come since `facts` were read, until there was such a moment. Raises OSError.

    Who answered that he may not be read (hidepid) has been asked: of him it is known that nothing is.
    """
    known = {*late, *(each.pid for each in facts)}
    found: list[ProcessFacts] = []
    groups: frozenset[int] | None = None
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        new = [pid for pid in procfs.list_pids(root) if pid not in known]
        if not new:
            return Newcomers(found, True, frozenset())
        theirs = {_group(root, pid) for pid in reversed(new)}  # the youngest first, who are the first to be gone
        if theirs <= {each.pgrp for each in (*facts, *found)}:
            groups = frozenset(group for group in theirs if group is not None)
        answers, silent = run(new)
        answered = zip((pid for pid in new if pid not in silent), answers)
        found += [answer for answer in answers if isinstance(answer, ProcessFacts)]
        known.update(silent, (pid for pid, answer in answered if not isinstance(answer, Vanished)))
    return Newcomers(found, groups is not None, groups or frozenset())


def _group(root: str, pid: int) -> int | None:
    """The process group; None where the process is gone."""
    try:
        process = procfs.open_process(root, pid)
    except OSError:
        return None
    try:
        return procfs.parse_stat(procfs.read_file(process, "stat")).pgrp
    except (OSError, ValueError):
        return None
    finally:
        os.close(process)
