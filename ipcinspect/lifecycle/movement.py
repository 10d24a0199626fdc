"""What one direction of a channel did between two looks, as far as that can be known.

A queue that is as full as before may have moved a lot or not at all: that is unknown, not nothing, unless the kernel
counts, keeps times, or a light was on.
"""

from __future__ import annotations

from typing import NamedTuple

from ipcinspect.lifecycle.life import Rate
from ipcinspect.model.channel import Queue
from ipcinspect.model.snapshot import Light

_COARSEST_S = 1.0
"""Times of System V objects have whole seconds."""


class Span(NamedTuple):
    """The time between two looks, in seconds since the epoch."""

    before: float
    """Start of the look before."""
    settled: float
    """Its end: what the kernel dates later was not in it."""
    now: float
    """Start of this look."""
    ended: float
    """Its end: what the kernel dates later is not believed."""

    @property
    def seconds(self) -> float | None:
        """None where the clock went back or stood."""
        return self.now - self.before if self.now > self.before else None


class Movement(NamedTuple):
    """What one direction did."""

    to: str
    """The side that reads it."""
    written: bool | None
    """Whether something was written into it; None where that is not known."""
    read: bool | None
    change: int
    """1: more waits in it than before; -1: less; 0: as much, or not known."""
    counted: int | None
    """Bytes that the kernel counted."""
    rate: Rate | None
    at: float
    """When it moved last, where it moved: as the kernel keeps it, else the look that showed it."""

    @property
    def moved(self) -> bool:
        """Whether anything is known to have moved."""
        return bool(self.written or self.read or self.counted)


def between(earlier: Queue, later: Queue, light: Light | None, span: Span) -> Movement:
    """What happened between two sightings of one direction."""
    change, swapped = _change(earlier, later)
    counted = _counted(earlier, later)
    wrote = _advanced(earlier.written_at, later.written_at, span)
    took = _advanced(earlier.read_at, later.read_at, span)
    written = _either((change > 0 or swapped) or None, wrote, light and light.written)
    read = _either((change < 0 or swapped) or _other_is_first(earlier, later), took, light and light.read)
    if not read and _must_have_been_read(later, change, counted, bool(wrote)):
        read = True
    rate = _rate(earlier, later, counted, (written, read), span)
    return Movement(later.to, written, read, change, counted, rate, _moment(later, wrote, took, span))


def resting(queue: Queue, light: Light | None, span: Span) -> Rate | None:
    """The rate of a direction that two looks showed alike in every figure; None where that tells nothing."""
    return between(queue, queue, light, span).rate


def _change(earlier: Queue, later: Queue) -> tuple[int, bool]:
    """Whether more or less waits, and whether what waits is not the same: some of it left and other came."""
    messages, data = _sign(earlier.messages, later.messages), _sign(earlier.bytes, later.bytes)
    if messages is not None and data is not None and data not in (0, messages):
        return messages, True
    known = data if messages is None else messages
    if known is None:
        known = _sign(earlier.memory_bytes, later.memory_bytes)
    return known or 0, False


def _other_is_first(earlier: Queue, later: Queue) -> bool | None:
    """True where another message is the next one: the one before was taken."""
    old, new = earlier.next_message_bytes, later.next_message_bytes
    return bool(old and new and old != new) or None


def _sign(old: int | None, new: int | None) -> int | None:
    return None if old is None or new is None else (new > old) - (new < old)


def _counted(earlier: Queue, later: Queue) -> int | None:
    """None where the kernel does not count; a count that fell is another socket's."""
    if earlier.moved_bytes is None or later.moved_bytes is None or later.moved_bytes < earlier.moved_bytes:
        return None
    return later.moved_bytes - earlier.moved_bytes


def _advanced(old: float | None, new: float | None, span: Span) -> bool | None:
    """Whether the kernel dates a call between the two looks; None where it may, within what the time is exact to.

    Anybody may give a file of his a time: one of the future, or one that went back, is not believed.
    """
    if old is None or new is None or new > span.ended or new < old or span.seconds is None:
        return None
    if new > old:
        exact_to = _COARSEST_S if new == int(new) else 0.0
        return True if new + exact_to > span.settled else None
    return False if new + _COARSEST_S <= span.before else None


def _either(*evidence: bool | None) -> bool | None:
    """True where anything shows it, False where something shows that it was not, else unknown."""
    return True if True in evidence else (False if False in evidence else None)


def _must_have_been_read(later: Queue, change: int, counted: int | None, dated: bool) -> bool:
    """What came in and is not there any more was read.

    Bytes that were counted stand between the two ends: those that arrived wait at the receiver, or were read.
    """
    if counted and later.bytes is not None and counted > later.bytes:
        return True
    return dated and change <= 0 and later.bytes is not None


def _rate(
    earlier: Queue, later: Queue, counted: int | None, moves: tuple[bool | None, bool | None], span: Span
) -> Rate | None:
    seconds = span.seconds
    if seconds is None:
        return None
    if counted is not None:
        return Rate(later.to, counted / seconds, None, True)
    if moves == (False, False):
        return Rate(later.to, 0.0, 0.0, True)
    data = _difference(earlier.bytes, later.bytes)
    messages = _difference(earlier.messages, later.messages)
    if not messages and True in moves and later.messages is not None:
        messages = 1
    if not data and not messages:
        return None
    return Rate(later.to, data / seconds if data else None, messages / seconds if messages else None, False)


def _difference(old: int | None, new: int | None) -> int:
    return abs(new - old) if old is not None and new is not None else 0


def _moment(later: Queue, wrote: bool | None, took: bool | None, span: Span) -> float:
    dated = [at for at, advanced in ((later.written_at, wrote), (later.read_at, took)) if advanced and at is not None]
    return max(dated) if dated else span.now
