"""A comparison as text: for eyes a block a size with bars, for programs one table of exact numbers; then answers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from ipcinspect.cli.session import Session
from ipcinspect.cli.sheets import Cell, Column, Sheet, Style
from ipcinspect.demo.compare.answers import Answer
from ipcinspect.demo.compare.contest import Effort
from ipcinspect.demo.compare.figures import Figure
from ipcinspect.demo.compare.rows import Results, Row
from ipcinspect.tui.compare_words import best_of, block_title, blocks, notes, questions, row_words, wrapped

_BAR = 6
_WIDEST = 100
_COLUMNS = (
    Column(""),
    Column(""),
    Column("ONE WAY", right=True),
    Column("±", right=True),
    Column("TRIP", right=True),
    Column("±", right=True),
    Column("P99", right=True),
    Column("CPU", right=True),
    Column("SWITCHES", right=True),
)
_WIDE = 90
"""Cells from which on there is room for the last column."""
_EXACT = (
    "MECHANISM",
    "VARIANT",
    "LOCK",
    "CALLS",
    "FRAMED",
    "SIZE",
    "BYTES_PER_S",
    "LOW",
    "HIGH",
    "ROUND_TRIP_S",
    "LOW",
    "HIGH",
    "P99_S",
    "CPU_S",
    "SWITCHES",
    "REASON",
)
_NONE = "-"
_SPREAD = "±"


def write_comparison(session: Session, results: Results, answers: Sequence[Answer], effort: Effort) -> None:
    """All of it. Raises ReaderGone or Unable."""
    style = session.style()
    sheets = _for_eyes(results, style, session.width()) if session.output.is_terminal else [_for_programs(results)]
    session.write_sheets(sheets, style)
    for line in _words(session, results, answers, effort, style):
        session.output.write(line)
    session.output.flush()


def _for_eyes(results: Results, style: Style, width: int) -> Iterator[Sheet]:
    fitting = _COLUMNS if width >= _WIDE else _COLUMNS[:-1]
    columns = tuple(column._replace(title=_safe(style, column.title)) for column in fitting)
    for size, rows in blocks(results):
        best = best_of(rows)
        yield Sheet(block_title(size), columns, [_row(row, best, style)[: len(columns)] for row in rows])


def _row(row: Row, best: float, style: Style) -> tuple[Cell, ...]:
    words = row_words(row, best)
    if words.reason is not None and row.one_way is None and row.round_trip is None:
        return Cell(words.label), Cell(style.safe(words.reason), "muted")
    drawn = Cell("") if words.part is None else style.bar(words.part, _BAR)
    figures = (words.rate, words.rate_spread, words.trip, words.trip_spread, words.p99, words.cpu, words.switches)
    roles = ("strong", "muted", "strong", "muted", "text", "text", "text")
    return (
        Cell(words.label),
        drawn,
        *(Cell(_safe(style, text), role) for text, role in zip(figures, roles, strict=True)),
    )


def _safe(style: Style, text: str) -> str:
    """Printable, `±` in two characters where only ASCII is drawn."""
    return style.safe(text if style.safe(_SPREAD) == _SPREAD else text.replace(_SPREAD, "+-"))


def _for_programs(results: Results) -> Sheet:
    return Sheet(None, tuple(Column(title) for title in _EXACT), map(_exact, results), whole=True)


def _exact(row: Row) -> tuple[Cell, ...]:
    case, flow, trip = row.case, row.one_way, row.round_trip
    cost = flow.cost if flow is not None else trip.cost if trip is not None else None
    told = (
        case.mechanism,
        case.variant,
        case.lock or _NONE,
        "sleep" if case.blocking else "poll",
        "yes" if case.framed else "no",
        str(row.size),
        *_three(None if flow is None else flow.messages_per_s, row.size),
        *_three(None if trip is None else trip.median_s, 1),
        _NONE if trip is None or trip.p99_s is None else f"{trip.p99_s:.9f}",
        _NONE if cost is None else f"{cost.cpu_s:.9f}",
        _NONE if cost is None else f"{cost.switches:.3f}",
        row.reason or _NONE,
    )
    return tuple(map(Cell, told))


def _three(one: Figure | None, by: int) -> tuple[str, str, str]:
    if one is None:
        return _NONE, _NONE, _NONE
    shape = ".0f" if by > 1 else ".9f"
    median, low, high = (format(value * by, shape) for value in (one.median, one.low, one.high))
    return median, low, high


def _words(
    session: Session, results: Results, answers: Sequence[Answer], effort: Effort, style: Style
) -> Iterator[str]:
    """The answers below their questions, then how they were found."""
    width = min(session.width(), _WIDEST) if session.output.is_terminal else None
    for question, said in questions(answers):
        yield "\n" + style.painted(question if width else question.upper(), "title") + "\n"
        for sentence in said:
            yield from _wrapped(style.safe(sentence), width, "text", style, "- ")
    yield "\n"
    for note in notes(effort, results):
        yield from _wrapped(_safe(style, note), width, "muted", style, "")


def _wrapped(text: str, width: int | None, role: str, style: Style, start: str) -> Iterator[str]:
    """`width`: None for programs, which get every sentence on one line."""
    if width is None:
        yield text + "\n"
        return
    below = " " * len(start)
    wrap = textwrap.TextWrapper(width, initial_indent=start, subsequent_indent=below, break_on_hyphens=False).wrap
    for line in wrapped(text, wrap):
        yield style.painted(line, role) + "\n"
