"""`ipcinspect follow CHANNEL`: the life of one channel as it happens, until it is gone."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from ipcinspect.cli.complaints import DONE, complain
from ipcinspect.cli.one_channel import CHANNEL_HELP, add_channel, one_channel
from ipcinspect.cli.session import Session
from ipcinspect.cli.sheets import Cell, Column, Sheet, facts
from ipcinspect.cli.watch import interval_of
from ipcinspect.export.life_document import life_document
from ipcinspect.inspector import Observation
from ipcinspect.lifecycle.history import events_not_after
from ipcinspect.lifecycle.life import Event
from ipcinspect.model.channel import Channel
from ipcinspect.model.figures import age
from ipcinspect.model.snapshot import Snapshot, Want

SUMMARY = "the life of one channel as it happens, an event a line"
EPILOG = f"""\
First what the channel is and what the kernel still tells of its past, then each
event as it happens, until the channel is gone (exit code 0) or ctrl-C.

STAGE      one of seven: creation, preparation, transmission, delivery,
           reception, response, termination
CERTAINTY  seen       the kernel showed it
           inferred   it must have been between two looks; the time is that of
                      the second
           told       a demo process reported it
EVIDENCE   what shows it, and which interface of the kernel told

A pipe's reads and writes are noticed by inotify where that is allowed: seen,
not counted. What opens and closes between two looks is missed: a smaller
--interval misses less. With --json a document a line; the first one has the
whole channel and no event.

{CHANNEL_HELP}
examples:
  ipcinspect follow 1234/5
  ipcinspect follow /run/app.sock --interval 0.2
  ipcinspect follow pipe:[123] --json | jq -r .event.what
"""

_CLOCK_TELLS_S = 43_200.0
"""Seconds after which a time of day alone would be taken for another day's."""
_COLUMNS = (
    Column("TIME"),
    Column("STAGE", least=len("transmission")),
    Column("CERTAINTY", least=len("inferred")),
    Column("EVENT", least=34),
    Column("EVIDENCE"),
)
"""Nothing is cut: the evidence is what one came for."""


class Sighting(NamedTuple):
    """The channel at one look."""

    snapshot: Snapshot
    channel: Channel
    stage: str | None
    events: tuple[Event, ...]
    """All that is known to have happened to it, the newest last."""


class Teller(Protocol):
    """Tells a channel's life to one kind of reader."""

    def begin(self, seen: Sighting) -> None:
        """What the channel is. Raises ReaderGone or Unable."""
        ...

    def tell(self, seen: Sighting, events: Sequence[Event]) -> None:
        """What happened to it. Raises ReaderGone or Unable."""
        ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    add_channel(parser)


def run(session: Session) -> int:
    """Look again and again until the channel is gone. Raises Complaint or ReaderGone."""
    gc.enable()
    inspector = session.inspector()
    observation = session.observe(inspector, Want(counts=True))
    channel = one_channel(session.arguments.channel, observation.snapshot, session.directory())
    teller: Teller = _Documents(session) if session.options.json else _Lines(session)
    seen = _sighting(observation, channel)
    teller.begin(seen)
    teller.tell(seen, seen.events)
    while seen.channel.state != "closed":
        session.output.wait(interval_of(session, seen.snapshot))
        before = seen
        seen = _sighting(session.observe(inspector, _want(seen.channel)), seen.channel)
        _tell_of_clock(session, before.snapshot.taken_at - seen.snapshot.taken_at)
        told = {*before.events, *events_not_after(before.events, seen.snapshot.taken_at)}
        teller.tell(seen, [event for event in seen.events if event not in told])
    session.output.flush()
    return DONE


def _tell_of_clock(session: Session, back_s: float) -> None:
    """Why the next event is dated before the last one, where the clock was set back."""
    if back_s > 0:
        session.output.flush()
        complain(f"the clock was set back by at least {age(back_s)}: from here on times are those of the new clock")


def _want(channel: Channel) -> Want:
    """Reads and writes of a pipe are noticed where that is allowed."""
    return Want(counts=True, lights=(channel.key,) if channel.mechanism == "pipe" else ())


def _sighting(observation: Observation, before: Channel) -> Sighting:
    """The channel as it is now, also under the other socket's key, and what happened to it.

    One that is out of sight for a while is not closed yet: what this look could not see, the next one may.
    """
    snapshot, changes = observation.snapshot, observation.changes
    now = changes.channel(before.key)
    try:
        life = changes.life(before.key)
    except KeyError:
        end = Event(snapshot.taken_at, "termination", "gone", "no look finds it any more", "inferred")
        return Sighting(snapshot, before._replace(state="closed"), end.stage, (end,))
    if now is not None:
        return Sighting(snapshot, now, life.stage, life.events)
    if life.events and life.events[-1].stage == "termination":
        return Sighting(snapshot, before._replace(state="closed"), "termination", life.events)
    return Sighting(snapshot, before._replace(state="unknown"), None, life.events)


class _Lines:
    """For eyes, grep and awk: a table that goes on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._style = session.style()

    def begin(self, seen: Sighting) -> None:
        self._session.write_sheets([facts(None, self._identity(seen.channel))], self._style)
        self._session.output.write("\n")
        self._session.tell_gaps(seen.snapshot)

    def _identity(self, channel: Channel) -> Iterator[tuple[str, Cell]]:
        style, ends = self._style, self._style.ends(channel)
        yield "id", Cell(style.safe(channel.id))
        if channel.name is not None:
            yield "name", Cell(style.safe(channel.name))
        yield "mechanism", Cell(channel.mechanism)
        yield "state", style.state(channel, whole=True)
        yield "ends", Cell(" ".join(cell.text for cell in ends if cell.text))
        yield "queued", style.queued(channel)

    def tell(self, seen: Sighting, events: Sequence[Event]) -> None:
        rows = [self._row(event, seen.snapshot.taken_at) for event in events]
        for line in self._style.roll(Sheet(None, _COLUMNS, rows, whole=True)):
            self._session.output.write(line)

    def _row(self, event: Event, now: float) -> tuple[Cell, ...]:
        style = self._style
        recent = abs(now - event.at) < _CLOCK_TELLS_S
        return (
            Cell(style.clock(event.at) if recent else style.told(event.at, "time"), "muted"),
            Cell(event.stage or "-"),
            Cell(event.certainty, "muted"),
            Cell(style.safe(event.what)),
            Cell(style.safe(event.evidence), "muted"),
        )


class _Documents:
    """For programs: a JSON document a line."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def begin(self, seen: Sighting) -> None:
        self._write(seen, None, True)

    def tell(self, seen: Sighting, events: Sequence[Event]) -> None:
        for event in events:
            self._write(seen, event, False)

    def _write(self, seen: Sighting, event: Event | None, whole: bool) -> None:
        document = life_document(seen.snapshot, seen.channel, seen.stage, event, whole)
        self._session.write_document([document])
