"""Runs the screen in this terminal, from asking how wide it draws to the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

from ipcinspect.kernel.gate import hold_signals
from ipcinspect.sources import Source
from ipcinspect.tui.ambiguous import draws_wide, kept_modes, restore_modes
from ipcinspect.tui.ipc_app import IpcApp
from ipcinspect.tui.leaving import Deadline, SignalWatch, stop_for_shell
from ipcinspect.tui.options import ScreenOptions
from ipcinspect.tui.terminal import Terminal, terminal_fd

SWITCH_INTERVAL_S = 0.0005
"""How soon the thread that draws gets its turn from one that computes; Python's 5 ms would be felt at every key."""


def run_screen(source: Source, options: ScreenOptions) -> int:
    """Show the screen until the user leaves it; the exit code: 0, or 128 + N where a signal ended it."""
    terminal = sys.stdin.fileno()
    with kept_modes(terminal) as modes:
        ascii_only = draws_wide(terminal, terminal_fd()) if options.ascii is None else options.ascii
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        with hold_signals():
            app = IpcApp(source, replace(options, ascii=ascii_only), Terminal)
            app.terminal_modes = modes
            return _run(app, terminal, lambda: restore_modes(terminal, modes))


def _run(app: IpcApp, terminal: int, restore: Callable[[], object]) -> int:
    def in_app(do: Callable[[], object]) -> None:
        app.call_later(do)

    def stop() -> None:
        in_app(lambda: _stop(app, terminal))

    deadline = Deadline(restore)
    app.when_leaving = deadline.start
    watch = SignalWatch(lambda code: in_app(lambda: app.action_leave(code)), stop, deadline)
    watch.start()
    app.run()
    deadline.cancel()
    return watch.code if watch.code is not None else app.return_code or 0


def _stop(app: IpcApp, terminal: int) -> None:
    """Give the terminal back to the shell, stop, and draw everything anew when continued."""
    with app.suspend():
        stop_for_shell(terminal)
