"""The tracker: each snapshot is compared with the one before it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from ipcinspect.lifecycle import history
from ipcinspect.lifecycle.changes import Changes, Closed
from ipcinspect.lifecycle.history import EMPTY, Looks
from ipcinspect.lifecycle.life import Event
from ipcinspect.lifecycle.movement import between
from ipcinspect.lifecycle.names import Names
from ipcinspect.lifecycle.refining import refined
from ipcinspect.lifecycle.reported import Reported
from ipcinspect.lifecycle.step import Step
from ipcinspect.lifecycle.takers import comings_and_goings
from ipcinspect.lifecycle.turns import Sighting, moves, turns
from ipcinspect.lifecycle.waiting import Waiting
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.snapshot import Snapshot

_MOST_EVENTS = 20_000
"""Events of all channels together, some 400 bytes each."""
_MOST_TOLD = 1024
"""Reports of demo processes that wait for the next look."""
_MOST_CLOSED = 10_000
"""Channels that went at earlier looks; a busy machine closes thousands of pipes in a second."""


class _Early(NamedTuple):
    """What was told of a channel that was not seen yet, or after the look began that shows it."""

    key: ChannelKey
    event: Event
    since: float
    """The look that it waits since."""


class Tracker:
    """Compares each snapshot with the one before. Holds one generation, and closed channels for `linger_s`.

    Of channels to which nothing happened it keeps nothing but since when they are in their state. One thread advances
    it; `tell` may be called from any other.
    """

    def __init__(self, linger_s: float = 10.0) -> None:
        self._linger_s = linger_s
        self._before: Snapshot | None = None
        self._names: Names | None = None
        """Of the snapshot before, where they were needed."""
        self._changes: Changes | None = None
        self._states: dict[ChannelKey, str] = {}
        """States of the look before that were told otherwise than that look alone showed them."""
        self._waiting = Waiting()
        self._told: deque[tuple[ChannelKey, Event]] = deque(maxlen=_MOST_TOLD)
        self._early: list[_Early] = []
        self._kept = 0
        """Events kept at most."""

    def tell(self, key: ChannelKey, event: Event) -> None:
        """Add what a process reported of itself to a channel's life; it shows from the next look on."""
        self._told.append((key, event._replace(certainty="told")))

    def advance(self, snapshot: Snapshot) -> Changes:
        """The changes from the snapshot before to this one; ids that are aliases of each other are one channel."""
        if self._before is None or self._changes is None:
            changes = _first(snapshot)
            self._waiting.look(snapshot.channels, (), snapshot.taken_at, False)
        else:
            changes = self._step(Step(self._before, snapshot, self._changes))
        changes = self._with_told(changes)
        self._before, self._changes = snapshot, changes
        return changes

    def _step(self, step: Step) -> Changes:
        closed: list[Closed] = []
        touched = [later for _, later in step.changed] + step.opened
        if step.opened or step.gone:
            before, now = self._names or Names(step.before), Names(step.now)
            closed = step.rename(before, now, self._waiting)
            self._names = now
        else:
            self._names = None
        step.changed.extend(self._still_refined(step))
        for earlier, later in step.changed:
            self._compare(step, earlier, later)
        self._waiting.look(touched, step.gone, step.at, step.at < step.before.taken_at)
        self._states = step.states
        self._kept += step.events
        if self._kept > _MOST_EVENTS:
            step.records = history.lightened(step.records, _MOST_EVENTS // 2)
            self._kept = sum(record.events for record in step.records.values())
        return step.changes((*self._lingering(step), *closed))

    def _still_refined(self, step: Step) -> Iterator[tuple[Channel, Channel]]:
        """Channels that look as before, and have to be looked at all the same: lit ones, and those that moved."""
        listed = {later.key for _, later in step.changed}
        for key in {*self._states, *step.now.lights} - listed:
            earlier, later = step.before.channels_by_key.get(key), step.now.channels_by_key.get(key)
            if earlier is not None and later is not None:
                yield earlier, later

    def _compare(self, step: Step, earlier: Channel, later: Channel) -> None:
        """One channel that is not as it was."""
        key = later.key
        state_before = self._states.get(earlier.key, earlier.state)
        record = step.records.get(key, EMPTY)
        trend = record.trend if record.look == step.looks.number - 1 else ()
        queues = {queue.to: queue for queue in earlier.queues}
        light = step.now.lights.get(key)
        movements = [between(queues[queue.to], queue, light, step.span) for queue in later.queues if queue.to in queues]
        if light is None and earlier.queues == later.queues:
            movements = []  # it tells no more than those that look as before
        state = refined(later.state, movements, trend)
        if movements:
            record = history.moved(record, movements, later, step.looks)
        told = step.records.get(key, EMPTY).progress_at or step.first_seen.get(key, step.started_at)
        moved = any(movement.moved for movement in movements)
        seen = Sighting(
            earlier,
            later,
            state_before,
            state,
            step.since[key],
            told,
            moved,
            record.rates if movements else (),
            step.at,
        )
        ends = comings_and_goings(earlier, later, step.pair) if earlier.endpoints != later.endpoints else ()
        turned, going = [*turns(seen), *ends], [*moves(seen)]
        record = history.happened(record, turned, going)
        if record != EMPTY:
            step.put(key, record, len(turned) + len(going))
        if state != later.state:
            step.states[key] = state
            step.told_anew[key] = later._replace(state=state)
        if state != state_before:
            step.since[key] = step.at

    def _lingering(self, step: Step) -> list[Closed]:
        """Channels that went at earlier looks, are still told of, and did not come back; the last ones of very many."""
        recent = [closed for closed in step.last.closed if 0 <= step.at - closed.closed_at < self._linger_s]
        names = self._names
        if recent and names is None and any(old.aliases != new.aliases for old, new in step.changed):
            names = Names(step.now)
        # where no channel has another id than at the look before, none came back
        return [closed for closed in recent[-_MOST_CLOSED:] if names is None or names.same(closed.channel) is None]

    def _with_told(self, changes: Changes) -> Changes:
        """What was reported since the look before, at its channel, also at one that went."""
        now = changes.snapshot.taken_at
        waiting, self._early = self._early, []
        for key, event in _drained(self._told):
            # what was done while this look went on belongs behind what the look shows
            (self._early if event.at > now else waiting).append(_Early(key, event, now))
        reported = Reported(changes)
        for one in waiting:
            event = one.event if one.event.at <= now else one.event._replace(at=now)  # the clock went back
            if reported.add(one.key, event):
                self._kept += 1
            elif 0 <= now - one.since < self._linger_s and len(self._early) < _MOST_TOLD:
                self._early.append(one)
        return reported.changes() if waiting else changes


def _drained(told: deque[tuple[ChannelKey, Event]]) -> Iterator[tuple[ChannelKey, Event]]:
    while told:
        yield told.popleft()


def _first(snapshot: Snapshot) -> Changes:
    """One look changes nothing."""
    since = dict.fromkeys([channel.key for channel in snapshot.channels], snapshot.taken_at)
    return Changes(snapshot, (), (), since, snapshot.taken_at, {}, {}, Looks(0, ()))
