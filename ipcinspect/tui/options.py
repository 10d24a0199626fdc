"""How the screen was asked to be."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ipcinspect.tui.comparer import BeginComparison, begin_live_comparison
from ipcinspect.tui.walker import Begin, begin_live


@dataclass(frozen=True)
class ScreenOptions:
    """What the command line decides for the screen."""

    theme: str = "textual-dark"
    ascii: bool | None = None
    """None: by how wide the terminal draws, which it is asked."""
    no_color: bool = False
    """`--no-color` or NO_COLOR in the environment."""
    interval: float | None = None
    """Seconds between two looks; None: 1, or 2 on a large machine."""
    pid: int | None = None
    """Start at this process."""
    show_self: bool = False
    about: Callable[[], str] | None = None
    """What alone is shown, in few words; None: the whole machine."""
    question: Callable[[], str | None] | None = None
    """What to say at the first `q`, so that only a second one leaves; None, or a None from it: leave at once."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch, for what the screen itself dates (since when it is paused)."""
    begin_demo: Begin = begin_live
    """Makes the walk of a demo."""
    begin_comparison: BeginComparison = begin_live_comparison
    """Makes the comparison of all mechanisms."""
