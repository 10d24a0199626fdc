"""The life of one channel, put together when somebody asks for it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ipcinspect.lifecycle import history
from ipcinspect.lifecycle.history import Looks, Record
from ipcinspect.lifecycle.interfaces import INTERFACES
from ipcinspect.lifecycle.life import Event, Life
from ipcinspect.model.channel import Channel
from ipcinspect.model.words import stage_of

_WAITED_FOR = frozenset(("full", "opening", "waiting-accept"))
"""States in which somebody waits, or would at the next call."""


_LONGEST_LOOK_S = 10.0


class Watched(NamedTuple):
    """A channel and all that is kept of it."""

    channel: Channel
    first_seen: float
    born: bool
    """Whether it appeared while we watched."""
    since: float
    record: Record


class Ended(Protocol):
    """A channel that went, with all that is kept of it."""

    @property
    def channel(self) -> Channel: ...
    @property
    def closed_at(self) -> float: ...
    @property
    def first_seen(self) -> float: ...
    @property
    def born(self) -> bool: ...
    @property
    def record(self) -> Record: ...
    @property
    def is_sure(self) -> bool: ...


def living(seen: Watched, looks: Looks, now: float) -> Life:
    """The life of a channel of the last look."""
    channel, record = seen.channel, seen.record
    return Life(
        state=channel.state,
        stage="response" if is_response(channel.state, record, looks) else stage_of(channel.state),
        first_seen=seen.first_seen,
        since=seen.since,
        blocked_since=_blocked_since(channel, seen.since, record, now),
        progress_at=progress(channel, record, now),
        born_at=_born_at(seen),
        response_at=_past(record.response_at, now),
        rates=history.rates_now(record, channel, looks),
        samples=history.samples_now(record, channel, looks),
        events=_time_line(seen, record),
    )


def ended(closed: Ended, looks: Looks) -> Life:
    """The life of a channel that went."""
    seen = Watched(closed.channel, closed.first_seen, closed.born, closed.closed_at, closed.record)
    return Life(
        state="closed",
        stage="termination",
        first_seen=closed.first_seen,
        since=closed.closed_at,
        blocked_since=None,
        progress_at=progress(closed.channel, closed.record, closed.closed_at),
        born_at=_born_at(seen),
        response_at=closed.record.response_at,
        rates=(),
        samples=closed.record.samples,
        events=tuple(sorted([*_time_line(seen, closed.record), _end(closed)], key=_when)),
    )


def is_response(state: str, record: Record, looks: Looks) -> bool:
    """Whether what moves now moves against the direction of the movement before."""
    return state in ("flowing", "draining") and record.responds and record.look == looks.number


def _born_at(seen: Watched) -> float | None:
    kept = _kept_creation(seen)
    return seen.first_seen if kept is None and seen.born else kept


def _kept_creation(seen: Watched) -> float | None:
    """When it was made, as the kernel keeps it; None where it keeps no time, or one that cannot be.

    A channel may be made while a look that finds it goes on. Any later time is another clock's, from before it was
    set back.
    """
    kept = seen.channel.created_at
    if kept is None or kept - seen.first_seen > _LONGEST_LOOK_S:
        return None
    return min(kept, seen.first_seen)


def _past(at: float | None, now: float) -> float | None:
    """Of a time that the clock has not reached (it was set back) no more than now."""
    return None if at is None else min(at, now)


def progress(channel: Channel, record: Record, now: float) -> float | None:
    """The latest of what was watched and what the kernel keeps; a time to come is nobody's last movement."""
    latest = _past(record.progress_at, now)
    for queue in channel.queues:
        for at in (queue.written_at, queue.read_at):
            if at is not None and at <= now and (latest is None or at > latest):
                latest = at
    return latest


def _blocked_since(channel: Channel, since: float, record: Record, now: float) -> float | None:
    """Who waits now did so at the earliest since data moved last: then the one before him was let go on."""
    if channel.state not in _WAITED_FOR:
        return None
    moved = _past(record.progress_at, now)
    return since if moved is None else max(since, moved)


def _time_line(seen: Watched, record: Record) -> tuple[Event, ...]:
    happened = [*record.turns, *record.moves, *record.told]
    return tuple(sorted([*_beginning(seen), *happened], key=_when))


def _when(event: Event) -> float:
    return event.at


def _beginning(seen: Watched) -> list[Event]:
    channel = seen.channel
    source = INTERFACES[channel.mechanism]
    events = []
    created_at = _kept_creation(seen)
    if created_at is not None:
        events.append(Event(created_at, "creation", "created", "the kernel keeps the time", "seen"))
    if seen.born:
        words = ("appeared", f"not there at the look before, there at this one ({source.ends})", "inferred")
    else:
        words = ("first seen", f"there when watching began ({source.ends})", "seen")
    events.append(Event(seen.first_seen, "creation", *words))
    return events


def _end(closed: Ended) -> Event:
    source = INTERFACES[closed.channel.mechanism]
    if not closed.is_sure:
        evidence = f"not at this look, which could not see all that the one before saw ({source.ends})"
        return Event(closed.closed_at, None, "out of sight", evidence, "inferred")
    shown, certainty = f"no process has an end of it ({source.ends})", "inferred"
    if source.listed:
        shown, certainty = f"the kernel lists it no more ({source.fill})", "seen"
    return Event(closed.closed_at, "termination", "closed", shown, certainty, "closed")
