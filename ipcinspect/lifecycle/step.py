"""One step of the tracker: two snapshots side by side, and what is worked out of them."""

from __future__ import annotations

import operator
from collections import Counter
from itertools import compress

from ipcinspect.lifecycle import history
from ipcinspect.lifecycle.changes import Changes, Closed
from ipcinspect.lifecycle.history import EMPTY
from ipcinspect.lifecycle.interfaces import INTERFACES
from ipcinspect.lifecycle.life import Event
from ipcinspect.lifecycle.movement import Span
from ipcinspect.lifecycle.names import Names
from ipcinspect.lifecycle.takers import Looks
from ipcinspect.lifecycle.waiting import Waiting, is_listener
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.figures import age
from ipcinspect.model.snapshot import Snapshot

_key = operator.itemgetter(0)
_PIECE = 2048
"""Channels that are compared before another thread may have its turn."""


class Step:
    """From one snapshot to the next. What it says of all channels starts as it was; `changes` gives the outcome."""

    def __init__(self, before: Snapshot, now: Snapshot, last: Changes) -> None:
        self.before, self.now, self.last = before, now, last
        self.at = now.taken_at
        self.span = Span(
            before.taken_at, before.taken_at + before.duration_s, now.taken_at, now.taken_at + now.duration_s
        )
        self.looks = last.looks.after(self.span)
        self.pair = Looks(before, now, _sees_less(before, now))
        back = now.taken_at < before.taken_at
        self.since = _not_after(last.since, self.at) if back else dict(last.since)
        self.first_seen = _not_after(last.first_seen, self.at) if back else dict(last.first_seen)
        self.started_at = min(last.started_at, self.at)
        self.records = dict(last.records)
        if back:
            self.records = {key: history.not_after(record, self.at) for key, record in last.records.items()}
        self.states: dict[ChannelKey, str] = {}
        """Of the channels whose state two looks tell otherwise than one."""
        self.told_anew: dict[ChannelKey, Channel] = {}
        self.events = 0
        """How many were added."""
        self.changed, self.opened = self._differences()
        self.gone: list[Channel] = []
        """In the order of the look before."""
        if self._lost_some():
            self.gone = [one for key, one in before.channels_by_key.items() if key not in now.channels_by_key]

    def put(self, key: ChannelKey, record: history.Record, events: int) -> None:
        """Keep what happened to a channel."""
        self.records[key] = record
        self.events += events

    def rename(self, before: Names, now: Names, waiting: Waiting) -> list[Closed]:
        """Settle which of the channels that appeared were there under another key; gives those that went for good.

        `waiting` are the clients of listeners at the look before.
        """
        gone = {channel.key for channel in self.gone}
        new, inherited = [], set()
        for channel in self.opened:
            earlier = before.same(channel)
            self.since[channel.key] = self.at
            if earlier is None or earlier.mechanism != channel.mechanism:
                self.first_seen[channel.key] = self.at
                new.append(channel)
            elif is_listener(earlier):
                if not self._was_accepted(channel, earlier, waiting):
                    new.append(channel)
            elif earlier.key in gone and earlier.key not in inherited:
                inherited.add(earlier.key)
                self._take_over(earlier, channel)
                self.changed.append((earlier, channel))
            else:
                self._stands_alone(channel, earlier)
        self.opened = new
        closed = [self._closed(channel) for channel in self.gone if now.same(channel) is None]
        for channel in self.gone:
            self._forget(channel.key)
        return closed

    def changes(self, closed: tuple[Closed, ...]) -> Changes:
        """What came of it."""
        return Changes(
            snapshot=self.now.with_channels(self.told_anew),
            opened=tuple(channel.key for channel in self.opened),
            closed=closed,
            since=self.since,
            started_at=self.started_at,
            first_seen=self.first_seen,
            records=self.records,
            looks=self.looks,
        )

    def _differences(self) -> tuple[list[tuple[Channel, Channel]], list[Channel]]:
        """Channels that are not as they were, beside what they were; and those that are new.

        Most are as they were, and most stand where they stood: so they are compared by place first. All at once, a
        hundred thousand would keep other threads from their turn for a tenth of a second.
        """
        old, new = self.before.channels, self.now.channels
        differ: list[Channel] = []
        for start in range(0, len(new), _PIECE):
            were, are = old[start : start + _PIECE], new[start : start + _PIECE]
            differ += compress(are, map(operator.ne, were, are))
            differ += are[len(were) :]
        changed: list[tuple[Channel, Channel]] = []
        opened: list[Channel] = []
        for start in range(0, len(differ), _PIECE):
            some = differ[start : start + _PIECE]
            known = list(map(self.before.channels_by_key.get, map(_key, some)))
            for earlier, channel in compress(zip(known, some, strict=True), map(operator.ne, known, some)):
                if earlier is None:
                    opened.append(channel)
                else:
                    changed.append((earlier, channel))
        return changed, opened

    def _lost_some(self) -> bool:
        if not (self.changed or self.opened) and len(self.now.channels) == len(self.before.channels):
            return False
        stayed = len(self.now.channels_by_key) - len({channel.key for channel in self.opened})
        return stayed != len(self.before.channels_by_key)

    def _was_accepted(self, channel: Channel, earlier: Channel, waiting: Waiting) -> bool:
        """A socket that waited at a listener and is a pair now: the life of the connection began before.

        False where it cannot be that one: its number came to mean another socket.
        """
        waited = waiting.since(earlier, channel, min(self.before.taken_at, self.at))
        if waited is None:
            self.first_seen[channel.key] = self.at
            return False
        waited = min(waited, self.at)  # the clock may have gone back
        if waited > self.started_at:
            self.first_seen[channel.key] = waited
        self._begins(
            channel,
            f"accepted after {age(self.at - waited)}",
            f"it waited at {earlier.name or earlier.id} at the look before (sock_diag)",
        )
        return True

    def _stands_alone(self, channel: Channel, earlier: Channel) -> None:
        """One end of what was a pair until now, while the pair's id lives on."""
        if earlier.key in self.last.first_seen:
            self.first_seen[channel.key] = min(self.last.first_seen[earlier.key], self.at)
        source = INTERFACES[channel.mechanism].ends
        self._begins(channel, f"parted from {earlier.id}", f"one channel with it at the look before ({source})")

    def _begins(self, channel: Channel, what: str, evidence: str) -> None:
        """Its life goes back to another channel's."""
        event = Event(self.at, "creation", what, evidence, "inferred")
        self.put(channel.key, EMPTY._replace(turns=(event,)), 1)

    def _take_over(self, earlier: Channel, channel: Channel) -> None:
        """The life goes on under another key."""
        self.since[channel.key] = self.since[earlier.key]
        if earlier.key in self.first_seen:
            self.first_seen[channel.key] = self.first_seen[earlier.key]
        if earlier.key in self.records:
            self.records[channel.key] = self.records[earlier.key]

    def _closed(self, channel: Channel) -> Closed:
        key = channel.key
        others = () if is_listener(channel) else channel.aliases  # its clients go on without it
        return Closed(
            channel._replace(state="closed", aliases=others),
            self.at,
            self.first_seen.get(key, self.started_at),
            key in self.first_seen,
            self.records.get(key, EMPTY),
            not (self.pair.less_seen or _hides(channel, self.now)),
        )

    def _forget(self, key: ChannelKey) -> None:
        self.since.pop(key, None)
        self.first_seen.pop(key, None)
        self.records.pop(key, None)


def _not_after(times: object, limit: float) -> dict[ChannelKey, float]:
    """The clock was set back: nothing that was watched is to come."""
    assert isinstance(times, dict)
    return {key: min(at, limit) for key, at in times.items()}


def _sees_less(before: Snapshot, now: Snapshot) -> bool:
    """Whether something was not seen at this look that may have been seen at the one before."""
    then = Counter({(gap.what, gap.why): gap.count or 1 for gap in before.gaps})
    return any((gap.count or 1) > then[gap.what, gap.why] for gap in now.gaps if gap.why != "vanished")


def _hides(channel: Channel, now: Snapshot) -> bool:
    """Whether a holder of it cannot be looked into any more."""
    for end in channel.endpoints:
        known = now.processes.get(end.process.pid) if end.process is not None else None
        if end.process is not None and known is not None and known.key == end.process.key and not known.readable:
            return True
    return False
