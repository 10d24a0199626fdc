"""`ipcinspect` and `ipcinspect PID`: the screen."""

from __future__ import annotations

import os

from ipcinspect.cli.complaints import Unable, Usage
from ipcinspect.cli.session import Session


def run(session: Session, pid: int | None) -> int:
    """The screen until the user leaves it. Raises Usage or Unable where there is no place for it."""
    options = session.options
    if options.json:
        raise Usage("--json needs a command: list, show, ps or doctor")
    if not session.output.is_terminal or not os.isatty(0):
        raise Unable("the screen needs a terminal: try 'ipcinspect list'")
    if options.environ.get("TERM", "dumb") == "dumb":
        raise Unable("this terminal (TERM=dumb) cannot draw a screen: try 'ipcinspect list --watch'")
    from ipcinspect.tui.app import run_screen  # loads Textual
    from ipcinspect.tui.options import ScreenOptions

    screen = ScreenOptions(
        theme=options.theme or ScreenOptions.theme,
        ascii=True if options.ascii else None,
        no_color=not options.color,
        interval=options.interval,
        pid=pid,
        show_self=options.show_self,
    )
    return run_screen(session.source(), screen)
