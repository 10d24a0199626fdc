"""What a command has to tell, before it is known for whom: sheets of cells, and the styles that write them out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from ipcinspect.model.channel import Channel, FieldValue


class Cell(NamedTuple):
    """Printable text in one role of the palette (LOOK's roles: `text`, `error`, `warning`, `ok`, `muted`, ...)."""

    text: str
    role: str = "text"


class Column(NamedTuple):
    """One column of a sheet."""

    title: str
    right: bool = False
    """Whether it stands at the right, as numbers do."""
    cut: str | None = None
    """How a terminal shortens it where room lacks: `end`, `start` (paths), `holder` (only the process's name)."""
    least: int = 0
    """Cells that it gets at least in a table that goes on, whose later rows are not known yet."""
    spare: int = 0
    """Above 0: a terminal leaves it out where no row has anything in it, and, the higher the sooner, where room lacks
    in a sheet that may not be cut. Programs get every column."""


class Sheet(NamedTuple):
    """A table with a title. Facts about one thing are a sheet of two columns without titles."""

    title: str | None
    columns: tuple[Column, ...]
    rows: Iterable[Sequence[Cell]]
    """Each with a cell for every column; where there are fewer, a terminal gives the last one the room of the rest."""
    whole: bool = False
    """Whether nothing in it may be cut, however long the lines get."""


class EndCells(NamedTuple):
    """The two ends of a channel and what is between them."""

    left: Cell
    wire: Cell
    right: Cell


class Style(Protocol):
    """One way to write for one kind of reader: a program behind a pipe, or eyes at a terminal."""

    def safe(self, kernel_text: str) -> str:
        """Kernel text, printable."""
        ...

    def told(self, value: FieldValue, unit: str | None) -> str:
        """A value in its unit."""
        ...

    def state(self, channel: Channel, whole: bool = False) -> Cell:
        """Its state; `whole`: by the very word that filters and JSON have for it."""
        ...

    def fill(self, channel: Channel) -> Cell:
        """How full it is."""
        ...

    def bar(self, part: float, width: int) -> Cell:
        """A part of a whole, 0 to 1, in so many cells."""
        ...

    def queued(self, channel: Channel) -> Cell:
        """What waits in it."""
        ...

    def ends(self, channel: Channel) -> EndCells:
        """Who holds it."""
        ...

    def seen(self, channel: Channel, pid: int, fd: int | None) -> EndCells:
        """As `ends`, seen from one holder: itself at the left."""
        ...

    def lines(self, sheets: Iterable[Sheet]) -> Iterator[str]:
        """The sheets, each line with its line end."""
        ...

    def roll(self, sheet: Sheet) -> Iterator[str]:
        """More rows of the one table that goes on: titles stand above the first, columns keep their widths."""
        ...

    def painted(self, text: str, role: str) -> str:
        """Printable text in a role of the palette."""
        ...

    def clock(self, seconds: float) -> str:
        """The time of day of something that just happened."""
        ...


def facts(title: str | None, rows: Iterable[tuple[str, Cell]], whole: bool = True) -> Sheet:
    """A sheet of names and values."""
    return Sheet(title, (Column(""), Column("")), [(Cell(name, "muted"), cell) for name, cell in rows], whole)
