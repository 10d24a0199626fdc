"""Signals of a running screen: end it with the terminal restored, stop it for the shell, and never in mid-borrow.

The main thread holds SIGNALS for the whole run (see `kernel.gate`); a thread of its own waits for them and has the
app do what is due.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from ipcinspect.kernel.gate import SIGNALS, between_borrows, take_pending

PATIENCE_S = 2.0
"""How long the app may take to end by itself: a look at a sick machine may hang in the kernel."""

_STOPPING = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


class Deadline:
    """Ends the process a while after it was to end, whatever hangs: a look at the machine, a stalled terminal."""

    def __init__(self, restore: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        self._restore = restore
        self._patience_s = patience_s
        self._timer: threading.Timer | None = None

    def start(self, code: int) -> None:
        """Begin to wait; the first code counts."""
        if self._timer is None:
            self._timer = threading.Timer(self._patience_s, self._end_now, (code,))
            self._timer.daemon = True
            self._timer.start()

    def cancel(self) -> None:
        """It has ended by itself."""
        if self._timer is not None:
            self._timer.cancel()

    def _end_now(self, code: int) -> None:
        self._restore()
        with between_borrows():
            os._exit(code)


class SignalWatch:
    """Takes held signals in a daemon thread and calls back from there."""

    def __init__(self, leave: Callable[[int], object], stop: Callable[[], object], deadline: Deadline) -> None:
        self._leave = leave
        self._stop = stop
        self._deadline = deadline
        self._thread = threading.Thread(target=self._run, name="signals", daemon=True)
        self._code: int | None = None

    def start(self) -> None:
        """Begin; only with the signals held."""
        self._thread.start()

    @property
    def code(self) -> int | None:
        """The exit code that a signal has asked for; None where none came."""
        return self._code

    def _run(self) -> None:
        while True:
            number = signal.sigwait(SIGNALS)
            if number in _STOPPING:
                self._stop()
                continue
            self._code = 128 + number
            self._deadline.start(self._code)
            self._leave(self._code)


def stop_for_shell(terminal: int) -> None:
    """Stop as ctrl+z does, between borrows; returns when continued in the foreground. Only for the main thread.

    SIGTSTP itself is let through rather than SIGSTOP sent: the kernel ignores it where no shell could ever continue
    the process.
    """
    signal.raise_signal(signal.SIGTSTP)
    take_pending()
    for _ in range(100):
        if not _in_background(terminal):
            return
        signal.raise_signal(signal.SIGTTOU)
        take_pending()


def _in_background(terminal: int) -> bool:
    try:
        return os.tcgetpgrp(terminal) != os.getpgrp()
    except OSError:
        return False
