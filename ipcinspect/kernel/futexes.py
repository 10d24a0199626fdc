"""Futex words in shared mappings on which threads sleep now (futex(2)).

The kernel keeps no list of futexes. A thread that sleeps on one shows it in its system call; where the word lies in a
shared mapping, other processes can wake it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from ipcinspect.kernel import calls, futex_words, procfs
from ipcinspect.kernel.calls import Call
from ipcinspect.kernel.futex_words import Owner
from ipcinspect.kernel.maps import SharedMapping
from ipcinspect.kernel.present_memory import PAGE, PresentMemory


class SleepingThread(NamedTuple):
    """A thread that sleeps on a word in a shared mapping."""

    tid: int
    mapping: SharedMapping
    address: int
    value: int | None
    """Of the word; None where it could not be read."""
    owner: Owner | None


class Sleepers(NamedTuple):
    """Those of one process."""

    threads: list[SleepingThread]
    refused: bool
    late: bool


def sleepers(
    root: str, pid: int, starttime: int, mappings: Sequence[SharedMapping], reads_memory: bool, until: float
) -> Sleepers:
    """The threads of a process that sleep on words in these mappings; none where it is gone.

    `reads_memory`: whether that pid means the same process to system calls. `until` is of time.monotonic(). May wait
    for a lock that the process holds.
    """
    told = calls.asleep(root, pid, starttime, until)
    waiting = [call for call in told.calls if call.name in futex_words.CALLS]
    if not waiting:
        return Sleepers([], told.refused, told.late)
    try:
        process = procfs.open_process(root, pid)
    except OSError:
        return Sleepers([], told.refused, told.late)
    memory = PresentMemory(process, waiting[0].tid, reads_memory and _started(process) == starttime)
    try:
        threads = [thread for call in waiting for thread in _on_shared_words(call, memory, mappings)]
        return Sleepers(threads, told.refused, told.late)
    finally:
        memory.close()
        os.close(process)


def _started(process: int) -> int | None:
    try:
        return procfs.parse_stat(procfs.read_file(process, "stat")).starttime
    except (OSError, ValueError):
        return None


def _on_shared_words(call: Call, memory: PresentMemory, mappings: Sequence[SharedMapping]) -> list[SleepingThread]:
    found = []
    for word in futex_words.words_of(call, memory.read)[0]:
        mapping = next((one for one in mappings if one.start <= word.address < one.end), None)
        if mapping is not None and word.is_shared:
            value, owner = futex_words.read_lock(*futex_words.around(word.address, memory.read, PAGE), word)
            if owner is not None and (owner.is_private or call.is_32_bit):
                owner = None
            found.append(SleepingThread(call.tid, mapping, word.address, value, owner))
    return found
