"""How far something long has come, on one line of standard error that is drawn again and again; nowhere else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from ipcinspect.cli.complaints import tell
from ipcinspect.cli.output import Output
from ipcinspect.model.text import visible

_STANDARD_ERROR = 2
_EACH_S = 0.1
_BAR = 20
_TO_THE_END = "\x1b[K"


class ProgressLine:
    """The line. Without a terminal, and on one that cannot draw over a line, there is none."""

    def __init__(self, environ: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._is_shown = environ.get("TERM") != "dumb" and _is_terminal()
        self._width = Output().width(environ.get("COLUMNS")) - 1
        self._clock = clock
        self._drawn_at: float | None = None

    def draw(self, part: float, words: str) -> None:
        """0 to 1, and what is done; ten times a second at most."""
        now = self._clock()
        if not self._is_shown or (self._drawn_at is not None and now - self._drawn_at < _EACH_S):
            return
        self._drawn_at = now
        done = round(part * _BAR)
        line = f"[{'=' * done}{' ' * (_BAR - done)}] {part:4.0%} {visible(words)}"
        tell(f"\r{line[: self._width]}{_TO_THE_END}")

    def clear(self) -> None:
        """Take it away."""
        if self._drawn_at is not None:
            tell(f"\r{_TO_THE_END}")
            self._drawn_at = None


def _is_terminal() -> bool:
    try:
        return os.isatty(_STANDARD_ERROR)
    except OSError:
        return False
