"""What each process holds: ends of channels, and every descriptor where the snapshot has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.model.process import Process
from ipcinspect.model.snapshot import Snapshot


class Holding(NamedTuple):
    """One thing that a process holds."""

    fd: int | None
    """None for a mapping, or a part that only the kernel recorded."""
    kind: str
    target: str | None
    """What the link of the descriptor says; None where it was not asked for. Kernel text."""
    channel: Channel | None
    """None where it is no channel."""
    end: Endpoint | None
    """Which end of the channel."""
    points_to: str | None = None
    """What a descriptor that is no channel is about; None where nothing is known. Kernel text."""


class Holdings(NamedTuple):
    """One process and all it holds: descriptors by number, then the rest."""

    process: Process
    rows: tuple[Holding, ...]

    def holds_channels(self) -> bool:
        """Whether an end of any channel is among them."""
        return any(row.channel is not None for row in self.rows)


def holdings(snapshot: Snapshot, pids: Iterable[int]) -> list[Holdings]:
    """What those processes of the snapshot hold, in the order of `pids`. Raises KeyError for an unknown pid."""
    ends: dict[int, list[tuple[Channel, Endpoint]]] = {pid: [] for pid in pids}
    for channel in snapshot.channels:
        for end in channel.endpoints:
            if end.process is not None and end.process.pid in ends:
                ends[end.process.pid].append((channel, end))
    return [Holdings(snapshot.processes[pid], _rows(snapshot, pid, held)) for pid, held in ends.items()]


def others_of(channel: Channel, end: Endpoint) -> list[Endpoint]:
    """Who is at the other end.

    Of a pipe those who do what this end does not: a descriptor open for both is at both ends. Of what is shared
    (memory, semaphores) all but the process itself. Of all else the other side, and nobody where it has none.
    """
    if channel.mechanism in ("pipe", "fifo"):
        return [other for other in channel.endpoints if other is not end and _across(end.role, other.role)]
    if channel.relation not in ("resource sharing", "synchronisation"):
        return [other for other in channel.endpoints if other.side != end.side]
    return [
        other
        for other in channel.endpoints
        if other is not end and (other.process is None or end.process is None or other.process.key != end.process.key)
    ]


def _across(role: str, other: str) -> bool:
    """Whether two ends of a pipe can pass data to each other."""
    return role != other or role == "both"


def _rows(snapshot: Snapshot, pid: int, held: Iterable[tuple[Channel, Endpoint]]) -> tuple[Holding, ...]:
    descriptors = snapshot.descriptors.get(pid, ())
    targets = {descriptor.fd: descriptor.target for descriptor in descriptors}
    rows = [
        Holding(end.fd, channel.mechanism, None if end.fd is None else targets.get(end.fd), channel, end)
        for channel, end in held
    ]
    known = {row.fd for row in rows}
    rows += [
        Holding(descriptor.fd, descriptor.kind, descriptor.target, None, None, descriptor.points_to)
        for descriptor in descriptors
        if descriptor.fd not in known
    ]
    return tuple(sorted(rows, key=lambda row: (row.fd is None, row.fd or 0, row.kind)))
