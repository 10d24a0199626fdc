"""The style for eyes at a terminal: the screen's own words, marks and figures, in columns cut to the width.

It draws lines itself: a table of the rich library takes 0.4 ms a row, 18 seconds for the channels of a large machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from rich.cells import cell_len

from ipcinspect.cli.sheets import Cell, Column, EndCells, Sheet
from ipcinspect.model.channel import Channel, FieldValue
from ipcinspect.selection.order import condition
from ipcinspect.tui import figures, wording
from ipcinspect.tui.drawing import bar, clip, clip_name
from ipcinspect.tui.ends import End, ends_of, seen_by, wire_role
from ipcinspect.tui.glyphs import ASCII, UNICODE, Glyphs
from ipcinspect.tui.states import look_of
from ipcinspect.tui.wording import Row

_SGR: Mapping[str, str] = {
    "strong": "1",
    "error": "1;31",
    "warning": "33",
    "ok": "32",
    "accent": "36",
    "muted": "2",
    "faint": "2",
    "title": "1",
}
"""Roles as ANSI attributes: the terminal's own sixteen colours, so that they fit its background."""
_NARROWEST = 6
_NARROWEST_FOLD = 20
"""Cells below which text is not folded, but left to the terminal."""
_INDENT = 2
"""Cells by which what is continued below stands further right."""
_TELLS_NOTHING = ("", "-", "?")
_SHORTEST_NAME = 2
_BAR = 5


class TerminalStyle:
    """Lines of at most `width` cells."""

    def __init__(self, width: int, ascii_only: bool, color: bool) -> None:
        self._width = width
        self._color = color
        self._glyphs: Glyphs = ASCII if ascii_only else UNICODE
        self._rolling_widths: list[int] | None = None
        self._last: tuple[Channel, EndCells] | None = None

    def safe(self, kernel_text: str) -> str:
        """Without control characters."""
        return self._glyphs.safe(kernel_text)

    def told(self, value: FieldValue, unit: str | None) -> str:
        """As the screen tells it: K and M of 1024, local time."""
        if unit == "key" and isinstance(value, int):
            return f"0x{value & 0xFFFFFFFF:08x}"
        return figures.told(value, None if unit == "uid" else unit, self._glyphs)

    def state(self, channel: Channel, whole: bool = False) -> Cell:
        """Mark and word."""
        look = look_of(condition(channel))
        return Cell(f"{self._glyphs.marks[look.mark]} {channel.state if whole else look.label}", look.role)

    def fill(self, channel: Channel) -> Cell:
        """A bar of five cells."""
        spans = wording.fill_cell(_row(channel), _BAR, self._glyphs)
        return Cell("".join(span.text for span in spans), spans[0].role)

    def bar(self, part: float, width: int) -> Cell:
        """Half-cell steps."""
        return Cell("".join(span.text for span in bar(part, width, "text", self._glyphs)), "accent")

    def queued(self, channel: Channel) -> Cell:
        """With its unit."""
        return Cell(wording.queued(channel), _row(channel).role)

    def ends(self, channel: Channel) -> EndCells:
        """The sender at the left; one holder is named, the others are counted."""
        if self._last is None or self._last[0] is not channel:  # three columns in a row ask for the same one
            self._last = channel, self._ends(channel)
        return self._last[1]

    def _ends(self, channel: Channel) -> EndCells:
        ends = ends_of(channel)
        role = _row(channel).role
        left = self._end(ends.left, role)
        if ends.blocked and ends.left.holder is not None:
            left = left._replace(role="strong")
        wire = Cell(self._glyphs.wires[ends.wire], wire_role(channel, ends.wire))
        return EndCells(left, wire, self._end(ends.right, role))

    def seen(self, channel: Channel, pid: int, fd: int | None) -> EndCells:
        """The wire leads from the holder to whom it has at the other end."""
        held = seen_by(channel, pid, fd)
        wire = Cell(self._glyphs.wires[held.wire], wire_role(channel, held.wire))
        return EndCells(Cell(""), wire, self._end(held.other, _row(channel).role))

    def lines(self, sheets: Iterable[Sheet]) -> Iterator[str]:
        """A rule with the title, the names of the columns, the rows."""
        between = ""
        for sheet in sheets:
            yield between
            if sheet.title is not None:
                yield self.painted(sheet.title, "title") + "\n"
            yield from self._table(sheet)
            between = "\n"

    def roll(self, sheet: Sheet) -> Iterator[str]:
        """Widths are what the first rows need and what usual rows need."""
        rows = [tuple(row) for row in sheet.rows]
        if self._rolling_widths is None:
            needed = self._widths(sheet, rows, [column.least for column in sheet.columns])
            self._rolling_widths = needed
            yield self._head(sheet, self._rolling_widths)
        for row in rows:
            if sheet.whole:
                yield from self._whole(row, sheet.columns, self._rolling_widths)
            else:
                yield self._line(row, sheet.columns, self._rolling_widths)

    def _whole(self, row: tuple[Cell, ...], columns: Sequence[Column], widths: Sequence[int]) -> Iterator[str]:
        """A row of which nothing is cut: what its last cell has no room for stands below the one before."""
        *first, last = row
        starts = [sum(width + 1 for width in widths[:place]) for place in range(len(widths))]
        fits_before = cell_len(first[-1].text) <= widths[-2]
        if fits_before and starts[-1] + cell_len(last.text) <= self._width:
            yield self._line(row, columns, widths)
            return
        beside = fits_before and self._width - starts[-1] >= _NARROWEST_FOLD
        indent = starts[-1] if beside else starts[-2] + _INDENT
        parts = list(_fold(last.text, max(self._width - indent, _NARROWEST_FOLD)))
        if beside:
            yield self._line((*first, last._replace(text=parts.pop(0))), columns, widths)
        else:
            yield self._line(first, columns[:-1], widths[:-1])
        for part in parts:
            yield " " * indent + self.painted(part, last.role) + "\n"

    def painted(self, text: str, role: str) -> str:
        """In the attributes of its role."""
        code = _SGR.get(role) if self._color else None
        bare = text.rstrip(" ")
        if code is None or not bare:
            return text
        return f"\x1b[{code}m{bare}\x1b[0m{text[len(bare) :]}"

    def clock(self, seconds: float) -> str:
        """Local, without the date."""
        return figures.wall_time(seconds)

    def _end(self, end: End, role: str) -> Cell:
        text = wording.end_text(end, self._glyphs)
        return Cell("", role) if text == "()" else Cell(text, role if end.holder is not None else "muted")

    def _table(self, sheet: Sheet) -> Iterator[str]:
        rows = [tuple(row) for row in sheet.rows]
        if any(column.spare for column in sheet.columns):
            sheet, rows = self._without_spare(sheet, rows)
        widths = self._widths(sheet, rows)
        if any(column.title for column in sheet.columns):
            yield self._head(sheet, widths)
        for row in rows:
            for part in self._folded(row, widths) if sheet.whole else (row,):
                yield self._line(part, sheet.columns, widths)

    def _without_spare(self, sheet: Sheet, rows: list[tuple[Cell, ...]]) -> tuple[Sheet, list[tuple[Cell, ...]]]:
        """Without the columns that tell nothing, and, while there is too little room, without the most dispensable."""
        kept = [
            place
            for place, column in enumerate(sheet.columns)
            if not column.spare or any(row[place].text not in _TELLS_NOTHING for row in rows)
        ]
        widths = self._widths(sheet, rows)
        while sum(widths[place] + 1 for place in kept) - 1 > self._width:
            most = max(kept, key=lambda place: sheet.columns[place].spare)
            if not sheet.columns[most].spare:
                break
            kept.remove(most)
        columns = tuple(sheet.columns[place] for place in kept)
        return sheet._replace(columns=columns), [tuple(row[place] for place in kept) for row in rows]

    def _folded(self, row: tuple[Cell, ...], widths: Sequence[int]) -> Iterator[tuple[Cell, ...]]:
        """The row, its last cell folded between words into lines below each other where it is too long."""
        *first, last = row
        room = self._width - sum(width + 1 for width in widths[:-1] if width)
        if cell_len(last.text) <= room or room < _NARROWEST_FOLD:
            yield row
            return
        blank = [Cell("") for _ in first]
        for number, text in enumerate(_fold(last.text, room)):
            yield (*(blank if number else first), last._replace(text=text))

    def _head(self, sheet: Sheet, widths: Sequence[int]) -> str:
        return self._line([Cell(column.title, "muted") for column in sheet.columns], sheet.columns, widths)

    def _line(self, row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int]) -> str:
        if len(row) < len(columns):  # the last cell has the room of all that are not there
            last = len(row) - 1
            columns, widths = columns[: len(row)], [*widths[:last], max(self._width - sum(widths[:last]) - last, 1)]
            columns = [*columns[:last], Column("", cut="start")]
        fitted = [
            (cell.role, _fitted(cell, column, width, self._glyphs))
            for cell, column, width in zip(row, columns, widths, strict=True)
            if width
        ]
        runs = groupby(fitted, key=_role)
        return " ".join([self.painted(" ".join([text for _, text in run]), role) for role, run in runs]).rstrip() + "\n"

    def _widths(self, sheet: Sheet, rows: Sequence[Sequence[Cell]], least: Sequence[int] | None = None) -> list[int]:
        """What each column needs, the widest that may be cut narrowed until the line fits."""
        texts = [_texts(rows, place, len(sheet.columns)) for place in range(len(sheet.columns))]
        widths = [
            max([cell_len(column.title), least[place] if least else 0, *map(cell_len, texts[place])])
            for place, column in enumerate(sheet.columns)
        ]
        if sheet.whole:
            return widths
        floors = [_floor(column, texts[place]) for place, column in enumerate(sheet.columns)]
        excess = sum(widths) + len(widths) - 1 - self._width
        while excess > 0:
            cuttable = [place for place, floor in enumerate(floors) if floor is not None and widths[place] > floor]
            if not cuttable:
                break
            widest = max(cuttable, key=lambda place: widths[place])
            others = [widths[place] for place in cuttable if place != widest]
            step = max(widths[widest] - max([*others, floors[widest] or 0]), 1)
            widths[widest] -= min(excess, step)
            excess -= min(excess, step)
        return widths


def _fold(text: str, room: int) -> Iterator[str]:
    """Lines of at most `room` cells, broken at blanks; a longer word stays whole."""
    line = ""
    for word in text.split(" "):
        if line and cell_len(line) + 1 + cell_len(word) > room:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _row(channel: Channel) -> Row:
    return Row(channel, None, 0.0, False)


def _texts(rows: Sequence[Sequence[Cell]], place: int, columns: int) -> list[str]:
    """What stands in a column; a cell that has the room of several is in none."""
    return [row[place].text for row in rows if place < len(row) - (len(row) < columns)]


def _role(fitted: tuple[str, str]) -> str:
    return fitted[0]


def _fitted(cell: Cell, column: Column, width: int, glyphs: Glyphs) -> str:
    cut = _CUTS.get(column.cut) if cell_len(cell.text) > width else None
    if cut is not None:
        return cut(cell.text, width, glyphs)
    return clip(cell.text, max(width, cell_len(cell.text)), glyphs, "right" if column.right else "left")


def _floor(column: Column, texts: Sequence[str]) -> int | None:
    """Cells below which the column is not cut; None where it never is."""
    if column.cut is None:
        return None
    if column.cut != "holder":
        return _NARROWEST
    return max([_NARROWEST, *(cell_len(_numbers(text)) + _SHORTEST_NAME + 1 for text in texts if _numbers(text))])


def _numbers(text: str) -> str:
    """`pid/fd +3` of `comm pid/fd +3`; empty where the text is no holder."""
    words = text.split(" ")
    kept = 2 if words[-1].startswith("+") else 1
    numbers = " ".join(words[-kept:])
    return numbers if len(words) > kept and numbers[0].isdecimal() else ""


def _cut_holder(text: str, width: int, glyphs: Glyphs) -> str:
    """The holder with a shorter name: a cut number would name another process."""
    numbers = _numbers(text)
    room = width - cell_len(numbers) - 1
    if not numbers or room < _SHORTEST_NAME:
        return clip(text, width, glyphs)
    return f"{clip(text[: -len(numbers) - 1], room, glyphs)} {numbers}"


_CUTS: Mapping[str | None, Callable[[str, int, Glyphs], str]] = {
    "end": clip,
    "start": clip_name,
    "holder": _cut_holder,
}
