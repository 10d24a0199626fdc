"""What the Contents tab shows: an offer to look inside, then what was copied, row by row as far as it is seen."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len

from ipcinspect.export.dump import DumpLine, Shaped, dump, heading, printable, refusal, shaped, told_amount
from ipcinspect.mechanisms import tells_of
from ipcinspect.mechanisms.socket_contents import LISTENS
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Span, spread, wrap
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.rows import Rows, TextRows

FIRST_BYTES, MORE_BYTES = 4096, 65536
"""What `p` and `P` copy at most."""
FORMS = ("usual", "hex", "text")
"""What `x` goes through: each piece in the form that fits it, everything in hexadecimal, everything as text."""
_NARROWEST = 20
_LAID_OUT_AT_ONCE = 8192
"""Bytes and messages that are laid out within a key's time; more are laid out in a thread."""


@dataclass(frozen=True, eq=False)
class Peek:
    """One request to look inside a channel, and its answer. Made in the feed's thread, where time may pass."""

    key: ChannelKey
    most: int
    taken_at: float | None = None
    """Seconds since the epoch; None while the answer is waited for."""
    contents: Contents | None = None
    """None also where the source cannot look inside."""
    pieces: Sequence[tuple[Shaped, Sequence[DumpLine], Sequence[DumpLine]]] = ()
    """Each with its lines in its usual form and as text; none for hex, whose rows depend on the width."""
    _laid_out: dict[tuple[str, int, bool], Rows] = field(default_factory=dict)
    """The last layout: looking at it again, every second, costs nothing."""

    def rows(self, form: str, width: int, glyphs: Glyphs) -> Rows:
        """What was copied, in one of FORMS. From any thread."""
        layout = (form, width, glyphs.plain)
        rows = self._laid_out.get(layout)
        if rows is None:
            rows = ContentRows(self, form, list(_lay_out(self, form, width, glyphs)))
            self._laid_out.clear()
            self._laid_out[layout] = rows
        return rows

    def is_at_hand(self, form: str, width: int, glyphs: Glyphs) -> bool:
        """Whether `rows` answers before a key would have to wait."""
        if (form, width, glyphs.plain) in self._laid_out:
            return True
        return len(self.pieces) + sum(len(one.piece.data) for one, _, _ in self.pieces) <= _LAID_OUT_AT_ONCE


def answered(key: ChannelKey, most: int, contents: Contents | None, taken_at: float) -> Peek:
    """The answer to a request, with its lines. Takes a moment for much JSON."""
    pieces = []
    for one in shaped(contents) if contents is not None else ():
        usual = list(dump(one.piece, one.usual_form)) if one.usual_form != "hex" else ()
        text = usual if one.usual_form == "text" else list(dump(one.piece, "text"))
        pieces.append((one, usual, text))
    return Peek(key, most, taken_at, contents, pieces)


def contents_rows(channel: Channel, uid: int, peek: Peek | None, form: str, width: int, glyphs: Glyphs) -> Rows:
    """The whole tab for a channel; `peek` is the last request, which may have been about another one."""
    width = room_of(width)
    if peek is None or peek.key != channel.key:
        return TextRows(_offer(channel, width, glyphs))
    if peek.taken_at is None:
        return TextRows([(Span(f" Copying the first {figures.size(peek.most)}{glyphs.ellipsis}", "muted"),)])
    at = figures.wall_time(peek.taken_at)
    if peek.contents is None:
        return TextRows(_sentence(f"{at}  The channel is gone, or its source cannot look inside.", "warning", width))
    reason = refusal(channel, peek.contents, uid)
    if reason is not None:
        told = f"{glyphs.marks['trouble']} {at}  cannot look inside: {glyphs.safe(reason)}"
        return TextRows([*_sentence(told, "warning", width), _key("p", " tries again")])
    if not peek.contents.pieces:
        told = f"{glyphs.marks['quiet']} {at}  It was empty: nothing waited in it."
        by = _sentence(f"asked by {glyphs.safe(peek.contents.by)}", "muted", width) if peek.contents.by else []
        return TextRows([*_sentence(told, "text", width), *by, _key("p", " looks again")])
    if not peek.is_at_hand(form, width, glyphs):
        return TextRows(
            [(Span(f" {at}  Laying out {figures.size(peek.contents.shown_bytes)}{glyphs.ellipsis}", "muted"),)]
        )
    return peek.rows(form, width, glyphs)


def room_of(width: int) -> int:
    """The width that contents are laid out for in a tab of that width."""
    return max(width, _NARROWEST)


class _Part(NamedTuple):
    """Characters `start` to `end` of a line of content: as many as fit the width."""

    line: DumpLine
    start: int
    end: int


@dataclass(frozen=True)
class ContentRows:
    """Rows that become text only when they are drawn."""

    peek: Peek
    form: str
    parts: Sequence[_Part | Line]

    def __len__(self) -> int:
        return len(self.parts)

    def key(self, index: int) -> Hashable | None:
        return None

    def find(self, key: Hashable) -> int | None:
        return None

    def head(self, width: int, glyphs: Glyphs) -> Line | None:
        contents, taken_at = self.peek.contents, self.peek.taken_at
        if contents is None or taken_at is None:
            return None
        left = (Span(f" {figures.wall_time(taken_at)}  {told_amount(contents, figures.size)}"),)
        following = FORMS[(FORMS.index(self.form) + 1) % len(FORMS)]
        keys: Line = (Span("x", "key"), Span(" as it is" if following == "usual" else f" {following}"), Span(" "))
        if _left_out(self.peek):
            keys = (Span(" "), Span("P", "key"), Span(" more  "), *keys)
        return spread(left, keys, width, glyphs)

    def line(self, index: int, width: int, chosen: bool, glyphs: Glyphs) -> Line:
        part = self.parts[index]
        if not isinstance(part, _Part):
            return part
        text = printable(part.line.text[part.start : part.end], glyphs.plain)
        first = Span(glyphs.ellipsis, "faint") if part.start else Span(" ")
        return (first, Span(" " * part.line.indent), Span(text, "muted" if part.line.ours else "text"))


def _offer(channel: Channel, width: int, glyphs: Glyphs) -> list[Line]:
    """What looking inside would do, before it is done."""
    if any(end.role == "listener" for end in channel.endpoints):
        return _sentence(f"A listener has no contents of its own: {LISTENS}.", "text", width)
    tells = tells_of(channel.mechanism)
    if tells is None or tells.peek is None:
        lines = _sentence(
            f"There is no way to look inside a {channel.mechanism} that its holders would not notice.", "text", width
        )
        return [*lines, _key("p", " says why")]
    return [
        (Span(" Press "), Span("p", "key"), Span(f" to copy the first {figures.size(FIRST_BYTES)}.")),
        *_sentence(f"It {glyphs.safe(tells.peek)}.", "muted", width),
    ]


def _lay_out(peek: Peek, form: str, width: int, glyphs: Glyphs) -> Iterator[_Part | Line]:
    contents = peek.contents
    if contents is None:
        return
    if contents.note is not None:
        yield from _sentence(glyphs.safe(contents.note), "warning", width)
    if contents.by:
        yield from _sentence(f"copied by {glyphs.safe(contents.by)}, nothing taken out", "muted", width)
    for one, usual, text in peek.pieces:
        title, facts = heading(one, figures.size)
        yield (Span(f" {glyphs.safe(title)}: " if title else " ", "strong"), Span(facts, "muted"))
        hexadecimal = form == "hex" or (form == "usual" and one.usual_form == "hex")
        lines = dump(one.piece, "hex", width - 1) if hexadecimal else text if form == "text" else usual
        for line in lines:
            yield from _parts(line, width - 1, glyphs.plain)


def _parts(line: DumpLine, width: int, ascii_only: bool) -> Iterator[_Part]:
    """A line of content in parts that fit."""
    room = max(width - line.indent, _NARROWEST // 2)
    text = line.text
    if text.isascii() and text.isprintable():
        for start in range(0, len(text) or 1, room):
            yield _Part(line, start, min(start + room, len(text)))
        return
    start, used = 0, 0
    for place, char in enumerate(text):
        cells = _cells(char, ascii_only)
        if used + cells > room and place > start:
            yield _Part(line, start, place)
            start, used = place, 0
        used += cells
    yield _Part(line, start, len(text))


@lru_cache(maxsize=4096)
def _cells(char: str, ascii_only: bool) -> int:
    """Cells that a character takes at most: a combining mark may have to stand alone, as an escape."""
    return cell_len(printable(char, ascii_only))


def _left_out(peek: Peek) -> bool:
    """Whether copying more would show more."""
    contents = peek.contents
    if contents is None or peek.most >= MORE_BYTES:
        return False
    return contents.total_bytes is None or contents.total_bytes > contents.shown_bytes


def _sentence(text: str, role: str, width: int) -> list[Line]:
    return [(Span(f" {line}", role),) for line in wrap(text, width - 2)]


def _key(key: str, does: str) -> Line:
    return (Span(" "), Span(key, "key"), Span(does, "muted"))
