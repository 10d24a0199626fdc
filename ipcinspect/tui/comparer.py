"""Runs a comparison in a thread of its own and tells how far it is; the measuring itself is in other processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple, Protocol

from ipcinspect.demo import DemoError
from ipcinspect.demo.compare.answers import Answer
from ipcinspect.demo.compare.cases import FULL, QUICK
from ipcinspect.demo.compare.contest import FULLY, QUICKLY, Contest, Effort, Progress
from ipcinspect.demo.compare.rows import Results
from ipcinspect.demo.compare.rules import answers

_TELLS_EACH_S = 0.2
_BEFORE_WITHIN_S = 20.0
"""How long a comparison may take to end before the next one begins: a batch, and cleaning up."""


class Measuring(Protocol):
    """What a comparison is to the screen; `Contest` is one."""

    @property
    def effort(self) -> Effort: ...
    def __iter__(self) -> Iterator[Progress]: ...
    def results(self) -> Results: ...
    def close(self) -> None: ...


BeginComparison = Callable[[bool], Measuring]
"""Makes a comparison, quick or full; nothing is started yet."""


class Compared(NamedTuple):
    """How far it has come."""

    effort: Effort
    progress: Progress | None = None
    """None where nothing is new in it."""
    results: Results | None = None
    """What is measured, after each round."""
    answers: tuple[Answer, ...] = ()
    """When it is over."""
    is_over: bool = False
    failure: str | None = None
    """Why it broke off, in one sentence."""


def begin_live_comparison(quick: bool) -> Measuring:
    """Over this machine."""
    return Contest(QUICK, QUICKLY) if quick else Contest(FULL, FULLY)


class Comparer:
    """One comparison. The screen calls `stop`; a thread of its own calls `run`."""

    def __init__(
        self,
        quick: bool,
        begin: BeginComparison,
        before: Comparer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`before`: the comparison that has to be gone first: two would disturb each other."""
        self.quick = quick
        self._begin, self._before, self._clock = begin, before, clock
        self._stopped = threading.Event()
        self.gone = threading.Event()
        """Set when nothing of it is left."""

    def stop(self) -> None:
        """End it and its pairs after the batch under way. Does not wait."""
        self._stopped.set()

    def run(self, tell: Callable[[Compared], object]) -> None:
        """Measure until it has ended or is stopped."""
        try:
            if self._before is not None:
                self._before.gone.wait(_BEFORE_WITHIN_S)
                self._before = None
            with closing(self._begin(self.quick)) as measuring:
                self._measure(measuring, tell)
        finally:
            self.gone.set()

    def _measure(self, measuring: Measuring, tell: Callable[[Compared], object]) -> None:
        effort, number, told_at = measuring.effort, 0, -_TELLS_EACH_S
        try:
            for progress in measuring:
                if self._stopped.is_set():
                    return
                now = self._clock()
                if progress.number > max(number, 1):
                    tell(Compared(effort, progress, measuring.results()))
                elif now - told_at >= _TELLS_EACH_S:
                    told_at = now
                    tell(Compared(effort, progress))
                number = progress.number
        except (OSError, DemoError) as error:
            tell(Compared(effort, failure=str(error), is_over=True))
            return
        results = measuring.results()
        tell(Compared(measuring.effort, None, results, answers(results), True))
