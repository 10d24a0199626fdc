"""Waits as a snapshot has them, written shortly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ipcinspect.model.channel import Channel
from ipcinspect.model.process import Process
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.wait import Awaited, Sleepers, ThreadKey, Wait
from tests import fakes


def thread(process: Process, tid: int | None = None) -> ThreadKey:
    """A thread; the first one unless told."""
    return ThreadKey(process.key, process.pid if tid is None else tid)


def wait(key: ThreadKey, call: str, *awaited: Awaited, **changes: object) -> Wait:
    """A thread that has slept in a call without timeout; `changes` are fields of `Wait`."""
    usual = Wait(key, call, f"{call}()", awaited, False, None, True, False, None, unchanged_s=0.25)
    return usual._replace(**changes)  # type: ignore[arg-type]


def reads(process: Process, channel: Channel, fd: int, tid: int | None = None) -> Wait:
    """It sleeps in read(2)."""
    return wait(thread(process, tid), "read", Awaited("data", fd, channel.key))


def writes(process: Process, channel: Channel, fd: int, tid: int | None = None) -> Wait:
    """It sleeps in write(2)."""
    return wait(thread(process, tid), "write", Awaited("room", fd, channel.key))


def look(
    channels: Iterable[Channel],
    waits: Iterable[Wait],
    processes: Iterable[Process] = (),
    others: Iterable[Process] = (),
) -> Snapshot:
    """A snapshot; `others`: processes with one more thread that does not sleep."""
    made = fakes.snapshot(channels, processes)
    busy = {process.key for process in others}
    by_process: dict[Process, list[Wait]] = {process: [] for process in made.processes.values()}
    for one in waits:
        by_process[made.processes[one.thread.process.pid]].append(one)
    sleepers = {
        process.key: Sleepers(tuple(rows), int(process.key in busy or not rows), True)
        for process, rows in by_process.items()
    }
    return replace(made, waits=sleepers)
