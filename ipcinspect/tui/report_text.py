"""Sentences about one thing that is wrong: a label, then what it says. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.tui.drawing import Line, Span, clip, wrap
from ipcinspect.tui.glyphs import Glyphs

_LABEL = 10
WIDEST = 88


def labelled(label: str, text: str, role: str, width: int, glyphs: Glyphs, source: str = "") -> Iterator[Line]:
    """A sentence behind its label, wrapped; where it is known from stands muted in brackets behind it."""
    room = max(min(width, WIDEST) - _LAST_CELL - _LABEL, 10)
    told = f"  ({glyphs.safe(source)})" if source else ""
    rows = wrap(glyphs.safe(text) + told, room)
    for place, row in enumerate(rows):
        head = Span(" " + clip("" if place else label, _LABEL, glyphs), "muted")
        yield (head, *_source_muted(row, told.strip(), role, place == len(rows) - 1))


_LAST_CELL = 2


def _source_muted(row: str, source: str, role: str, is_last: bool) -> Line:
    if source and is_last and row.endswith(source):
        return (Span(row.removesuffix(source), role), Span(source, "muted"))
    return (Span(row, role),)


def evidence_lines(evidence: Iterable[Evidence], width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Each fact with the interface of the kernel that told it."""
    for place, one in enumerate(evidence):
        yield from labelled("" if place else "Evidence", one.fact, "text", width, glyphs, one.source)


def caveat_lines(finding: Finding, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """What could make it not so."""
    for place, caveat in enumerate(finding.caveats):
        yield from labelled("" if place else "But", caveat, "warning", width, glyphs)


def plain_text(lines: Iterable[Line]) -> str:
    """The same for a mail or a ticket."""
    return "\n".join("".join(span.text for span in line).rstrip() for line in lines).strip("\n") + "\n"
