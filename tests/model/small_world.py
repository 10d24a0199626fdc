"""Small snapshots by hand: what a test does not name is plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ipcinspect.model.channel import Channel, Endpoint, Namespaces
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import Descriptor, Process, ProcessKey
from ipcinspect.model.snapshot import Host, Snapshot

OBSERVER = 4000


def process(pid: int, starttime: int = 1) -> Process:
    """A readable process of the superuser."""
    return Process(pid, starttime, f"comm{pid}", 1, 0, None, None, False, True, None, None)


def channel(
    id: str, state: str = "idle", aliases: Sequence[str] = (), ends: Sequence[tuple[str, Process | None]] = ()
) -> Channel:
    """A channel whose key follows from its id (`pipe:[7]`), with holders as (side, process)."""
    kind, _, number = id.partition(":[")
    endpoints = tuple(Endpoint(side, "both", holder, 3, None) for side, holder in ends)
    key = ChannelKey(kind, 0, int(number.rstrip("]")))
    return Channel(
        key, id, tuple(aliases), "pipe", None, state, "data exchange", (), None, Namespaces(), None, endpoints, ()
    )


def snapshot(
    *channels: Channel, at: float = 0.0, descriptors: Mapping[int, tuple[Descriptor, ...]] | None = None
) -> Snapshot:
    """A snapshot taken at `at` by process OBSERVER; its processes are those that hold ends, and the observer."""
    holders = [end.process for channel in channels for end in channel.endpoints if end.process is not None]
    return Snapshot(
        host=Host("here", "boot", "6.1", 0, ProcessKey(OBSERVER, 1), None, None),
        taken_at=at,
        duration_s=0.0,
        channels=channels,
        processes={holder.pid: holder for holder in (*holders, process(OBSERVER))},
        gaps=(),
        users={},
        descriptors=descriptors or {},
    )
