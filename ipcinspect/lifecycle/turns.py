"""What happened to a channel between two looks, by its state and by how it moved: events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ipcinspect.lifecycle.interfaces import INTERFACES
from ipcinspect.lifecycle.life import Event, Rate
from ipcinspect.lifecycle.wording import amount, figures, names, readers, writers
from ipcinspect.model.channel import Channel
from ipcinspect.model.figures import age, size
from ipcinspect.model.words import stage_of

PAUSE_S = 5.0
"""A channel with something in it that did not move for so long, and moves now, is news."""
_MOVING = frozenset(("flowing", "filling", "draining"))


class Sighting(NamedTuple):
    """A channel at two looks, and what was worked out of both."""

    earlier: Channel
    later: Channel
    state_before: str
    """Refined, as it was told at the look before."""
    state: str
    """Refined."""
    since: float
    """Since when it was in `state_before`."""
    paused_since: float
    """The last known movement, or since when it was watched."""
    moved: bool
    rates: Sequence[Rate]
    at: float
    """Seconds since the epoch of this look."""


def turns(seen: Sighting) -> Iterator[Event]:
    """What its state became, where that is more than data that comes and goes."""
    old, new = seen.earlier.state, seen.later.state
    if old != new:
        told = _ENTERED.get(new)
        if told is not None:
            yield _event(seen, new, told(seen.later), begins=new)
        elif old in _LEFT:
            yield _event(seen, old, _LEFT[old](seen))
    if _goes_on(seen):
        paused = age(seen.at - seen.paused_since)
        yield _event(seen, "draining", f"moved again after {paused}", f"{_change_of(seen)}{_rate_text(seen.rates)}")


def moves(seen: Sighting) -> Iterator[Event]:
    """Data that came, went, began to flow."""
    old, new = seen.state_before, seen.state
    if old == new or seen.earlier.state == "full" or not seen.later.queues:
        return
    if new in _MOVING:
        words = {"flowing": "data flows", "filling": "data comes in", "draining": "data leaves"}[new]
        shown = f"{_change_of(seen)}{_rate_text(seen.rates)}"
        yield _event(seen, new, words + _queued(seen.later), shown, begins=new)
    elif new == "holding" and old == "idle":
        yield _event(seen, "filling", "first data queued" + _queued(seen.later), _change_of(seen))
    elif new == "idle" and seen.earlier.state == "holding":
        yield _event(seen, "draining", "all data left", _change_of(seen))


def _event(seen: Sighting, state: str, what: str, evidence: str | None = None, begins: str | None = None) -> Event:
    """An event of the stage of `state`; `begins` is the state that began with it."""
    source = INTERFACES[seen.later.mechanism].fill
    told = figures(seen.later) if seen.later.queues else f"state {seen.later.state}"
    return Event(seen.at, stage_of(state), what, f"{evidence or told} ({source})", "seen", begins)


def _goes_on(seen: Sighting) -> bool:
    """It held something, and somebody may have waited for it to go on."""
    held = seen.earlier.state in ("full", "holding")
    return seen.moved and held and seen.at - seen.paused_since >= PAUSE_S and bool(seen.later.queues)


def _queued(channel: Channel) -> str:
    told = amount(channel)
    return f": {told} queued" if told and told != "0" else ""


def _change_of(seen: Sighting) -> str:
    before, now = figures(seen.earlier), figures(seen.later)
    return f"{before} at the look before, {now} now" if before != now else f"{now} at both looks"


def _rate_text(rates: Sequence[Rate]) -> str:
    told = [
        f"{'' if rate.exact else 'at least '}{size(rate.bytes_per_s)}/s towards {rate.to}"
        for rate in rates
        if rate.bytes_per_s
    ]
    return f", {', '.join(told)}" if told else ""


def _full(channel: Channel) -> str:
    waiting = names(end for end in channel.endpoints if end.role == "waiter")
    if waiting:
        holder = names(end for end in channel.endpoints if end.role == "holder")
        return f"{waiting} waits for {holder or 'a holder that is not seen'}"
    who = writers(channel)
    return f"buffer full: a write{f' of {who}' if who else ''} would wait"


def _no_reader(channel: Channel) -> str:
    who = writers(channel)
    return f"no reader is left{f' for {who}' if who else ''}"


def _no_writer(channel: Channel) -> str:
    who = readers(channel)
    return f"no writer is left{f' for {who}' if who else ''}"


_ENTERED: Mapping[str, Callable[[Channel], str]] = {
    "full": _full,
    "half-closed": lambda channel: "half-closed: one side is shut",
    "no-reader": _no_reader,
    "no-writer": _no_writer,
    "orphaned": lambda channel: "orphaned: nobody takes part in it any more",
    "marked-for-deletion": lambda channel: "marked for deletion: it goes with its last user",
    "closed": lambda channel: "the connection is over, its socket is still there",
    "waiting-accept": lambda channel: "a connection waits to be accepted",
    "opening": lambda channel: "a partner is waited for",
    "listening": lambda channel: "no connection waits any more",
}
"""What is told when a state begins."""


def _room_again(seen: Sighting) -> str:
    return f"room again after {age(seen.at - seen.since)}"


_LEFT: Mapping[str, Callable[[Sighting], str]] = {
    "full": _room_again,
    "opening": lambda seen: "partner connected",
    "waiting-accept": lambda seen: f"accepted after {age(seen.at - seen.since)}",
    "half-closed": lambda seen: "no longer half-closed",
    "no-reader": lambda seen: "has a reader again",
    "no-writer": lambda seen: "has a writer again",
    "orphaned": lambda seen: "in use again",
    "marked-for-deletion": lambda seen: "no longer marked for deletion",
}
"""What is told when a state ends in an ordinary one."""
