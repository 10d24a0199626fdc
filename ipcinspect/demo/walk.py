"""One walk of a demo pair through the seven stages: what both processes do, and beside it what the kernel shows.

    with contextlib.closing(Walk(starter, check(plan, room), Inspector(LiveSource()))) as walk:
        for told in walk:
            ...

Each line is made when it is asked for, so a screen can go on with one key; `close` cleans up wherever it stands. What
a process said while the walk was at an earlier stage is told at its own: that a receiver sleeps in its read before
anything is sent, at transmission; what this call brought, at delivery, with the time when it began.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Generator, Iterator
from typing import Self

from ipcinspect.demo import receiving, sending
from ipcinspect.demo.course import Course
from ipcinspect.demo.formats import FormatError
from ipcinspect.demo.mishaps import Act, FaultShown, acts_with, shown_by
from ipcinspect.demo.pairing import PairStarter
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.process import DemoError
from ipcinspect.demo.telling import Cast, Told
from ipcinspect.inspector import Inspector

ACTS: dict[str, Act] = {
    "creation": sending.creation,
    "preparation": sending.preparation,
    "transmission": sending.transmission,
    "delivery": receiving.delivery,
    "reception": receiving.reception,
    "response": receiving.response,
    "termination": receiving.termination,
}
"""What happens in each stage, in the order of `words.STAGES`."""
_LAST = "termination"


class Walk:
    """An iterator of the lines of one walk, in the order of `words.STAGES`."""

    failure: str | None = None
    """Why it did not go through all stages as planned, in one line; None where it did, or is still under way."""

    def __init__(
        self,
        start: PairStarter,
        plan: Plan,
        inspector: Inspector,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`plan`: as `check` filled it in. Nothing is made before the first line is asked for."""
        self._course = Course(start, plan, inspector, clock)
        self._acts = acts_with(ACTS, plan.fault)
        self._ends: Act = receiving.termination
        """How a walk ends that could not go on."""
        self._has_shown = False
        self._lines = self._walk()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Told:
        """Go on to the next line. Processes that fail are told of, not raised."""
        while (told := next(self._lines)) is None:
            pass
        return told

    def rest_of_stage(self) -> Iterator[Told]:
        """The lines up to the end of the stage where it stands, and not a call further."""
        for told in self._lines:
            if told is None:
                return
            yield told

    @property
    def cast(self) -> Cast | None:
        """Who takes part; None before the processes are there."""
        return self._course.cast

    @property
    def payloads(self) -> tuple[bytes, ...]:
        """The messages as bytes, as far as they are prepared."""
        return tuple(self._course.payloads)

    def close(self) -> None:
        """End both processes and remove what they made, wherever the walk stands. Safe to call twice."""
        self._lines.close()
        self._course.end()

    def _walk(self) -> Generator[Told | None, None, None]:
        """The lines, and None where a stage ends."""
        course = self._course
        try:
            for stage, act in self._acts.items():
                course.stage = stage
                try:
                    yield from self._noted(act(course))
                    if stage != _LAST:
                        yield None
                except (FaultShown, OSError, DemoError, FormatError) as error:
                    yield from self._noted(self._ended_by(error))
                    yield None
                    break
            if course.stage != _LAST:
                course.stage = _LAST
                yield from self._noted(self._ends(course))
            if course.plan.fault is not None and not self._has_shown and self.failure is None:
                self.failure = f"the fault '{course.plan.fault}' did not show"
                yield course.fails(self.failure, None)
        finally:
            course.end()

    def _noted(self, lines: Iterator[Told]) -> Iterator[Told]:
        for told in lines:
            self._has_shown |= told.fault
            yield told

    def _ended_by(self, error: Exception) -> Iterator[Told]:
        """The wanted fault, or a failure."""
        course = self._course
        sentence = str(error) if isinstance(error, FaultShown) else shown_by(course, error)
        if sentence is None:
            yield from self._failed(error)
            return
        course.hear_out()
        yield from course.calls()
        yield course.shows_fault(sentence)

    def _failed(self, error: Exception) -> Iterator[Told]:
        course = self._course
        self.failure = words_of(error)
        yield from course.calls()
        yield course.fails(self.failure, course.look() if course.is_made else None)


def words_of(error: Exception) -> str:
    """`EPIPE: Broken pipe`, or what the error says."""
    if isinstance(error, OSError) and error.errno is not None:
        name = errno.errorcode.get(error.errno, str(error.errno))
        return f"{name}: {error.strerror or os.strerror(error.errno)}"
    return str(error)
