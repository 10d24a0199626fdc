"""One channel, whole, as a JSON document: itself, what came in through it, and what was asked for it alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring_ascii as quoted

from ipcinspect.export.json_document import (
    ChannelWriter,
    array,
    channels_member,
    gaps,
    head,
    value,
    writers_of,
)
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.sources import CameBy, Detail, Details


def details_document(snapshot: Snapshot, channels: Sequence[Channel], details: Details | None) -> Iterator[str]:
    """The channel asked for stands first in `channels`; `details` is null where the source tells no more."""
    yield f"{head(snapshot)}, "
    yield from channels_member(channels, ChannelWriter(snapshot))
    facts = "null" if details is None else array(map(_fact, details.facts))
    flags = () if details is None else sorted(details.descriptor_flags.items())
    held = array(f'{{"pid": {pid}, "fd": {fd}, "flags": {quoted(words)}}}' for (pid, fd), words in flags)
    came = () if details is None else sorted(details.came_by.items())
    descent = array(_came_by(place, one) for place, one in came)
    yield f', "details": {facts}, "descriptor_flags": {held}, "came_by": {descent}, "gaps": {gaps(snapshot.gaps)}}}'


def _came_by(place: tuple[int, int], came: CameBy) -> str:
    process = came.process
    whom = "null"
    if process is not None:
        who = f'"pid": {process.pid}, "starttime": {process.starttime}, "comm": {quoted(process.comm)}'
        whom = f'{{{who}, "fd": {value(came.fd)}}}'
    return f'{{"pid": {place[0]}, "fd": {place[1]}, "how": {quoted(came.how)}, "with": {whom}}}'


def _fact(fact: Detail) -> str:
    told = writers_of(fact.unit)[type(fact.value)](fact.value)
    return (
        f'{{"title": {quoted(fact.title)}, "value": {told}, '
        f'"unit": {value(fact.unit)}, "told_by": {quoted(fact.told_by)}}}'
    )
