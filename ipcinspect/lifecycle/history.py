"""What is kept of a channel to which something happened; of the others nothing is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ipcinspect.lifecycle.life import Event, Rate
from ipcinspect.lifecycle.movement import Movement, Span, resting
from ipcinspect.lifecycle.refining import Trend, trend_of
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey

SAMPLES = 6
"""Rates that are kept of a channel."""
_MOST_TURNS, _MOST_MOVES, _MOST_TOLD = 32, 12, 20
"""Events of one channel. Data that comes and goes for ever does not push out how it began."""


class Record(NamedTuple):
    """One channel's history up to the last look at which something happened to it. Never changed."""

    look: int = 0
    """Number of that look."""
    rates: tuple[Rate, ...] = ()
    """Of that look."""
    samples: tuple[float | None, ...] = ()
    """Bytes per second of the looks up to that one."""
    trend: Trend = ()
    """Of that look."""
    progress_at: float | None = None
    last_to: str | None = None
    """The direction of the last movement; None where there was none, or both ways at once."""
    response_at: float | None = None
    """When data last moved against the direction of the movement before."""
    responds: bool = False
    """Whether the last movement was such a one."""
    turns: tuple[Event, ...] = ()
    moves: tuple[Event, ...] = ()
    told: tuple[Event, ...] = ()

    @property
    def events(self) -> int:
        """How many it keeps."""
        return len(self.turns) + len(self.moves) + len(self.told)


EMPTY = Record()


class Looks(NamedTuple):
    """When the last looks were, for the channels to which nothing happened at them."""

    number: int
    """Of the last one; the first is 0."""
    spans: tuple[Span, ...]
    """The newest last; at most SAMPLES."""

    @property
    def at(self) -> float | None:
        """Of the last look; None before the second."""
        return self.spans[-1].now if self.spans else None

    def after(self, span: Span) -> Looks:
        """With one more look."""
        return Looks(self.number + 1, (*self.spans, span)[-SAMPLES:])


def moved(record: Record, movements: Sequence[Movement], channel: Channel, looks: Looks) -> Record:
    """The record after a look at which the channel's queues were compared."""
    going = [movement for movement in movements if movement.moved]
    rates = tuple(movement.rate for movement in movements if movement.rate is not None)
    samples = (*_samples_until(record, channel, looks, looks.number - 1), _total(rates))[-SAMPLES:]
    record = record._replace(look=looks.number, rates=rates, samples=samples, trend=trend_of(movements))
    if not going:
        return record
    at = max(movement.at for movement in going)
    direction = going[0].to if len(going) == 1 else None
    responds = len(channel.queues) > 1 and None not in (direction, record.last_to) and direction != record.last_to
    return record._replace(
        progress_at=at if record.progress_at is None else max(at, record.progress_at),
        last_to=direction,
        responds=responds,
        response_at=at if responds else record.response_at,
    )


def happened(record: Record, turns: Sequence[Event], moves: Sequence[Event]) -> Record:
    """The record with more events."""
    if turns:
        record = record._replace(turns=(*record.turns, *turns)[-_MOST_TURNS:])
    if moves:
        record = record._replace(moves=(*record.moves, *moves)[-_MOST_MOVES:])
    return record


def told(record: Record, event: Event) -> Record:
    """The record with what a process reported."""
    return record._replace(told=(*record.told, event._replace(certainty="told"))[-_MOST_TOLD:])


def not_after(record: Record, limit: float) -> Record:
    """The record after the clock was set back: nothing that happened is to come."""
    return record._replace(
        progress_at=None if record.progress_at is None else min(record.progress_at, limit),
        response_at=None if record.response_at is None else min(record.response_at, limit),
        turns=events_not_after(record.turns, limit),
        moves=events_not_after(record.moves, limit),
        told=events_not_after(record.told, limit),
    )


def events_not_after(events: Iterable[Event], limit: float) -> tuple[Event, ...]:
    """The same events, none of them later than the limit (seconds since the epoch)."""
    return tuple([event if event.at <= limit else event._replace(at=limit) for event in events])


def rates_now(record: Record, channel: Channel, looks: Looks) -> tuple[Rate, ...]:
    """The rates of the last look, also of a channel that showed no change at it."""
    if record.look == looks.number:
        return record.rates
    return _resting_rates(channel, looks.spans[-1]) if looks.spans else ()


def samples_now(record: Record, channel: Channel, looks: Looks) -> tuple[float | None, ...]:
    """The last rates; those of looks at which nothing showed are worked out now."""
    return _samples_until(record, channel, looks, looks.number)


def _samples_until(record: Record, channel: Channel, looks: Looks, last: int) -> tuple[float | None, ...]:
    first_kept = looks.number - len(looks.spans) + 1
    missing = range(max(record.look + 1, first_kept), last + 1)
    quiet = [_total(_resting_rates(channel, looks.spans[number - first_kept])) for number in missing]
    return (*record.samples, *quiet)[-SAMPLES:]


def _resting_rates(channel: Channel, span: Span) -> tuple[Rate, ...]:
    rates = (resting(queue, None, span) for queue in channel.queues)
    return tuple(rate for rate in rates if rate is not None)


def _total(rates: Iterable[Rate]) -> float | None:
    """Bytes per second of all directions that are known."""
    known = [rate.bytes_per_s for rate in rates if rate.bytes_per_s is not None]
    return sum(known) if known else None


def lightened(records: Mapping[ChannelKey, Record], most: int) -> dict[ChannelKey, Record]:
    """The records with at most so many events in all: those to which nothing happened for longest lose theirs."""
    kept = dict(records)
    total = sum(record.events for record in kept.values())
    for key in sorted(kept, key=lambda key: kept[key].look):
        if total <= most:
            break
        total -= kept[key].events
        kept[key] = kept[key]._replace(turns=(), moves=(), told=())
    return kept
