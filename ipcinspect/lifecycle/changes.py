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
        self._before: Mapping[ChannelKey, Channel] | None = None
        self._key_of_id: dict[str, ChannelKey] = {}
        self._since: Mapping[ChannelKey, float] = {}
        self._closed: tuple[Closed, ...] = ()

    def advance(self, snapshot: Snapshot) -> Changes:
        """The changes from the snapshot before to this one; ids that are aliases of each other are one channel."""
        now = snapshot.taken_at
        key_of_id = {name: channel.key for channel in snapshot.channels for name in (channel.id, *channel.aliases)}
        since = {channel.key: self._since_of(channel, now) for channel in snapshot.channels}
        opened = tuple(key for key, start in since.items() if start == now and self._is_new(snapshot, key))
        self._closed = self._lingering(key_of_id, now)
        self._before, self._since, self._key_of_id = snapshot.channels_by_key, since, key_of_id
        return Changes(opened, self._closed, since)

    def _since_of(self, channel: Channel, now: float) -> float:
        before = self._earlier(channel)
        if before is None or before.state != channel.state:
            return now
        return self._since[before.key]

    def _earlier(self, channel: Channel) -> Channel | None:
        """The same channel one snapshot ago, also under another of its ids."""
        if self._before is None:
            return None
        before = self._before.get(channel.key)
        if before is not None:
            return before
        for name in (channel.id, *channel.aliases):
            key = self._key_of_id.get(name)
            if key is not None:
                return self._before[key]
        return None

    def _is_new(self, snapshot: Snapshot, key: ChannelKey) -> bool:
        return self._before is not None and self._earlier(snapshot.channels_by_key[key]) is None

    def _lingering(self, key_of_id: Mapping[str, ChannelKey], now: float) -> tuple[Closed, ...]:
        if self._before is None:
            return ()
        gone = [
            Closed(channel._replace(state="closed"), now)
            for channel in self._before.values()
            if not any(name in key_of_id for name in (channel.id, *channel.aliases))
        ]
        kept = [
            closed
            for closed in self._closed
            if 0 <= now - closed.closed_at < self._linger_s
            and not any(name in key_of_id for name in (closed.channel.id, *closed.channel.aliases))
        ]
        return (*kept, *gone)
