"""Which channels appeared, which went, and since when each is in its state, as far as we watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.snapshot import Snapshot


@dataclass(frozen=True)
class Closed:
    """A channel that was there and is no more."""

    channel: Channel
    """As it was last seen."""
    closed_at: float
    """Seconds since the epoch of the snapshot that missed it."""


@dataclass(frozen=True)
class Changes:
    """What one snapshot tells beside the ones before it."""

    opened: tuple[ChannelKey, ...]
    """Channels not in the snapshot before; empty for the first snapshot, which knows no before."""
    closed: tuple[Closed, ...]
    """Channels that went within the last `linger_s` seconds."""
    since: Mapping[ChannelKey, float]
    """When each channel was first seen in the state it has now (seconds since the epoch): a lower bound."""


class Tracker:
    """Compares each snapshot with the one before it. Holds one generation, and closed channels for `linger_s`."""

    def __init__(self, linger_s: float = 10.0) -> None:
        self._linger_s = linger_s
        self._before: Snapshot | None = None
        self._key_of_id: Mapping[str, ChannelKey] = {}
        """Of the snapshot before; made when the next one comes, since a single look needs none."""
        self._since: Mapping[ChannelKey, float] = {}
        self._closed: tuple[Closed, ...] = ()

    def advance(self, snapshot: Snapshot) -> Changes:
        """The changes from the snapshot before to this one; ids that are aliases of each other are one channel."""
        now = snapshot.taken_at
        if self._before is None:
            changes = Changes((), (), dict.fromkeys([channel.key for channel in snapshot.channels], now))
        else:
            changes = self._compared(self._before, snapshot, now)
        self._before, self._since, self._closed = snapshot, changes.since, changes.closed
        return changes

    def _compared(self, before: Snapshot, snapshot: Snapshot, now: float) -> Changes:
        if not self._key_of_id:
            self._key_of_id = _keys_of_ids(before)
        key_of_id = _keys_of_ids(snapshot)
        since: dict[ChannelKey, float] = {}
        opened = []
        for channel in snapshot.channels:
            earlier = self._earlier(before, channel)
            same = earlier is not None and earlier.state == channel.state
            since[channel.key] = self._since[earlier.key] if earlier is not None and same else now
            if earlier is None:
                opened.append(channel.key)
        closed = self._lingering(before, key_of_id, now)
        self._key_of_id = key_of_id
        return Changes(tuple(opened), closed, since)

    def _earlier(self, before: Snapshot, channel: Channel) -> Channel | None:
        """The same channel one snapshot ago, also under another of its ids."""
        known = before.channels_by_key
        if channel.key in known:
            return known[channel.key]
        keys = (self._key_of_id.get(name) for name in (channel.id, *channel.aliases))
        return next((known[key] for key in keys if key is not None), None)

    def _lingering(self, before: Snapshot, key_of_id: Mapping[str, ChannelKey], now: float) -> tuple[Closed, ...]:
        gone = [
            Closed(channel._replace(state="closed"), now)
            for channel in before.channels
            if not any(name in key_of_id for name in (channel.id, *channel.aliases))
        ]
        kept = [
            closed
            for closed in self._closed
            if 0 <= now - closed.closed_at < self._linger_s
            and not any(name in key_of_id for name in (closed.channel.id, *closed.channel.aliases))
        ]
        return (*kept, *gone)


def _keys_of_ids(snapshot: Snapshot) -> dict[str, ChannelKey]:
    return {name: channel.key for channel in snapshot.channels for name in (channel.id, *channel.aliases)}
