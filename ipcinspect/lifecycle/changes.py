"""What changed between two looks: which channels appeared and went, the states that two looks tell, each one's life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ipcinspect.lifecycle import history, lives
from ipcinspect.lifecycle.history import Looks, Record
from ipcinspect.lifecycle.life import Life
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.words import stage_of


@dataclass(frozen=True)
class Closed:
    """A channel that was there and is no more."""

    channel: Channel
    """As it was last seen."""
    closed_at: float
    """Seconds since the epoch of the snapshot that missed it."""
    first_seen: float = 0.0
    born: bool = False
    """Whether it appeared while we watched."""
    record: Record = history.EMPTY
    is_sure: bool = True
    """Whether it is gone; otherwise it may just not have been seen."""

    @property
    def progress_at(self) -> float | None:
        """When data is known to have moved last."""
        return lives.progress(self.channel, self.record, self.closed_at)


@dataclass(frozen=True)
class Changes:
    """What one snapshot tells beside the ones before it."""

    snapshot: Snapshot
    """The same look, with the states that two looks tell: flowing, filling, draining."""
    opened: tuple[ChannelKey, ...]
    """Channels not in the snapshot before; empty for the first snapshot, which knows no before."""
    closed: tuple[Closed, ...]
    """Channels that went within the last `linger_s` seconds."""
    since: Mapping[ChannelKey, float]
    """When each channel was first seen in the state it has now (seconds since the epoch): a lower bound."""
    started_at: float
    """Of the first look."""
    first_seen: Mapping[ChannelKey, float]
    """Of the channels that were not there at the first look."""
    records: Mapping[ChannelKey, Record]
    """Of the channels to which something happened."""
    looks: Looks

    def life(self, key: ChannelKey) -> Life:
        """What is known of a channel of this snapshot, or of one that went lately; any key of a pair will do.

        Raises KeyError for any other.
        """
        channel = self.channel(key)
        if channel is None:
            gone = self.gone(key)
            if gone is None:
                raise KeyError(key)
            return lives.ended(gone, self.looks)
        key = channel.key
        seen = lives.Watched(
            channel,
            self.first_seen.get(key, self.started_at),
            key in self.first_seen,
            self.since.get(key, self.snapshot.taken_at),
            self.records.get(key, history.EMPTY),
        )
        return lives.living(seen, self.looks, self.snapshot.taken_at)

    def stage(self, channel: Channel) -> str | None:
        """The stage of life of a channel of this snapshot, one of `words.STAGES`."""
        record = self.records.get(channel.key)
        if record is not None and lives.is_response(channel.state, record, self.looks):
            return "response"
        return stage_of(channel.state)

    def bytes_per_s(self, key: ChannelKey) -> float | None:
        """How fast a channel moved at least, between the last two looks; None where that is not known."""
        record = self.records.get(key)
        if record is None or record.look != self.looks.number or not record.samples:
            return None
        return record.samples[-1]

    def progress_at(self, key: ChannelKey) -> float | None:
        """When data is known to have moved last, of a channel that was seen to move; None for all others."""
        record = self.records.get(key)
        return None if record is None or record.progress_at is None else min(record.progress_at, self.snapshot.taken_at)

    def quiet_since(self, channel: Channel) -> float | None:
        """When data moved last, as we watched it or the kernel keeps it; where neither tells, since when the channel
        is in its state. None for a channel that this snapshot does not have.
        """
        record = self.records.get(channel.key)
        moved = lives.progress(channel, record or history.EMPTY, self.snapshot.taken_at)
        return self.since.get(channel.key) if moved is None else moved

    def channel(self, key: ChannelKey) -> Channel | None:
        """The channel of this snapshot that a key means, be it the other socket's of a pair."""
        known = self.snapshot.channels_by_key.get(key)
        if known is not None or key.kind != "socket":
            return known
        return next((channel for channel in self.snapshot.channels if _stands_for(channel, key)), None)

    def gone(self, key: ChannelKey) -> Closed | None:
        """The channel that went lately and had that key, else the one of which it was the other socket's."""
        known = {one.channel.key: one for one in self.closed if one.channel.key == key or _stands_for(one.channel, key)}
        return known.get(key) or next(iter(known.values()), None)


def _stands_for(channel: Channel, key: ChannelKey) -> bool:
    """Whether the key is the other socket's of the channel."""
    return bool(channel.aliases) and key.kind == "socket" and f"socket:[{key.number}]" in channel.aliases
