"""What a program may do although all of its threads sleep: what its signal handlers do (signal(7)).

A handler may write into the program's own pipe, post a semaphore, or interrupt the call. Nobody can see what it does,
nor whether a timer will send the signal: alarm(2) is told nowhere.
"""

from __future__ import annotations

from signal import Signals

from ipcinspect.model.process import Process

_FIRST_REAL_TIME, _LAST = 34, 64


def _mask(*signals: int) -> int:
    return sum(1 << (number - 1) for number in signals)


_REAL_TIME = _mask(*range(_FIRST_REAL_TIME, _LAST + 1))
_TIMES = _mask(Signals.SIGALRM, Signals.SIGUSR1, Signals.SIGUSR2) | _REAL_TIME
"""What programs have timers send them."""
_ORDERS = _TIMES | _mask(Signals.SIGHUP, Signals.SIGIO)
"""Signals by which a program is told to do something, beside to end."""
_ENDS = _mask(Signals.SIGTERM, Signals.SIGQUIT)
"""SIGINT is not among them: an interpreter as python has a handler for it that writes nothing."""
_CHILD = _mask(Signals.SIGCHLD)


def _catches(process: Process | None, signals: int) -> bool:
    return process is not None and process.signals is not None and bool(process.signals.caught & signals)


def may_time(process: Process | None) -> bool:
    """Whether a timer may end its wait."""
    return _catches(process, _TIMES)


def may_act(process: Process | None) -> bool:
    """Whether a handler of it may do something for others."""
    return _catches(process, _ORDERS)


def may_wake_itself(process: Process | None) -> bool:
    """Whether a handler of it may end its own wait, as one does that writes into the pipe that the program reads."""
    return _catches(process, _ORDERS | _ENDS)


def hears_of_children(process: Process | None) -> bool:
    """Whether the end of a child calls a handler of it."""
    return _catches(process, _CHILD)
