"""`Canvas`: what the terminal shows, so that only what differs has to be written.

Textual writes a changed row from its left edge to the changed cell: 350 bytes for one second more in the last column.
Over a slow line, and for a screen that is left open all day, that is much; from here it is twenty.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rich.cells import cell_len

_TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|(\n)|([^\x1b\n\r\t\b]+)|(?s:(.))")
_RESET = ""
"""The style of text without attributes."""
_CHEAPER_THAN_MOVING = 6
"""Unchanged cells between two changed ones that are written again rather than jumped over."""


class _Pen(NamedTuple):
    """Where the terminal's cursor stands and in which style it writes; None where that is not known."""

    row: int | None
    column: int | None
    style: str | None


_UNKNOWN = _Pen(None, None, None)


class Canvas:
    """Follows what is written. Understands cursor positions, styles and text; all else passes through unchanged."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[list[str], list[str]]] = {}
        self._pen = _UNKNOWN
        self._written: list[str] = []
        self._forgotten = False

    def forget(self) -> None:
        """The terminal may show anything now: write everything that comes. From any thread."""
        self._forgotten = True

    def less(self, text: str) -> str:
        """What to write instead, for the same to be shown."""
        if self._forgotten:
            self._forgotten = False
            self._rows.clear()
            self._pen = _UNKNOWN
        tokens = _TOKEN.findall(text)
        if not self._is_drawing(tokens):
            if "\x1b[?1049" in text or "\x1b[2J" in text or "\x1bc" in text:
                self.forget()
            leave = "\x1b[0m" if self._pen.style else ""
            self._pen = _UNKNOWN
            return leave + text
        self._written = []
        row, column, style = 0, 0, _RESET
        for to_row, to_column, sgr, newline, shown, _ in tokens:
            if to_row:
                row, column = int(to_row), int(to_column)
            elif shown:
                column += self._put(row, column, style, shown)
            elif not newline:
                style = _RESET if sgr in ("", "0") else f"{style};{sgr}" if style else sgr
        return "".join(self._written)

    @staticmethod
    def _is_drawing(tokens: list[tuple[str, ...]]) -> bool:
        """Whether it is text at known positions, and nothing else."""
        return bool(tokens) and bool(tokens[0][0]) and not any(token[5] for token in tokens)

    def _put(self, row: int, column: int, style: str, text: str) -> int:
        """Write what differs of one run of text in one style; the cells it takes."""
        chars, styles = self._rows.setdefault(row, ([], []))
        cells = len(text) if text.isascii() else cell_len(text)
        end = column + cells
        if len(chars) < end:
            missing = end - len(chars)
            chars.extend([""] * missing)
            styles.extend(["?"] * missing)
        new = list(text)
        if cells != len(text) or not all(cell_len(char) == 1 for char in new):
            new = [text] + [""] * (cells - 1)  # wide or combining characters: one thing, written as a whole
            if chars[column:end] != new or styles[column:end] != [style] * cells:
                self._write(row, column, style, text, cells)
        else:
            self._write_changes(row, column, style, new)
        chars[column:end] = new
        styles[column:end] = [style] * cells
        return cells

    def _write_changes(self, row: int, column: int, style: str, new: list[str]) -> None:
        chars, styles = self._rows[row]
        end = column + len(new)
        if chars[column:end] == new and styles[column:end] == [style] * len(new):
            return
        start: int | None = None
        last = 0
        for place, char in enumerate(new):
            if chars[column + place] == char and styles[column + place] == style:
                continue
            if start is not None and place - last > _CHEAPER_THAN_MOVING:
                self._write(row, column + start, style, "".join(new[start : last + 1]), last + 1 - start)
                start = place
            start = place if start is None else start
            last = place
        if start is not None:
            self._write(row, column + start, style, "".join(new[start : last + 1]), last + 1 - start)

    def _write(self, row: int, column: int, style: str, text: str, cells: int) -> None:
        if (self._pen.row, self._pen.column) != (row, column):
            self._written.append(f"\x1b[{row};{column}H")
        if self._pen.style != style:
            self._written.append(f"\x1b[0;{style}m" if style else "\x1b[0m")
        self._written.append(text)
        self._pen = _Pen(row, column + cells, style)
