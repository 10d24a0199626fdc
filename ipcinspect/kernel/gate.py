"""Keeps job control and termination away from the microseconds in which a descriptor is borrowed.

A borrowed write end that outlives its owner delays the reader's EOF, so no signal may stop or end this process while
it holds one. A stop stops every thread: masking the signals in the borrowing thread alone does not help. Hence the
main thread blocks SIGNALS before it starts the first thread (`hold_signals`), every thread inherits the mask, and
whoever takes a pending signal does so `between_borrows`. SIGSTOP and SIGKILL cannot be held.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

SIGNALS = (
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
)

_gate = threading.Lock()


@contextmanager
def hold_signals() -> Iterator[None]:
    """Block SIGNALS in this thread and in every thread it starts from here on, until the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def between_borrows() -> AbstractContextManager[bool]:
    """Within the block no descriptor is borrowed: entering waits for the one that is, leaving lets go on."""
    return _gate


def take_pending() -> None:
    """Let signals that `hold_signals` kept back act now, between borrows. Only for the main thread.

    Python runs its handlers (or the kernel its default action) before this returns.
    """
    if not signal.sigpending().intersection(SIGNALS):
        return
    with between_borrows():
        held = signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
