"""Asks the terminal how wide it draws East Asian ambiguous characters, before the screen starts.

Terminals set up for Korean, Japanese or Chinese often draw line-drawing characters two cells wide; every line of the
screen would then be broken, so the screen falls back to ASCII.
"""

from __future__ import annotations

import os
import re
import select
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

Modes = list[int | list[bytes | int]]
"""What termios tells of a terminal."""

_PROBE = "─"
_ASK_POSITION = "\x1b[6n"
_ERASE_LINE = "\r\x1b[K"
_ANSWER = re.compile(rb"\x1b\[(\d+);(\d+)R")
DEADLINE_S = 0.2


def draws_wide(terminal_in: int, terminal_out: int, deadline_s: float = DEADLINE_S) -> bool:
    """Whether the terminal moved its cursor by two for one ambiguous character; False where it does not answer in time.

    Leaves the terminal without echo: an answer that comes late must not be drawn, and the screen that starts next
    takes it for what it is. Whoever calls restores the modes at the end (`kept_modes`).
    """
    try:
        tty.setcbreak(terminal_in, termios.TCSANOW)
        os.write(terminal_out, (_ERASE_LINE + _PROBE + _ASK_POSITION + _ERASE_LINE).encode())
        return _read_column(terminal_in, time.monotonic() + deadline_s) == 3
    except (OSError, termios.error):
        return False


@contextmanager
def kept_modes(terminal: int) -> Iterator[Modes | None]:
    """Restore the terminal's modes at the end of the block, whatever happened to them; None for no terminal."""
    try:
        modes: Modes | None = termios.tcgetattr(terminal)
    except termios.error:
        modes = None
    try:
        yield modes
    finally:
        restore_modes(terminal, modes)


def restore_modes(terminal: int, modes: Modes | None) -> None:
    """Give the terminal these modes, as far as it is still there."""
    if modes is not None:
        with suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSANOW, modes)


def _read_column(terminal: int, deadline: float) -> int | None:
    """The column of the answer, 1 for the first; None where none came."""
    answer = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select((terminal,), (), (), left)[0]:
            break
        piece = os.read(terminal, 64)
        if not piece:
            break
        answer += piece
        found = _ANSWER.search(answer)
        if found:
            return int(found.group(2))
    return None
