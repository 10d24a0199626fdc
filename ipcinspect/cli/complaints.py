"""The only writer to standard error, and the owner of the exit codes."""

from __future__ import annotations

import os
import signal

from ipcinspect.model.text import visible

DONE = 0
FOUND = 1
"""Something was found at or above the severity asked for: only `check` and `why`."""
USAGE = 2
"""The command line, the configuration or an address in it makes no sense."""
UNABLE = 3
"""What was asked for cannot be seen or done here."""
SIGNALLED = 128
"""Plus the number of the signal: what a shell reports of a process that a signal ended."""

_PROGRAM = "ipcinspect"
_LONGEST = 2000


class Complaint(Exception):
    """The command cannot go on; the text is one line for the user."""

    code = UNABLE


class Usage(Complaint):
    """What the user typed is wrong."""

    code = USAGE


class Unable(Complaint):
    """It cannot be seen or done here."""

    code = UNABLE


def complain(sentence: str) -> None:
    """One line on standard error, safe to print whatever is in it; lost where nobody listens."""
    tell(f"{_PROGRAM}: {visible(sentence, _LONGEST)}\n")


def tell(text: str) -> None:
    """Printable lines on standard error as they are."""
    try:
        os.write(2, text.encode("utf-8", "backslashreplace"))
    except OSError:
        return  # there is nowhere left to say so


def end_by_signal(number: int) -> int:
    """End as that signal ends a process, so that a shell sees why and stops its loop; answers where it is ignored."""
    signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    return SIGNALLED + number
