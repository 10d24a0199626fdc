"""The columns of `list`: a new one is one more entry here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ipcinspect.cli.sheets import Cell, Column, Sheet, Style
from ipcinspect.export.exposure import exposure_word
from ipcinspect.export.namespaces import namespace_word
from ipcinspect.model.channel import Channel
from ipcinspect.model.process import Process
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.words import stage_of
from ipcinspect.selection import unknown

Draw = Callable[[Channel, Snapshot, Style], Cell]


class Offer(NamedTuple):
    """A column that a user can choose."""

    word: str
    column: Column
    help: str
    draw: Draw


def _processes(channel: Channel) -> list[Process]:
    """The holders, each once, in the order of the ends."""
    return list({end.process.key: end.process for end in channel.endpoints if end.process is not None}.values())


def _joined(texts: Iterable[str]) -> Cell:
    """Different texts, each once."""
    return Cell(", ".join(dict.fromkeys(texts)) or "-")


def _name(channel: Channel, snapshot: Snapshot, style: Style) -> Cell:
    return Cell("-" if channel.name is None else style.safe(channel.name))


def _label(channel: Channel, snapshot: Snapshot, style: Style) -> Cell:
    return Cell(style.safe(channel.name or channel.id))


def _users(channel: Channel, snapshot: Snapshot, style: Style) -> Cell:
    uids = [process.uid for process in _processes(channel) if process.uid is not None]
    return _joined(style.safe(snapshot.users.get(uid, str(uid))) for uid in uids)


def _containers(channel: Channel, snapshot: Snapshot, style: Style) -> Cell:
    names = [process.container for process in _processes(channel)]
    return _joined(style.safe(name) for name in names if name is not None)


def _created(channel: Channel, snapshot: Snapshot, style: Style) -> Cell:
    return Cell(style.told(channel.created_at, "time"))


def _capacity(channel: Channel, snapshot: Snapshot, style: Style) -> Cell:
    return Cell("-" if channel.capacity_bytes is None else style.told(channel.capacity_bytes, "bytes"))


def _messages(channel: Channel, snapshot: Snapshot, style: Style) -> Cell:
    return Cell("-" if channel.queued_messages is None else style.told(channel.queued_messages, None))


def _exposure(channel: Channel, snapshot: Snapshot, style: Style) -> Cell:
    return Cell(style.told(exposure_word(channel.exposure), None))


def _namespaces(channel: Channel, snapshot: Snapshot, style: Style) -> Cell:
    return Cell(style.told(namespace_word(channel, snapshot.host), None))


OFFERS = (
    Offer("id", Column("ID"), "its address: `show` takes it back", lambda c, n, s: Cell(s.safe(c.id))),
    Offer("aliases", Column("ALIASES", cut="end"), "its other ids", lambda c, n, s: _joined(map(s.safe, c.aliases))),
    Offer("kind", Column("KIND", least=9), "the mechanism", lambda c, n, s: Cell(c.mechanism)),
    Offer("name", Column("NAME", cut="start"), "path, @abstract, address or key", _name),
    Offer("label", Column("NAME", cut="start", least=17), "the name, else the id", _label),
    Offer("state", Column("STATE", least=13), "what it does at the moment", lambda c, n, s: s.state(c)),
    Offer("stage", Column("STAGE"), "the stage of its life", lambda c, n, s: Cell(stage_of(c.state) or "-")),
    Offer("relation", Column("RELATION"), "why its holders share it", lambda c, n, s: Cell(c.relation)),
    Offer("fill", Column("FILL", least=5), "how full the fullest direction is", lambda c, n, s: s.fill(c)),
    Offer("queued", Column("QUEUED", right=True, least=6), "what waits in it", lambda c, n, s: s.queued(c)),
    Offer("messages", Column("MESSAGES", right=True), "how many messages wait", _messages),
    Offer("capacity", Column("CAPACITY", right=True), "what it can hold", _capacity),
    Offer(
        "from",
        Column("FROM", cut="holder", least=24),
        "who holds side a: writer, client",
        lambda c, n, s: s.ends(c).left,
    ),
    Offer("wire", Column("", least=2), "how the ends stand to each other (terminal)", lambda c, n, s: s.ends(c).wire),
    Offer(
        "to", Column("TO", cut="holder", least=24), "who holds side b: reader, server", lambda c, n, s: s.ends(c).right
    ),
    Offer("holders", Column("HOLDERS", right=True), "how many", lambda c, n, s: Cell(str(len(c.endpoints)))),
    Offer("users", Column("USERS", cut="end"), "whose processes hold it", _users),
    Offer("containers", Column("CONTAINERS", cut="end"), "what they run in", _containers),
    Offer("exposure", Column("EXPOSURE"), "who else may take part, with permission bits", _exposure),
    Offer("created", Column("CREATED"), "when it was made, where the kernel keeps it", _created),
    Offer("ns", Column("NS"), "where it lies: host, or the namespaces that differ", _namespaces),
    Offer("net", Column("NET", right=True), "network namespace", lambda c, n, s: Cell(s.told(c.namespaces.net, None))),
    Offer("ipc", Column("IPC", right=True), "IPC namespace", lambda c, n, s: Cell(s.told(c.namespaces.ipc, None))),
)
_OFFER_OF_WORD = {offer.word: offer for offer in OFFERS}

PIPED = ("id", "kind", "name", "state", "fill", "queued", "messages", "from", "to")
"""The columns that a program gets."""
NARROW = ("kind", "state", "fill", "queued", "from", "wire", "to")
WIDE = ("kind", "label", "state", "fill", "queued", "from", "wire", "to")
WIDE_FROM = 110
"""Cells from which on a terminal has room for names."""


def parse_columns(words: Sequence[str]) -> tuple[Offer, ...]:
    """The columns of that names. Raises WordError."""
    for word in words:
        if word not in _OFFER_OF_WORD:
            raise unknown("column", word, _OFFER_OF_WORD)
    return tuple(_OFFER_OF_WORD[word] for word in words)


def with_stages(offers: Sequence[Offer], stage: Callable[[Channel], str | None]) -> tuple[Offer, ...]:
    """The same columns, with the stage as several looks tell it: one look cannot know a response."""

    def draw(channel: Channel, snapshot: Snapshot, style: Style) -> Cell:
        return Cell(stage(channel) or "-")

    return tuple(offer._replace(draw=draw) if offer.word == "stage" else offer for offer in offers)


def channel_sheet(channels: Iterable[Channel], snapshot: Snapshot, offers: Sequence[Offer], style: Style) -> Sheet:
    """The channels in their order, with these columns."""
    return Sheet(
        None,
        tuple(offer.column for offer in offers),
        ([offer.draw(channel, snapshot, style) for offer in offers] for channel in channels),
    )
