"""`ipcinspect` and `ipcinspect PID`: the screen."""

from __future__ import annotations

import gc
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ipcinspect.cli.complaints import Unable, Usage
from ipcinspect.cli.session import Session
from ipcinspect.selection import nearest, unknown

if TYPE_CHECKING:
    from ipcinspect.tui.options import ScreenOptions


def run(session: Session, pid: int | None) -> int:
    """The screen until the user leaves it. Raises WordError, Usage, or Unable where there is no place for it."""
    if session.options.json:
        raise Usage("--json needs a command: list, show, ps or doctor")
    options = screen_options(session)
    if pid is not None:
        _require(pid)
    return show_screen(session, replace(options, pid=pid))


def screen_options(session: Session) -> ScreenOptions:
    """How the user wants the screen. Raises WordError, or Unable where there is no place for it."""
    options = session.options
    if not session.output.is_terminal or not os.isatty(0):
        raise Unable("the screen needs a terminal: try 'ipcinspect list'")
    if options.environ.get("TERM", "dumb") == "dumb":
        raise Unable("this terminal (TERM=dumb) cannot draw a screen: try 'ipcinspect list --watch'")
    from ipcinspect.tui.options import ScreenOptions
    from ipcinspect.tui.themes import THEMES

    if options.theme is not None and options.theme not in THEMES:
        raise unknown("theme", options.theme, THEMES)
    return ScreenOptions(
        theme=options.theme or ScreenOptions.theme,
        ascii=True if options.ascii else None,
        no_color=not options.color,
        interval=options.interval,
        show_self=options.show_self,
    )


def show_screen(session: Session, options: ScreenOptions) -> int:
    """The screen until the user leaves it; its exit code."""
    from ipcinspect.tui.app import run_screen  # loads Textual

    gc.freeze()  # looking through all that was loaded takes 30 ms and more, in which no key is answered
    gc.enable()
    return run_screen(session.source(), options)


def _require(pid: int) -> None:
    """Raises Usage where there is no such process: the screen would open on nothing."""
    pids = [name for name in os.listdir("/proc") if name.isdecimal()]
    if str(pid) not in pids:
        raise Usage(f"no process {pid}, nearest is {nearest(str(pid), pids)}")
