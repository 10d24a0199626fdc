"""The style for programs behind a pipe: tabs between fields, exact numbers, nothing cut, no colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ipcinspect.cli.sheets import Cell, EndCells, Sheet
from ipcinspect.export.holdings import others_of
from ipcinspect.export.moments import rfc3339
from ipcinspect.model.channel import Channel, Endpoint, FieldValue
from ipcinspect.model.text import visible
from ipcinspect.tui.ends import absent_at, holders_at, seen_by

UNKNOWN, NONE = "?", "-"
_LONGEST = 1 << 20


class PlainStyle:
    """Lines for grep, awk and cut. A title is a line of its own; an empty line stands between sheets."""

    def __init__(self) -> None:
        self._rolling = False
        self._last: tuple[Channel, EndCells] | None = None

    def safe(self, kernel_text: str) -> str:
        """On one line and free of tabs, never cut."""
        return visible(kernel_text, _LONGEST)

    def told(self, value: FieldValue, unit: str | None) -> str:
        """The exact figure; times in RFC 3339, permission bits in octal."""
        if value is None:
            return UNKNOWN
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str):
            return self.safe(value)
        if unit == "time":
            return _moment(value)
        if unit == "mode":
            return f"{int(value):04o}"
        if unit == "key":
            return f"0x{int(value) & 0xFFFFFFFF:08x}"
        return str(value)

    def state(self, channel: Channel, whole: bool = False) -> Cell:
        """The word of the contract."""
        return Cell(channel.state)

    def fill(self, channel: Channel) -> Cell:
        """Whole percent: 0% only where it is empty, 100% only where it is full."""
        fill = channel.fill
        if fill is None:
            return Cell(UNKNOWN if channel.queues else NONE)
        return Cell(f"{100 if fill >= 1 else max(int(fill * 100), 1) if fill > 0 else 0}%")

    def bar(self, part: float, width: int) -> Cell:
        """Whole percent."""
        return Cell(f"{part:.0%}")

    def queued(self, channel: Channel) -> Cell:
        """Payload bytes; none where messages alone are counted (clients that wait at a listener)."""
        queued = channel.queued_bytes
        if queued is None:
            return Cell(UNKNOWN if channel.queues and channel.queued_messages is None else NONE)
        return Cell(str(queued))

    def ends(self, channel: Channel) -> EndCells:
        """Every holder of side a and every holder of side b."""
        if self._last is None or self._last[0] is not channel:  # two columns in a row ask for the same one
            self._last = channel, EndCells(self._side(channel, "a"), Cell(NONE), self._side(channel, "b"))
        return self._last[1]

    def seen(self, channel: Channel, pid: int, fd: int | None) -> EndCells:
        """Every holder of the other end."""
        own = next(end for end in channel.endpoints if end.process and end.process.pid == pid and end.fd == fd)
        other = seen_by(channel, pid, fd).other
        told = _absent(other.absent) if other.holder is None else ", ".join(map(self._holder, others_of(channel, own)))
        return EndCells(Cell(self._holder(own)), Cell(NONE), Cell(told or NONE))

    def lines(self, sheets: Iterable[Sheet]) -> Iterator[str]:
        """Titles in capitals, then the names of the columns, then the rows."""
        between = ""
        for sheet in sheets:
            yield between
            if sheet.title is not None:
                yield f"{sheet.title.upper()}\n"
            if any(column.title for column in sheet.columns):
                yield "\t".join([column.title for column in sheet.columns]) + "\n"
            for row in sheet.rows:
                yield "\t".join([cell.text for cell in row]) + "\n"
            between = "\n"

    def roll(self, sheet: Sheet) -> Iterator[str]:
        """The names of the columns once, then rows."""
        if not self._rolling:
            self._rolling = True
            yield "\t".join([column.title for column in sheet.columns]) + "\n"
        for row in sheet.rows:
            yield "\t".join([cell.text for cell in row]) + "\n"

    def painted(self, text: str, role: str) -> str:
        """As it is."""
        return text

    def clock(self, seconds: float) -> str:
        """With its date, in UTC."""
        return _moment(seconds)

    def _side(self, channel: Channel, side: str) -> Cell:
        ends = holders_at(channel, side)
        if any(end.process is not None or end.address is not None for end in ends):
            return Cell(", ".join(map(self._holder, ends)))
        return Cell(_absent(absent_at(channel, side)))

    def _holder(self, end: Endpoint) -> str:
        process = end.process
        if process is None:
            return self.safe(end.address) if end.address is not None else _absent("hidden")
        fd = "" if end.fd is None else f"/{end.fd}"
        return f"{self.safe(process.comm)} {process.pid}{fd}"


def _absent(word: str) -> str:
    """As the screen says it; what nobody is expected at is none."""
    return f"({word})" if word else NONE


def _moment(seconds: float) -> str:
    try:
        return rfc3339(seconds)
    except ValueError:  # anybody may give a FIFO a time that no calendar has
        return UNKNOWN
