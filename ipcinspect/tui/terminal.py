"""The driver: Textual's own for Linux, made to end with its terminal and to leave job control to `leaving`."""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import Any, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from ipcinspect.tui.ambiguous import Modes
from ipcinspect.tui.canvas import Canvas


class TerminalOutput:
    """Writes to the terminal, of a drawing only what differs. A terminal that is gone swallows everything."""

    encoding = "utf-8"

    def __init__(self, fd: int, ascii_only: bool) -> None:
        self._fd = fd
        self._ascii_only = ascii_only
        self.canvas = Canvas()
        self.gone = False

    def write(self, text: str) -> int:
        """All of the text; waits while the terminal takes no more."""
        less = self.canvas.less(text)
        data = less.encode("ascii", "replace") if self._ascii_only else less.encode("utf-8", "replace")
        while data and not self.gone:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                select.select((), (self._fd,), ())
            except OSError:
                self.gone = True
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        """Whether a terminal is there."""
        return os.isatty(self._fd)

    def fileno(self) -> int:
        """The descriptor written to."""
        return self._fd


class Terminal(LinuxDriver):
    """Differs from LinuxDriver in that

    - a closed terminal ends the program instead of a thread of it,
    - stopping for the shell is done by `leaving`, which holds the signals; a continued process draws itself anew,
    - it draws on standard output, so that standard error can be redirected.
    """

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        for stopping in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            signal.signal(stopping, signal.SIG_DFL)
        ascii_only = bool(getattr(getattr(app, "options", None), "ascii", False))
        self._modes: Modes | None = getattr(app, "terminal_modes", None)
        self.output = TerminalOutput(terminal_fd(), ascii_only)
        self._file = cast("Any", self.output)

    def start_application_mode(self) -> None:
        """As Textual's; what it will restore is what was there before the terminal was asked anything."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._modes is not None:
            self.attrs_before = self._modes

    def _sigcont_application(self, *_: object) -> None:
        """Continued, also after a stop that came unasked (SIGSTOP): the shell has used the terminal meanwhile."""
        self._app.call_later(self.start_again)

    def start_again(self) -> None:
        """Enter application mode anew and draw everything."""
        if not self._auto_restart:
            return
        self.suspend_application_mode()
        self.resume_application_mode()
        self._app.refresh(layout=True)

    def run_input_thread(self) -> None:
        """Read keys; the end of the terminal ends the program as its hangup does.

        Bytes that are no key (a Latin-1 letter, a mouse report of old, a number beyond all bounds) are dropped with
        what came along with them.
        """
        while not self.exit_event.is_set():
            try:
                super().run_input_thread()
            except (ValueError, OverflowError):
                continue
            except OSError:
                if self._is_in_background():
                    os.kill(os.getpid(), signal.SIGTSTP)
                else:
                    os.kill(os.getpid(), signal.SIGHUP)
            return

    def _is_in_background(self) -> bool:
        """Whether another process group has the terminal: then reading from it fails as from a closed one."""
        try:
            return os.tcgetpgrp(self.fileno) != os.getpgrp()
        except OSError:
            return False


def terminal_fd() -> int:
    """Standard output where it is a terminal, else standard error."""
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None and stream.isatty():
            return stream.fileno()
    return 1
