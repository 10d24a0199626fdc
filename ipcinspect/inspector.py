"""The public Python API: `Inspector(source).observe()`. Both fronts use it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from ipcinspect.collector import no_full_garbage_collection
from ipcinspect.diagnosis.finding import Finding
from ipcinspect.diagnosis.rules import Judged, find
from ipcinspect.diagnosis.steadiness import Steadiness
from ipcinspect.lifecycle.changes import Changes
from ipcinspect.lifecycle.life import Event
from ipcinspect.lifecycle.tracker import Tracker
from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.sources import Details, Source


@dataclass(frozen=True)
class Observation:
    """A snapshot and what it means beside the ones before it; its channels have the states that several looks tell."""

    snapshot: Snapshot
    changes: Changes

    @cached_property
    def judged(self) -> Judged:
        """Who waits for whom, and who is stuck; empty where no waits were wanted."""
        return Judged(self.snapshot)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, the worst first, as far as this look can tell."""
        return find(self.judged)


class Inspector:
    """Takes snapshots from a source and judges them. Not thread-safe: one thread observes."""

    def __init__(self, source: Source, show_self: bool = False) -> None:
        self._source = source
        self._tracker = Tracker()
        self._steadiness = Steadiness()
        self._show_self = show_self

    def observe(self, want: Want = Want()) -> Observation:  # noqa: B008 (a NamedTuple is immutable)
        """One look at the machine. Raises OSError where none is possible."""
        with no_full_garbage_collection():
            snapshot = self._source.take(want)
            if not self._show_self:
                snapshot = without_process(snapshot, snapshot.host.observer)
            changes = self._tracker.advance(self._steadiness.advance(snapshot))
            return Observation(changes.snapshot, changes)

    def tell(self, key: ChannelKey, event: Event) -> None:
        """Add what a demo process reported to a channel's life; it shows from the next look on. From any thread."""
        self._tracker.tell(key, event)

    def details(self, key: ProcessKey | ChannelKey) -> Details | None:
        """More about one process or channel of the last observation."""
        return self._source.details(key)

    def peek(self, key: ChannelKey, most: int) -> Contents | None:
        """What is in one channel of the last observation, at most `most` bytes of it, without consuming any."""
        return self._source.peek(key, most)


def without_process(snapshot: Snapshot, gone: ProcessKey) -> Snapshot:
    """The snapshot as if that process had not been there.

    Channels of which it alone held a side are its own plumbing (the pipe in `ipcinspect list | less`) and go too.
    """
    pid = gone.pid
    if pid in snapshot.processes and snapshot.processes[pid].key != gone:
        return snapshot
    channels, left_out = [], {}
    for channel in snapshot.channels:
        for endpoint in channel.endpoints:
            if endpoint.process is not None and endpoint.process.pid == pid:
                kept = _without_ends(channel, pid)
                if kept is not None:
                    channels.append(kept)
                    left_out[kept.key] = tuple(end for end in channel.endpoints if end not in kept.endpoints)
                break
        else:
            channels.append(channel)
    return replace(
        snapshot,
        channels=tuple(channels),
        processes={key: process for key, process in snapshot.processes.items() if key != pid},
        descriptors={key: rows for key, rows in snapshot.descriptors.items() if key != pid},
        waits={key: sleepers for key, sleepers in snapshot.waits.items() if key != gone},
        left_out=left_out,
    )


def _without_ends(channel: Channel, pid: int) -> Channel | None:
    others = tuple(end for end in channel.endpoints if end.process is None or end.process.pid != pid)
    if _held_sides(others) != _held_sides(channel.endpoints):
        return None
    return channel._replace(endpoints=others)


def _held_sides(ends: Iterable[Endpoint]) -> set[str]:
    """A creator holds nothing: what it made is there for others."""
    return {end.side for end in ends if end.role != "creator"}
