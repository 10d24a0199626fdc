"""`list --watch`: first what is there, then what opens, closes or changes its state, a line each, without end."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ipcinspect.cli.columns import Offer, with_stages
from ipcinspect.cli.complaints import DONE
from ipcinspect.cli.session import Session
from ipcinspect.cli.sheets import Cell, Column, Sheet, Style
from ipcinspect.export.json_document import channels_document
from ipcinspect.inspector import Observation
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.selection.filters import Filter
from ipcinspect.selection.order import Order

_USUAL_INTERVAL_S, _LARGE_INTERVAL_S = 1.0, 2.0
_LARGE = 50_000
"""Descriptors from which on a look costs so much that every two seconds is often enough."""


class Event(NamedTuple):
    """Something that happened to a channel between two looks."""

    word: str
    """`there` at the first look; `opened`, `closed`; `enters`, `leaves`: the filter; `changes`: its state."""
    channel: Channel
    """As it is now; of a closed one as it was."""


def watch(
    session: Session,
    wanted: Filter,
    order: Order,
    offers: Sequence[Offer],
    goes_on: Callable[[], bool] = lambda: True,
) -> int:
    """Look again and again until a signal ends it or the reader goes. Raises Complaint or ReaderGone.

    `goes_on` is asked before each look: where it says no, that look is the last.
    """
    gc.enable()
    inspector = session.inspector()
    style = None if session.options.json else session.style()
    before: Mapping[ChannelKey, Channel] | None = None
    is_last = False
    while not is_last:
        is_last = not goes_on()
        observation = session.observe(inspector, Want(counts=True))
        now = _chosen(observation, wanted, order)
        if style is None:
            session.write_document(channels_document(observation.snapshot, now.values(), observation.changes.stage))
        else:
            told = events(before, now, observation)
            drawn = with_stages(offers, observation.changes.stage)
            for line in style.roll(_event_sheet(told, observation.snapshot, drawn, style)):
                session.output.write(line)
        if style is not None and before is None:
            session.tell_gaps(observation.snapshot)
        before = now
        session.output.wait(0 if is_last else interval_of(session, observation.snapshot))
    return DONE


def events(
    before: Mapping[ChannelKey, Channel] | None, now: Mapping[ChannelKey, Channel], observation: Observation
) -> Iterator[Event]:
    """What happened to the chosen channels since the look before; at the first look all of them are `there`."""
    if before is None:
        yield from (Event("there", channel) for channel in now.values())
        return
    opened = frozenset(observation.changes.opened)
    existing = observation.snapshot.channels_by_key
    for key, channel in before.items():
        if key not in now:
            yield Event("leaves", existing[key]) if key in existing else Event("closed", channel)
    for key, channel in now.items():
        if key not in before:
            yield Event("opened" if key in opened else "enters", channel)
        elif before[key].state != channel.state:
            yield Event("changes", channel)


def _chosen(observation: Observation, wanted: Filter, order: Order) -> dict[ChannelKey, Channel]:
    snapshot, changes = observation.snapshot, observation.changes
    matching = [channel for channel in snapshot.channels if wanted.matches(channel, snapshot, changes.quiet_since)]
    return {channel.key: channel for channel in order.sorted(matching, changes.since, changes.bytes_per_s)}


def _event_sheet(happened: Iterable[Event], snapshot: Snapshot, offers: Sequence[Offer], style: Style) -> Sheet:
    time = Cell(style.clock(snapshot.taken_at), "muted")
    return Sheet(
        None,
        (Column("TIME"), Column("EVENT", least=len("changes")), *(offer.column for offer in offers)),
        (
            [time, Cell(event.word), *(offer.draw(event.channel, snapshot, style) for offer in offers)]
            for event in happened
        ),
    )


def interval_of(session: Session, snapshot: Snapshot) -> float:
    """Seconds until the next look."""
    asked = session.options.interval
    if asked is not None:
        return asked
    ends = sum(len(channel.endpoints) for channel in snapshot.channels)
    return _LARGE_INTERVAL_S if ends > _LARGE else _USUAL_INTERVAL_S
