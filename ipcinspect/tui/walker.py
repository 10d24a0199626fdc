"""Walks a demo in a thread of its own: goes on when the screen wishes it, and tells each line as a message.

The screen never waits for it: it sets a wish and goes on drawing. Whatever ends the thread ends the pair with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple, Protocol

from ipcinspect.demo import DemoError, DemoPair
from ipcinspect.demo.checking import PlanError, check
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.telling import Cast, Told
from ipcinspect.demo.walk import Walk, words_of
from ipcinspect.inspector import Inspector
from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.model.words import STAGES
from ipcinspect.sources.live import LiveSource

WISHES = ("line", "stage", "end")
"""How far to go: one line, to the end of the stage, through all that is left (but first to where a fault shows)."""
PACE_S = 0.12
"""Between two lines of a run: slower than ten pictures a second, and slow enough to be followed."""
_BEFORE_WITHIN_S = 15.0
"""How long a demo may take to end before the next one begins: one answer of a process, and its cleaning up."""


class Script(Protocol):
    """What a walk is to the screen; `Walk` is one."""

    def __next__(self) -> Told: ...
    def rest_of_stage(self) -> Iterator[Told]: ...
    def close(self) -> None: ...

    @property
    def cast(self) -> Cast | None: ...
    @property
    def payloads(self) -> tuple[bytes, ...]: ...


Begin = Callable[[Plan], Script]
"""Makes the walk of a plan. Raises PlanError where it is not possible; nothing is created yet."""


class Stepped(NamedTuple):
    """How far a walk has come."""

    lines: tuple[Told, ...] = ()
    """New ones."""
    cast: Cast | None = None
    payloads: tuple[bytes, ...] = ()
    is_over: bool = False
    """Whether it has ended: nothing of the pair is there any more."""
    failure: str | None = None
    """Why it could not begin, or broke off, in one sentence."""


def begin_live(plan: Plan) -> Script:
    """A walk over this machine, watched by an inspector of its own."""
    room = next(room for room in MECHANISMS if plan.mechanism == room.NAME)
    filled = check(plan, room)
    return Walk(lambda plan, hear: DemoPair.start(room, plan, hear=hear), filled, Inspector(LiveSource()))


class Walker:
    """One walk. The screen calls `wish` and `stop`; a thread of its own calls `run`."""

    def __init__(self, plan: Plan, begin: Begin, before: Walker | None = None, pace_s: float = PACE_S) -> None:
        """`before`: the walk that has to be gone first."""
        self.plan = plan
        self._begin = begin
        self._before = before
        self._pace_s = pace_s
        self._change = threading.Condition()
        self._wishes: list[str] = []
        self._stopped = False
        self.gone = threading.Event()
        """Set when nothing of it is left."""

    def wish(self, how_far: str) -> None:
        """Have it go on; a wish that comes while it is at another waits for its turn."""
        with self._change:
            if how_far == "end":
                self._wishes.clear()
            self._wishes.append(how_far)
            self._change.notify()

    def stop(self) -> None:
        """End it and its pair as soon as the call under way is answered. Does not wait."""
        with self._change:
            self._stopped = True
            self._change.notify()

    def run(self, tell: Callable[[Stepped], object]) -> None:
        """Do what is wished until it has ended or is stopped."""
        try:
            if self._before is not None and not self._before.gone.wait(_BEFORE_WITHIN_S):
                raise DemoError("the demo before this one has not ended yet")
            self._before = None
            script = self._begin(self.plan)
            with closing(script):
                self._walk(script, tell)
        except (PlanError, DemoError) as error:
            tell(Stepped(is_over=True, failure=str(error)))
        except OSError as error:
            tell(Stepped(is_over=True, failure=words_of(error)))
        finally:
            self.gone.set()

    def _walk(self, script: Script, tell: Callable[[Stepped], object]) -> None:
        while (wish := self._next_wish()) is not None:
            if wish == "stage":
                # nothing comes where the last line told was the last of its stage: then the next stage is meant
                lines = list(script.rest_of_stage()) or list(script.rest_of_stage())
                over = not lines or lines[-1].stage == STAGES[-1]
                tell(_stepped(script, lines, over))
                if over:
                    return
                continue
            while not self._stopped:
                try:
                    told = next(script)
                except StopIteration:
                    tell(_stepped(script, (), True))
                    return
                tell(_stepped(script, (told,), False))
                if wish == "line" or told.fault or self._rests():  # a fault is there to be looked at: it was wished for
                    break

    def _next_wish(self) -> str | None:
        """What to do next; waits for it. None where the walk shall end."""
        with self._change:
            self._change.wait_for(lambda: self._wishes or self._stopped)
            return None if self._stopped else self._wishes.pop(0)

    def _rests(self) -> bool:
        """Rest between two lines of a run; True where the run was stopped or something else is wished."""
        with self._change:
            return self._change.wait_for(lambda: self._stopped or bool(self._wishes), self._pace_s)


def _stepped(script: Script, lines: list[Told] | tuple[Told, ...], over: bool) -> Stepped:
    return Stepped(tuple(lines), script.cast, script.payloads, over)
