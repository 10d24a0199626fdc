"""Which process has a thread of a given number, where the number was written down inside another pid namespace."""

from __future__ import annotations

import os

from ipcinspect.kernel import calls, procfs

_MOST_THREADS = 512
"""Threads of a process in another pid namespace whose number there is read."""


def has_thread(root: str, pid: int, starttime: int, tid: int) -> bool:
    """Whether a process has a thread that calls itself `tid` (gettid(2)); no where that cannot be told."""
    try:
        process = procfs.open_process(root, pid)
    except OSError:
        return False
    try:
        if procfs.parse_stat(procfs.read_file(process, "stat")).starttime != starttime:
            return False
        own = calls.threads(process)
        if len(parse_numbers(procfs.read_file(process, "status"))) == 1:
            return tid in own
        return any(_innermost(process, thread) == tid for thread in own[:_MOST_THREADS])
    except (OSError, ValueError):
        return False
    finally:
        os.close(process)


def _innermost(process: int, thread: int) -> int | None:
    chain = parse_numbers(procfs.read_file(process, f"task/{thread}/status"))
    return chain[-1] if chain else None


def parse_numbers(status: bytes) -> tuple[int, ...]:
    """The NSpid line of a status file: its number in each pid namespace, from that of the /proc inwards.

    Raises ValueError.
    """
    start = status.index(b"\nNSpid:") + 7
    return tuple(int(field) for field in status[start:].partition(b"\n")[0].split())
