"""Snapshots as JSON documents of the schema `ipcinspect/1`, written as text without a tree of dicts in between.

A machine with 60,000 channels gives 40 MB: text pieces are four times faster than `json.dumps`, and a document leaves
in chunks, so it is never in memory as a whole. All output is ASCII: kernel text is exact, bytes that were no UTF-8
stand as the escapes `\udc80` to `\udcff` of Python's `surrogateescape`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from json.encoder import encode_basestring_ascii as quoted
from types import NoneType
from typing import Any, NamedTuple

from ipcinspect.export.moments import rfc3339
from ipcinspect.mechanisms import fields_of
from ipcinspect.model.channel import Channel, Endpoint, Exposure, FieldValue, Namespaces, Queue
from ipcinspect.model.gap import Gap
from ipcinspect.model.process import Process
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.words import stage_of

SCHEMA = "ipcinspect/1"
_CHANNELS_IN_A_CHUNK = 64
_DIGITS_OF_A_RATIO = 4
_TEXTS_REMEMBERED = 4096


StageOf = Callable[[Channel], "str | None"]
"""The stage of a channel's life, as more than its state tells it (`Changes.stage`)."""


def channels_document(snapshot: Snapshot, channels: Iterable[Channel], stage: StageOf | None = None) -> Iterator[str]:
    """The document of some channels of a snapshot in one line, chunk by chunk; `stage` as in ChannelWriter."""
    yield f"{head(snapshot)}, "
    yield from channels_member(channels, ChannelWriter(snapshot, stage))
    yield f', "gaps": {gaps(snapshot.gaps)}}}'


def channels_member(channels: Iterable[Channel], writer: ChannelWriter) -> Iterator[str]:
    """The member `channels` of a document, chunk by chunk."""
    yield '"channels": ['
    rest = iter(channels)
    separator = ""
    while chunk := list(islice(rest, _CHANNELS_IN_A_CHUNK)):
        yield separator + ", ".join([writer.channel(channel) for channel in chunk])
        separator = ", "
    yield "]"


def head(snapshot: Snapshot) -> str:
    """The beginning of every document, without the brace that closes it."""
    host = snapshot.host
    boot_id = quoted(host.boot_id) if host.boot_id else "null"
    return (
        f'{{"schema": "{SCHEMA}", "host": {quoted(host.name)}, "boot_id": {boot_id}, '
        f'"taken_at": "{rfc3339(snapshot.taken_at)}", "duration_s": {round(snapshot.duration_s, 6)!r}'
    )


def gaps(rows: Sequence[Gap]) -> str:
    """The array of what a snapshot lacks."""
    return array(
        f'{{"what": {quoted(gap.what)}, "why": {quoted(gap.why)}, "count": {value(gap.count)}}}' for gap in rows
    )


def array(items: Iterable[str]) -> str:
    """JSON texts as a JSON array."""
    return f"[{', '.join(items)}]"


def value(plain: FieldValue) -> str:
    """A single value; a number that JSON does not know (nan, inf) is unknown."""
    return _WRITERS[type(plain)](plain)


def moment(seconds: float | None) -> str:
    """A time since the epoch; null where it is unknown."""
    if seconds is None:
        return "null"
    try:
        return f'"{rfc3339(seconds)}"'
    except ValueError:  # anybody may give a FIFO a time that no calendar has
        return "null"


def _number(plain: float) -> str:
    return repr(plain) if plain - plain == 0.0 else "null"


Writers = Mapping[type, Callable[[Any], str]]
_WRITERS: Writers = {
    str: quoted,
    int: int.__repr__,
    float: _number,
    bool: {True: "true", False: "false"}.__getitem__,
    NoneType: {None: "null"}.__getitem__,
}
"""How each type that a value can have is written."""
_WRITERS_OF_TIMES: Writers = {**_WRITERS, int: moment, float: moment}


def writers_of(unit: str | None) -> Writers:
    """How the values of a field with this unit are written: times become RFC 3339."""
    return _WRITERS_OF_TIMES if unit == "time" else _WRITERS


class _ProcessText(NamedTuple):
    """What every end says of its process."""

    before: str
    """The members in front of those of the descriptor."""
    after: str
    process: Process | None
    """Keeps the object, hence its id(), from being given to another."""


_NOBODY = _ProcessText(
    '"pid": null, "starttime": null, "comm": null', '"uid": null, "user": null, "container": null', None
)


class ChannelWriter:
    """Writes channels of one snapshot. Remembers the texts of what recurs: processes, queues, namespaces, fields."""

    def __init__(self, snapshot: Snapshot, stage: StageOf | None = None) -> None:
        """`stage` tells the stage of each channel; without it the state does, which cannot tell a response."""
        self._stage = stage
        self._users = snapshot.users
        self._processes: dict[int, _ProcessText] = {}
        self._queues: dict[tuple[Queue, ...], tuple[str, str]] = {}
        self._namespaces: dict[Namespaces, str] = {}
        self._fields: dict[str, tuple[tuple[str, Writers], ...]] = {}
        self._exposures: dict[Exposure | None, str] = {None: "null"}

    def channel(self, channel: Channel) -> str:
        """One channel as a JSON object."""
        name = channel.name
        stage = stage_of(channel.state) if self._stage is None else self._stage(channel)
        return (
            f'{{"id": {quoted(channel.id)}, "aliases": {_aliases(channel.aliases)}, '
            f'"mechanism": "{channel.mechanism}", "name": {"null" if name is None else quoted(name)}, '
            f'"state": "{channel.state}", "stage": {"null" if stage is None else quoted(stage)}, '
            f'"relation": "{channel.relation}", {self._queue_members(channel)}, '
            f'"namespace": {self._namespaces.get(channel.namespaces) or self._namespace(channel.namespaces)}, '
            f'"exposure": {self._exposures.get(channel.exposure) or self._exposure(channel.exposure)}, '
            f'"created_at": {moment(channel.created_at)}, '
            f'"endpoints": [{", ".join(map(self.endpoint, channel.endpoints))}], '
            f'"fields": {{{self._field_members(channel) if channel.fields else ""}}}}}'
        )

    def endpoint(self, end: Endpoint) -> str:
        """One holder of one end as a JSON object."""
        side, role, process, fd, inode, address = end
        before, after, _ = _NOBODY if process is None else self._processes.get(id(process)) or self._process(process)
        return (
            f'{{"side": "{side}", "role": "{role}", {before}, "fd": {"null" if fd is None else fd}, '
            f'"inode": {"null" if inode is None else inode}, {after}, '
            f'"address": {"null" if address is None else quoted(address)}}}'
        )

    def process_members(self, process: Process) -> str:
        """What every document says of a process, as members of an object."""
        text = self._processes.get(id(process)) or self._process(process)
        return f"{text.before}, {text.after}"

    def _process(self, process: Process) -> _ProcessText:
        """The members of a process before and after those of its descriptor."""
        user = None if process.uid is None else self._users.get(process.uid)
        text = self._processes[id(process)] = _ProcessText(
            f'"pid": {process.pid}, "starttime": {process.starttime}, "comm": {quoted(process.comm)}',
            f'"uid": {value(process.uid)}, "user": {value(user)}, "container": {value(process.container)}',
            process,
        )
        return text

    def _queue_members(self, channel: Channel) -> str:
        """The members about what is queued. Most channels are empty, so few texts serve nearly all."""
        queues, capacity = channel.queues, channel.capacity_bytes
        before, after = self._queues.get(queues) or self._queue_texts(channel)
        return f'{before}, "capacity_bytes": {"null" if capacity is None else capacity}, {after}'

    def _queue_texts(self, channel: Channel) -> tuple[str, str]:
        texts = (
            f'"queued_bytes": {value(channel.queued_bytes)}, "queued_messages": {value(channel.queued_messages)}',
            f'"fill": {_ratio(channel.fill)}, "queues": {array(map(_queue, channel.queues))}',
        )
        if len(self._queues) < _TEXTS_REMEMBERED:
            self._queues[channel.queues] = texts
        return texts

    def _namespace(self, namespaces: Namespaces) -> str:
        text = f'{{"net": {value(namespaces.net)}, "ipc": {value(namespaces.ipc)}}}'
        self._namespaces[namespaces] = text
        return text

    def _exposure(self, exposure: Exposure | None) -> str:
        """Who else may take part; texts are remembered, since few owners and modes serve nearly all."""
        if exposure is None:
            return "null"
        uid, mode = exposure.owner_uid, exposure.mode
        text = (
            f'{{"reach": {quoted(exposure.reach)}, "owner_uid": {value(uid)}, '
            f'"owner": {value(None if uid is None else self._users.get(uid))}, '
            f'"mode": {"null" if mode is None else quoted(f"{mode:04o}")}, '
            f'"world_writable": {value(exposure.world_writable)}}}'
        )
        if len(self._exposures) < _TEXTS_REMEMBERED:
            self._exposures[exposure] = text
        return text

    def _field_members(self, channel: Channel) -> str:
        plan = self._fields.get(channel.mechanism)
        if plan is None:
            fields = fields_of(channel.mechanism)
            plan = tuple((f"{quoted(field.name)}: ", writers_of(field.unit)) for field in fields)
            self._fields[channel.mechanism] = plan
        return ", ".join(
            [name + writers[type(plain)](plain) for (name, writers), plain in zip(plan, channel.fields, strict=False)]
        )


def _aliases(aliases: tuple[str, ...]) -> str:
    return array(map(quoted, aliases)) if aliases else "[]"


def _queue(queue: Queue) -> str:
    return (
        f'{{"to": "{queue.to}", "bytes": {value(queue.bytes)}, "messages": {value(queue.messages)}, '
        f'"next_message_bytes": {value(queue.next_message_bytes)}, "memory_bytes": {value(queue.memory_bytes)}, '
        f'"memory_limit_bytes": {value(queue.memory_limit_bytes)}, "fill": {_ratio(queue.fill)}, '
        f'"moved_bytes": {value(queue.moved_bytes)}, "written_at": {moment(queue.written_at)}, '
        f'"read_at": {moment(queue.read_at)}}}'
    )


def _ratio(number: float | None) -> str:
    return "null" if number is None else repr(round(float(number), _DIGITS_OF_A_RATIO))
