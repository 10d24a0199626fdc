"""The panel's lists: who holds a channel, and every fact about it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from rich.cells import cell_len

from ipcinspect.diagnosis.finding import Finding
from ipcinspect.export.exposure import exposure_sentence, exposure_word
from ipcinspect.lifecycle.life import Life
from ipcinspect.lifecycle.stages import track
from ipcinspect.mechanisms import fields_of
from ipcinspect.model.channel import Channel, Endpoint, Queue
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.selection.descent import descent_sentence
from ipcinspect.sources import Details
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Span, clip, clip_name, wrap
from ipcinspect.tui.findings_text import findings_of_channel
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.inside import FORMS, Peek, contents_rows
from ipcinspect.tui.life_text import life_lines
from ipcinspect.tui.rows import Rows, TextRows
from ipcinspect.tui.trouble import Trouble
from ipcinspect.tui.waits_text import waits_of_channel


class Subject(NamedTuple):
    """The channel that the panel is about."""

    channel: Channel
    snapshot: Snapshot
    since: float | None
    details: Details | None
    asked: bool
    """Whether the details have been answered, be it with nothing."""
    peek: Peek | None = None
    """The last request to look inside, of whatever channel."""
    form: str = FORMS[0]
    """How contents are shown, one of `inside.FORMS`."""
    life: Life | None = None
    """What is known of its life; None where it was not watched."""
    trouble: Trouble | None = None
    """Who waits for whom and what is wrong, of the whole machine; None where that is not known yet."""

    @property
    def waits(self) -> int:
        """How many threads sleep on it."""
        return 0 if self.trouble is None else len(self.trouble.waits_at.get(self.channel.key, ()))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with it."""
        return () if self.trouble is None else self.trouble.findings_of.get(self.channel.key, ())


class _Cells(NamedTuple):
    role: str
    process: str
    fd: str
    flags: str
    user: str
    came_by: str
    container: str
    address: str


_TITLES = _Cells("ROLE", "PROCESS", "FD", "FLAGS", "USER", "CAME BY", "CONTAINER", "ADDRESS")
_LIMITS = _Cells(*map(str, (8, 26, 7, 24, 14, 40, 24, 60)))
_NAMES = tuple(place for place, title in enumerate(_TITLES) if title in ("PROCESS", "USER", "CONTAINER", "ADDRESS"))
"""Columns whose texts are cut at the left where they are paths; sentences are read from their start."""
_MEASURED = 200
"""Rows that decide the widths of the columns."""


def end_rows(subject: Subject, width: int) -> Rows:
    """Every holder; where none is seen, that in words."""
    if subject.channel.endpoints:
        return EndRows(subject)
    why = {"orphaned": ": it stays until somebody removes it", "unknown": "; one that cannot be read may"}
    text = f"No process is seen to hold it{why.get(subject.channel.state, '')}."
    return TextRows([(), *((Span(f" {line}", "muted"),) for line in wrap(text, max(width - 2, 1)))])


@dataclass(frozen=True)
class EndRows:
    """Every holder of a channel, writers and connecting sides first."""

    subject: Subject

    @cached_property
    def ends(self) -> tuple[Endpoint, ...]:
        """The holders in order."""
        return tuple(sorted(self.subject.channel.endpoints, key=_place))

    def __len__(self) -> int:
        return len(self.ends)

    def key(self, index: int) -> Hashable:
        return _identity(self.ends[index])

    def find(self, key: Hashable) -> int | None:
        return next((place for place, end in enumerate(self.ends) if _identity(end) == key), None)

    def head(self, width: int, glyphs: Glyphs) -> Line | None:
        return self._line(_TITLES, "muted", width, glyphs)

    def line(self, index: int, width: int, chosen: bool, glyphs: Glyphs) -> Line:
        return self._line(self._cells(self.ends[index], glyphs), "text", width, glyphs)

    def _line(self, cells: _Cells, role: str, width: int, glyphs: Glyphs) -> Line:
        spans = [Span(" ")]
        for place, (text, room) in enumerate(zip(cells, self._widths(glyphs), strict=True)):
            if not room:
                continue
            cut = clip_name(text, room, glyphs) if place in _NAMES else clip(text, room, glyphs)
            cut = clip(text, room, glyphs, "right") if _TITLES[place] == "FD" else cut
            muted = role == "muted" or text in ("-", "?", "host") or text.startswith("(")
            spans += [Span(cut, "muted" if muted else role), Span("  ")]
        return tuple(spans)

    @cached_property
    def _measured(self) -> dict[bool, tuple[int, ...]]:
        return {}

    def _widths(self, glyphs: Glyphs) -> tuple[int, ...]:
        """Of each column as much as its texts need; none for a column that has nothing to say."""
        known = self._measured.get(glyphs.plain)
        if known is None:
            rows = [self._cells(end, glyphs) for end in self.ends[:_MEASURED]]
            known = tuple(
                0
                if title in ("CAME BY", "CONTAINER", "ADDRESS") and all(row[place] in ("", "host") for row in rows)
                else min(max(cell_len(title), *(cell_len(row[place]) for row in rows), 0), int(_LIMITS[place]))
                for place, title in enumerate(_TITLES)
            )
            self._measured[glyphs.plain] = known
        return known

    def _cells(self, end: Endpoint, glyphs: Glyphs) -> _Cells:
        process = end.process
        address = glyphs.safe(end.address) if end.address else ""
        if process is None:
            return _Cells(end.role, "(nobody seen)", "-", "-", "-", "", "", address)
        users = self.subject.snapshot.users
        user = "?" if process.uid is None else glyphs.safe(users.get(process.uid, str(process.uid)))
        container = glyphs.safe(process.container) if process.container else "host"
        fd = "-" if end.fd is None else str(end.fd)
        return _Cells(
            end.role,
            f"{glyphs.safe(process.comm)} {process.pid}",
            fd,
            self._flags(end, process.pid),
            user,
            self._came_by(end, process.pid, glyphs),
            container,
            address,
        )

    def _came_by(self, end: Endpoint, pid: int, glyphs: Glyphs) -> str:
        """Empty where it is not told."""
        details = self.subject.details
        told = None if details is None or end.fd is None else descent_sentence(details.came_by.get((pid, end.fd)))
        return "" if told is None else glyphs.safe(told)

    def _flags(self, end: Endpoint, pid: int) -> str:
        if end.fd is None:
            return "-"
        details = self.subject.details
        return "?" if details is None else details.descriptor_flags.get((pid, end.fd), "?")


def field_rows(subject: Subject, glyphs: Glyphs) -> TextRows:
    """Every fact about a channel: what each channel has, what its mechanism tells, what was asked for it alone."""
    facts = [*_general(subject, glyphs), *_of_queues(subject.channel), *_of_mechanism(subject, glyphs)]
    facts += _of_details(subject, glyphs)
    title_width = min(max((cell_len(fact.title) for fact in facts), default=0), 24)
    value_width = min(max((cell_len(fact.value) for fact in facts), default=0), 26)
    return TextRows([_fact_line(fact, title_width, value_width, glyphs) for fact in facts])


def inside_rows(subject: Subject, width: int, glyphs: Glyphs) -> Rows:
    """What is in the channel, where the user asked for it."""
    return contents_rows(subject.channel, subject.snapshot.host.uid, subject.peek, subject.form, width, glyphs)


def life_rows(subject: Subject, width: int, glyphs: Glyphs) -> TextRows:
    """The stages of its life, and what happened."""
    channel, life, now = subject.channel, subject.life, subject.snapshot.taken_at
    stations = () if life is None else track(channel, life, now, _shape(subject))
    return TextRows(life_lines(channel, life, stations, now, width, glyphs))


def wait_rows(subject: Subject, width: int, glyphs: Glyphs) -> TextRows:
    """Who sleeps on it, and until when."""
    return TextRows(waits_of_channel(subject.trouble, subject.channel.key, width, glyphs))


def finding_rows(subject: Subject, width: int, glyphs: Glyphs) -> TextRows:
    """What is wrong with it."""
    return TextRows(list(findings_of_channel(subject.findings, subject.trouble is not None, width, glyphs)))


def _shape(subject: Subject) -> str | None:
    """What its contents looked like, where the user has looked into it."""
    peek = subject.peek
    return None if peek is None or peek.key != subject.channel.key or not peek.pieces else peek.pieces[0][0].shape


class _Fact(NamedTuple):
    title: str
    value: str
    help: str


def _fact_line(fact: _Fact, title_width: int, value_width: int, glyphs: Glyphs) -> Line:
    value = fact.value + " " * max(value_width - cell_len(fact.value), 0)
    return (
        Span(" " + clip(fact.title, title_width, glyphs) + "  ", "muted"),
        Span(value, "muted" if fact.value == "?" else "text"),
        Span("  " + fact.help, "faint"),
    )


def _general(subject: Subject, glyphs: Glyphs) -> Iterator[_Fact]:
    channel, now = subject.channel, subject.snapshot.taken_at
    yield _Fact("id", glyphs.safe(channel.id), "accepted by every command")
    if channel.aliases:
        yield _Fact("also", glyphs.safe(" ".join(channel.aliases)), "other ids of the same channel")
    if channel.name:
        yield _Fact("name", glyphs.safe(channel.name), "")
    lasted = "" if subject.since is None else f"for {figures.age(max(now - subject.since, 0.0))}, as far as watched"
    yield _Fact("state", channel.state, lasted)
    yield _Fact("relation", channel.relation, "why its holders communicate")
    sentence = exposure_sentence(channel, subject.snapshot)
    if sentence is not None:
        yield _Fact("exposure", exposure_word(channel.exposure) or "?", glyphs.safe(sentence))
    if channel.created_at is not None:
        yield _Fact("created", figures.moment(channel.created_at), f"{figures.age(now - channel.created_at)} ago")
    if channel.capacity_bytes is not None:
        yield _Fact("capacity", figures.told(channel.capacity_bytes, "bytes", glyphs), "")
    for title, number in (("network namespace", channel.namespaces.net), ("IPC namespace", channel.namespaces.ipc)):
        if number is not None:
            yield _Fact(title, str(number), _own_namespace(subject.snapshot, title, number))


def _own_namespace(snapshot: Snapshot, title: str, number: int) -> str:
    own = snapshot.host.net_namespace if title.startswith("net") else snapshot.host.ipc_namespace
    return "" if own is None else "the one you are in" if own == number else "another one than yours"


def _of_queues(channel: Channel) -> Iterator[_Fact]:
    for queue in channel.queues:
        where = "" if len(channel.queues) == 1 else f" to {queue.to}"
        yield from _of_queue(queue, where)


def _of_queue(queue: Queue, where: str) -> Iterator[_Fact]:
    told = figures.size(queue.bytes)
    exact = "" if queue.bytes is None or queue.bytes < 1000 else f"{queue.bytes} bytes of payload"
    yield _Fact(f"queued{where}", told, exact)
    if queue.messages is not None:
        yield _Fact(f"messages{where}", str(queue.messages), "")
    if queue.next_message_bytes is not None:
        yield _Fact(f"next message{where}", figures.size(queue.next_message_bytes), "")
    if queue.memory_bytes is not None:
        limit = "" if queue.memory_limit_bytes is None else f" of {figures.size(queue.memory_limit_bytes)}"
        yield _Fact(f"memory{where}", figures.size(queue.memory_bytes) + limit, "kernel memory charged, not payload")
    if queue.fill is not None:
        yield _Fact(f"fill{where}", f"{queue.fill * 100:.0f}%", "of what the kernel lets this direction hold")


def _of_mechanism(subject: Subject, glyphs: Glyphs) -> Iterator[_Fact]:
    channel = subject.channel
    for field, value in zip(fields_of(channel.mechanism), channel.fields, strict=False):
        yield _Fact(field.title, figures.told(value, field.unit, glyphs), field.help)


def _of_details(subject: Subject, glyphs: Glyphs) -> Sequence[_Fact]:
    details = subject.details
    if details is None:
        return [_Fact("more", "nothing", "the source tells no more of it")] if subject.asked else []
    return [
        _Fact(glyphs.safe(fact.title), figures.told(fact.value, fact.unit, glyphs), glyphs.safe(fact.told_by))
        for fact in details.facts
    ]


def _place(end: Endpoint) -> tuple[str, str, int, int]:
    return (end.side, end.role, end.process.pid if end.process is not None else 0, -1 if end.fd is None else end.fd)


def _identity(end: Endpoint) -> Hashable:
    process = None if end.process is None else end.process.key
    return (process, end.fd, end.side, end.role, end.inode, end.address)
