"""What the descendants of one process have to do with: their channels, and whoever else holds an end of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents
from ipcinspect.model.process import Process, ProcessKey
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.sources import Details, Source


class OfOwnDescendants:
    """A source that shows no more of another one than the observer's own descendants are part of."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def take(self, want: Want) -> Snapshot:
        """One look. Raises OSError where none is possible. Gaps are those of the whole machine: holders may hide."""
        snapshot = self._source.take(want)
        return only_of(snapshot, descendants(snapshot.processes, snapshot.host.observer.pid))

    def details(self, key: ProcessKey | ChannelKey) -> Details | None:
        """As the other source."""
        return self._source.details(key)

    def peek(self, key: ChannelKey, most: int) -> Contents | None:
        """As the other source."""
        return self._source.peek(key, most)


def descendants(processes: Mapping[int, Process], ancestor: int) -> frozenset[int]:
    """The pids of all processes below one, not itself. A pid that stands above itself (no moment in time) is none."""
    below: dict[int, bool] = {ancestor: True}
    for pid in processes:
        path: list[int] = []
        while pid not in below and pid in processes and pid not in path:
            path.append(pid)
            pid = processes[pid].ppid or 0
        below.update(dict.fromkeys(path, below.get(pid, False)))
    return frozenset(pid for pid, is_below in below.items() if is_below and pid != ancestor)


def only_of(snapshot: Snapshot, family: frozenset[int]) -> Snapshot:
    """The snapshot with the channels that these processes hold an end of, and the processes at either end of them."""
    channels = tuple(
        channel
        for channel in snapshot.channels
        if any(end.process is not None and end.process.pid in family for end in channel.endpoints)
    )
    across = {end.process.pid for channel in channels for end in channel.endpoints if end.process is not None}
    return replace(
        snapshot,
        channels=channels,
        processes={pid: one for pid, one in snapshot.processes.items() if pid in family or pid in across},
        descriptors={pid: rows for pid, rows in snapshot.descriptors.items() if pid in family or pid in across},
    )
