"""The columns of the channel table: a new one is one more entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from ipcinspect.export.namespaces import HERE
from ipcinspect.tui import wording
from ipcinspect.tui.drawing import Line, Span, clip
from ipcinspect.tui.ends import Ends, wire_role
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.movement import SPARK, rate_cell, spark_cell
from ipcinspect.tui.wording import Row

WIDE = 109
"""From this width on there is room for the name and the rate."""
_NAME_LEAST = 17
_END_LEAST, _END_MAX = 13, 28
"""Cells for `comm pid/fd`. What a line can do without goes before an end gets less than the least."""
_VERY_WIDE = 150
_ROOM_FOR_LONG_STATES = 12
"""Cells to spare from which on a state has its longer word."""
_ONE_SPACE, _BOTH_SPACES = len("net 4026532281"), len("net 4026532281 ipc 4026532282")
"""Cells for an inode of one namespace, and of both."""

Draw = Callable[[Row, Ends, int, Glyphs], Line]


class Column(NamedTuple):
    """One column of the table."""

    title: str
    order: str | None
    """The word of the order that a click on its title asks for; None where there is none."""
    align: str
    draw: Draw


class Placed(NamedTuple):
    """A column with its place on the line."""

    column: Column
    start: int
    width: int


def _kind(row: Row, ends: Ends, width: int, glyphs: Glyphs) -> Line:
    return (Span(clip(wording.kind(row.channel), width, glyphs), row.role),)


def _name(row: Row, ends: Ends, width: int, glyphs: Glyphs) -> Line:
    return wording.name_cell(row, width, glyphs)


def _state(row: Row, ends: Ends, width: int, glyphs: Glyphs) -> Line:
    return wording.state_cell(row, width, glyphs)


def _fill(row: Row, ends: Ends, width: int, glyphs: Glyphs) -> Line:
    return wording.fill_cell(row, width, glyphs)


def _queued(row: Row, ends: Ends, width: int, glyphs: Glyphs) -> Line:
    return (Span(clip(wording.queued(row.channel), width, glyphs, "right"), row.role),)


def _rate(row: Row, ends: Ends, width: int, glyphs: Glyphs) -> Line:
    return rate_cell(row.channel, row.life, row.role, width, glyphs)


def _spark(row: Row, ends: Ends, width: int, glyphs: Glyphs) -> Line:
    return spark_cell(row.channel, row.life, width, glyphs)


def _from(row: Row, ends: Ends, width: int, glyphs: Glyphs) -> Line:
    return wording.end_cell(ends.left, width, "strong" if ends.blocked else row.role, glyphs)


def _wire(row: Row, ends: Ends, width: int, glyphs: Glyphs) -> Line:
    return (Span(glyphs.wires[ends.wire], "error" if row.stuck else wire_role(row.channel, ends.wire)),)


def _to(row: Row, ends: Ends, width: int, glyphs: Glyphs) -> Line:
    return wording.end_cell(ends.right, width, row.role, glyphs)


def _for(row: Row, ends: Ends, width: int, glyphs: Glyphs) -> Line:
    return wording.for_cell(row, width, glyphs)


def _space(row: Row, ends: Ends, width: int, glyphs: Glyphs) -> Line:
    space = "?" if row.space is None else row.space
    return (Span(clip(space, width, glyphs), "faint" if space in (HERE, "-", "?") else row.role),)


KIND = Column("KIND", "kind", "left", _kind)
NAME = Column("NAME", "name", "left", _name)
STATE = Column("STATE", "worst", "left", _state)
FILL = Column("FILL", "fill", "left", _fill)
QUEUED = Column("QUEUED", "queued", "right", _queued)
RATE = Column("RATE", "rate", "right", _rate)
SPARK_LINE = Column("", None, "left", _spark)
FROM = Column("FROM", "pid", "left", _from)
WIRE = Column("", None, "left", _wire)
TO = Column("TO", None, "left", _to)
FOR = Column("FOR", "for", "right", _for)
SPACE = Column("NS", None, "left", _space)

SORT_CYCLE = ("worst", "for", "queued", "fill", "rate", "kind", "name", "pid")
"""What `s` goes through."""


@lru_cache(maxsize=16)
def columns(width: int, spaces: bool = False) -> tuple[Placed, ...]:
    """The columns for a line of `width` cells, one space between them and one at each side.

    `spaces`: whether there is anything to tell of namespaces; that takes room, so only a wide line has it.
    """
    cells = _cells(width, spaces)
    rest = max(width - 1 - sum(cells.values()) - len(cells) + cells[FROM] + cells[TO], 4)
    if NAME in cells:
        rest += cells[NAME]
        cells[NAME] = max(min(rest * 2 // 5, 60), _NAME_LEAST, rest - 2 * _END_MAX)
        rest -= cells[NAME]
    cells[FROM] = rest // 2
    cells[TO] = rest - rest // 2
    placed, start = [], 1
    for column, room in cells.items():
        placed.append(Placed(column, start, room))
        start += room + 1
    return tuple(placed)


def _cells(width: int, spaces: bool) -> dict[Column, int]:
    """The columns in their order with the cells that each needs, the ends with their least."""
    wide = width >= WIDE
    cells = {KIND: 9, NAME: _NAME_LEAST, SPACE: _BOTH_SPACES if width >= _VERY_WIDE else _ONE_SPACE, STATE: 13}
    cells |= {FILL: 8 if wide else 5, QUEUED: 6, RATE: 8, SPARK_LINE: SPARK}
    cells |= {FROM: _END_LEAST, WIRE: 2, TO: _END_LEAST, FOR: 5}
    unwanted = [] if wide else [NAME, RATE, SPARK_LINE, SPACE]
    for column in [*unwanted, *([] if spaces or not wide else [SPACE])]:
        del cells[column]
    if not wide or _needed(cells) + _ROOM_FOR_LONG_STATES > width:
        cells[STATE] = 11
    for column in (SPARK_LINE, RATE):
        if column in cells and _needed(cells) > width:
            del cells[column]
    return cells


def _needed(cells: Mapping[Column, int]) -> int:
    return sum(cells.values()) + len(cells) + 1


def head_line(width: int, order: str, turned: bool, glyphs: Glyphs, spaces: bool = False) -> Line:
    """The titles; a mark stands at the column that decides the order."""
    line = ""
    for column, start, cells in columns(width, spaces):
        mark = (glyphs.up if turned else glyphs.down) if column.order == order else ""
        if column.align == "right":  # the mark stands before the title, in the gap where the title fills the column
            line += clip(mark + column.title, start + cells - len(line), glyphs, "right")
        else:
            line = clip(line, start, glyphs) + clip(column.title + mark, cells, glyphs)
    return (Span(clip(line, width, glyphs), "muted"),)


def row_line(row: Row, ends: Ends, width: int, glyphs: Glyphs, spaces: bool = False) -> Line:
    """The whole line of one channel, without the cursor."""
    spans = [Span(" ")]
    for column, _, cells in columns(width, spaces):
        spans.extend(column.draw(row, ends, cells, glyphs))
        spans.append(Span(" "))
    return tuple(spans)


def column_at(x: int, width: int, spaces: bool = False) -> Column | None:
    """The column under a cell of the line."""
    for column, start, cells in columns(width, spaces):
        if start <= x <= start + cells:
            return column
    return None
