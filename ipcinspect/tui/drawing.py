"""Lines made of spans: the pure half of drawing. Widths are terminal cells, also for wide (CJK) characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from ipcinspect.tui.glyphs import Glyphs


class Span(NamedTuple):
    """A piece of one line in one role of the palette."""

    text: str
    role: str = "text"


Line = tuple[Span, ...]


def length(spans: Iterable[Span]) -> int:
    """Cells that the spans take."""
    return sum(cell_len(span.text) for span in spans)


def clip(text: str, width: int, glyphs: Glyphs, align: str = "left") -> str:
    """The text in exactly `width` cells; a cut shows as an ellipsis at the end."""
    if width <= 0:
        return ""
    cells = cell_len(text)
    if cells > width:
        text = set_cell_size(text, width - 1).rstrip(" ") + glyphs.ellipsis
        cells = cell_len(text)
    gap = " " * (width - cells)
    return gap + text if align == "right" else text + gap


def clip_left(text: str, width: int, glyphs: Glyphs) -> str:
    """As `clip`, but the end survives: of a path the last part tells more than the first."""
    if cell_len(text) <= width or width <= 0:
        return clip(text, width, glyphs)
    kept, cells = [], 0
    for char in reversed(text):
        cells += cell_len(char)
        if cells > width - 1:
            break
        kept.append(char)
    return clip(glyphs.ellipsis + "".join(reversed(kept)), width, glyphs)


def clip_name(name: str, width: int, glyphs: Glyphs) -> str:
    """A name in exactly `width` cells: paths are cut at the left, all else at the right."""
    return clip_left(name, width, glyphs) if "/" in name else clip(name, width, glyphs)


def fit(line: Sequence[Span], width: int, glyphs: Glyphs) -> Line:
    """The spans in exactly `width` cells: cut with an ellipsis, or padded."""
    kept: list[Span] = []
    room = width
    for position, span in enumerate(line):
        cells = cell_len(span.text)
        if cells > room or (cells == room and any(rest.text for rest in line[position + 1 :])):
            kept.append(Span(clip(span.text + " " * (cells == room), room, glyphs), span.role))
            return tuple(kept)
        kept.append(span)
        room -= cells
    if room:
        kept.append(Span(" " * room))
    return tuple(kept)


class Part(NamedTuple):
    """A piece of a line that may be left out where there is no room."""

    spans: Line
    drop: int
    """The part with the highest number goes first; 0 stays always."""


def join_parts(parts: Sequence[Part], width: int, gap: str = "  ") -> Line:
    """The parts in order, as many of them as fit `width`, the least wanted dropped first."""
    kept = [part for part in parts if part.spans]
    while _needed(kept, gap) > width and any(part.drop for part in kept):
        kept.remove(max(kept, key=lambda part: part.drop))
    joined: list[Span] = []
    for part in kept:
        joined.extend([Span(gap)] if joined else [])
        joined.extend(part.spans)
    return tuple(joined)


def _needed(parts: Sequence[Part], gap: str) -> int:
    return sum(length(part.spans) for part in parts) + len(gap) * max(len(parts) - 1, 0)


def spread(left: Line, right: Line, width: int, glyphs: Glyphs) -> Line:
    """`left` at the left, `right` at the right edge, which wins where both do not fit."""
    room = max(width - length(right), 0)
    return (*fit(left, room, glyphs), *right)


def rule(title: Line, right: Line, width: int, focused: bool, glyphs: Glyphs) -> Line:
    """A line that carries a title and something at its right end; it stands for a box."""
    stroke, role = (glyphs.line_focused, "accent") if focused else (glyphs.line, "faint")
    tail: Line = (Span(" "), *right, Span(" "), Span(stroke, role)) if right else ()
    room = width - length(tail) - 3
    shown = title if length(title) <= room else fit(title, max(room, 0), glyphs)
    head: Line = (Span(stroke, role), Span(" "), *shown, Span(" ")) if title else (Span(stroke, role),)
    gap = max(width - length(head) - length(tail), 0)
    return fit((*head, Span(stroke * gap, role), *tail), width, glyphs)


def bar(fraction: float | None, width: int, role: str, glyphs: Glyphs) -> Line:
    """Half-cell steps in a fixed width: never empty above 0, never full below 1. None: `?` for not known."""
    if fraction is None:
        return (Span(clip("?", width, glyphs), "faint"),)
    halves = round(min(max(fraction, 0.0), 1.0) * width * 2)
    if fraction > 0:
        halves = max(halves, 1)
    if fraction < 1:
        halves = min(halves, width * 2 - 1)
    whole, part = divmod(halves, 2)
    drawn = glyphs.bar_done * whole + glyphs.bar_half * part
    return tuple(
        span for span in (Span(drawn, role), Span(glyphs.bar_rest * (width - len(drawn)), "faint")) if span.text
    )


def clause(text: str, width: int) -> str:
    """The text, or of one that is too long as many of its clauses as fit; the whole where not even the first does."""
    if cell_len(text) <= width:
        return text
    ends = [place for place, char in enumerate(text) if char in ",:;" or text.startswith(" (", place)]
    return next((text[:place] for place in reversed(ends) if cell_len(text[:place]) <= width), text)


def wrap(text: str, width: int) -> list[str]:
    """Words in lines of at most `width` cells; a word that is longer is broken."""
    lines: list[str] = []
    current = ""
    for word in text.split(" "):
        joined = f"{current} {word}" if current else word
        if cell_len(joined) <= width:
            current = joined
            continue
        if current:
            lines.append(current)
        while cell_len(word) > width:
            head = set_cell_size(word, width).rstrip(" ") or word[:1]
            lines.append(head)
            word = word[len(head) :]
        current = word
    return [*lines, current] if current or not lines else lines
