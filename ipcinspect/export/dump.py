"""Bytes as lines for the eye: text, JSON laid out, or hexadecimal. Made one by one, so that a megabyte costs nothing
before it is looked at. Both fronts draw them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from ipcinspect.model.channel import Channel
from ipcinspect.model.contents import Contents, Piece
from ipcinspect.model.payload import json_lines, shape
from ipcinspect.model.text import visible

FORMS = ("text", "JSON", "hex")
"""How bytes can be shown."""
_STEP = 2
_DEEPEST_INDENT = 40
"""Cells; what is nested deeper stands in that column too: 100,000 brackets have to fit into a line."""
_NULS_TOLD = 8
"""From so many on, the NUL bytes that pad a text are counted instead of shown."""
_USUAL_ROW, _NARROW_ROW = 16, 8
_LEAST_DIGITS = 8


class DumpLine(NamedTuple):
    """One line."""

    text: str
    """Of content, exact: may hold anything but a line end. Of ours and of hex: printable."""
    indent: int = 0
    """Cells before it."""
    ours: bool = False
    """Whether it is a remark and no content."""


class Shaped(NamedTuple):
    """A piece and what it looks like."""

    piece: Piece
    shape: str
    """One of `payload.SHAPES`."""

    @property
    def usual_form(self) -> str:
        """The form that fits the shape."""
        return self.shape if self.shape in FORMS else "hex"


def shaped(contents: Contents) -> list[Shaped]:
    """Every piece with its shape."""
    return [Shaped(piece, shape(piece.data)) for piece in contents.pieces]


def dump(piece: Piece, form: str, width: int | None = None) -> Iterator[DumpLine]:
    """The lines of a piece in one of FORMS; `width`: cells that a line of hex may take. JSON that is none is text."""
    if form == "hex":
        return hex_lines(piece.data, piece.offset, width)
    if form == "JSON":
        outlined = json_lines(piece.data)
        if outlined is not None:
            lines = (DumpLine(line.text, min(line.depth * _STEP, _DEEPEST_INDENT)) for line in outlined)
            return chain(lines, _padding(len(piece.data) - len(piece.data.rstrip(b"\0"))))
    return text_lines(piece.data)


def text_lines(data: bytes) -> Iterator[DumpLine]:
    """Text line by line. Bytes that are no UTF-8 are surrogate escapes, as in kernel text."""
    body = data.rstrip(b"\0")
    padding = len(data) - len(body)
    if padding < _NULS_TOLD:
        body, padding = data, 0
    place = 0
    while place < len(body):
        end = body.find(b"\n", place)
        end = len(body) if end < 0 else end
        yield DumpLine(body[place:end].decode("utf-8", "surrogateescape"))
        place = end + 1
    yield from _padding(padding)


def hex_lines(data: bytes, offset: int, width: int | None = None) -> Iterator[DumpLine]:
    """As hexdump -C: offset, hexadecimal, printable. Rows like the one before them are one `*`, but never the last."""
    digits = max(_LEAST_DIGITS, len(f"{offset + len(data):x}"))
    step = _USUAL_ROW if width is None or width >= digits + 70 else _NARROW_ROW
    before, starred = None, False
    for start in range(0, len(data), step):
        row = data[start : start + step]
        if row == before and start + step < len(data):
            if not starred:
                yield DumpLine("*", ours=True)
            starred = True
            continue
        yield DumpLine(_hex_row(row, offset + start, digits, step))
        before, starred = row, False


def printable(text: str, ascii_only: bool) -> str:
    """All of a line as it may be shown; where only ASCII can be drawn, everything else as escapes."""
    shown = visible(text, len(text) + 1)
    return shown.encode("ascii", "backslashreplace").decode("ascii") if ascii_only else shown


def refusal(channel: Channel, contents: Contents, uid: int) -> str | None:
    """Why nothing was copied, in one line, and what would be allowed to; None where something was, or it is empty."""
    if contents.refusal is None:
        return None
    if contents.refusal_why != "denied" or uid == 0:
        return contents.refusal
    capability = "CAP_IPC_OWNER" if channel.mechanism.startswith("sysv-") else "CAP_SYS_PTRACE"
    return f"{contents.refusal}: it takes {capability}, run as root"


def told_amount(contents: Contents, size: Callable[[int], str]) -> str:
    """How much was copied and how much was not: `shown 4.0K of 64.0K, 60.0K more`."""
    shown, total = contents.shown_bytes, contents.total_bytes
    more = [] if total is None or total <= shown else [f"{size(total - shown)} more"]
    if total is None:
        cut = sum(max((piece.size or 0) - len(piece.data), 0) for piece in contents.pieces)
        more = [f"at least {size(cut)} more"] if cut else ["how much there is in all is not told"]
    messages = (contents.total_messages or 0) - len(contents.pieces)
    if messages > 0:
        more.append(f"{messages} more message{'' if messages == 1 else 's'}")
    of = f" of {size(total)}" if total is not None and total > shown else ""
    return ", ".join([f"shown {size(shown)}{of}", *more]) if more else f"shown all {size(shown)}"


def heading(one: Shaped, size: Callable[[int], str]) -> tuple[str, str]:
    """(title, which may hold kernel text; size and shape) of a piece: (`type 5`, `4.0K of 64.0K, JSON`)."""
    piece = one.piece
    copied = len(piece.data)
    amount = size(copied) if piece.size is None or piece.size <= copied else f"{size(copied)} of {size(piece.size)}"
    place = f" from {piece.offset:#x}" if piece.offset and not piece.title else ""
    kind = {"unknown": "bytes of no known shape", "struct-like": "looks like a struct"}.get(one.shape, one.shape)
    return piece.title or "", f"{amount}{place}" + (f", {kind}" if copied else "")


def _padding(nuls: int) -> Iterator[DumpLine]:
    """NUL bytes at the end, counted."""
    if nuls:
        yield DumpLine(f"({nuls} NUL byte{'' if nuls == 1 else 's'})", ours=True)


def _hex_row(row: bytes, offset: int, digits: int, step: int) -> str:
    halves = row[: step // 2].hex(" "), row[step // 2 :].hex(" ")
    columns = f"{halves[0]}  {halves[1]}" if step == _USUAL_ROW else row.hex(" ")
    room = step * 3 - 1 + (step == _USUAL_ROW)
    printable = "".join([chr(byte) if 32 <= byte < 127 else "." for byte in row])
    return f"{offset:0{digits}x}  {columns:<{room}}  |{printable}|"
