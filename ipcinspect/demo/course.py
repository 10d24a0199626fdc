"""Where a walk stands: the pair, what it has said and was not told yet, what was sent and taken so far."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from ipcinspect.demo import limits
from ipcinspect.demo.checking import PROC
from ipcinspect.demo.formats import Value
from ipcinspect.demo.limits import Machine
from ipcinspect.demo.pairing import Pair, PairStarter
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.process import DemoError
from ipcinspect.demo.telling import SIDES, Cast, Evidence, Told
from ipcinspect.demo.watching import Watching
from ipcinspect.inspector import Inspector
from ipcinspect.kernel import procfs
from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.mechanisms.room import Demo

_BEGINS_WITHIN_S = 1.0
_HEARS_EACH_S = 0.01
_HEARS_SOON_S = 0.001
"""Long enough for what was said before."""
LOOKS = 4
"""Messages of one walk after which the channel is looked at, beside the last one: a look costs 30 ms and more."""


class Course:
    """What all stages of one walk share."""

    def __init__(self, start: PairStarter, plan: Plan, inspector: Inspector, clock: Callable[[], float]) -> None:
        self.plan = plan
        self.stage = ""
        self.values: list[Value] = []
        self.payloads: list[bytes] = []
        self.sent = 0
        """Messages that the sender's calls have accepted."""
        self.received: list[bytes] = []
        self.first_sent_at: float | None = None
        self.first_arrived_at: float | None = None
        """When the call returned that waited for the first message; None where none waited for it."""
        self.killed: set[str] = set()
        """Sides that died of what the walk did."""
        self._start = start
        self._inspector = inspector
        self._clock = clock
        self._began = clock()
        self._heard: list[tuple[str, Report]] = []
        self._pair: Pair | None = None
        self._watching: Watching | None = None

    @property
    def pair(self) -> Pair:
        """The two processes."""
        assert self._pair is not None, "before it was made"
        return self._pair

    @property
    def limited_by(self) -> str:
        """Which limit a demo of this mechanism can lower for itself."""
        name = self.plan.mechanism
        return next((room.DEMO.limited_by or "" for room in MECHANISMS if name == room.NAME and room.DEMO), "")

    @property
    def longest(self) -> tuple[int, str | None] | None:
        """Bytes that one message may have, and where that stands; None where there is no limit."""
        made = self.pair.made
        if made.most_bytes is not None:
            return made.most_bytes, made.limit_told_by
        if self.plan.variant not in self.demo.bounded:
            return None
        return limits.longest(self.plan.mechanism, self.plan.variant or "", Machine(PROC))

    @property
    def last_refusal(self) -> Report | None:
        """The last call that failed and was not told yet."""
        return next((report for _, report in reversed(self._heard) if report.errno is not None), None)

    @property
    def is_made(self) -> bool:
        """Whether there are processes and a channel."""
        return self._pair is not None

    @property
    def demo(self) -> Demo:
        """What the mechanism can show."""
        assert self.pair.room.DEMO is not None
        return self.pair.room.DEMO

    @property
    def watching(self) -> Watching:
        """Who looks at the channel."""
        assert self._watching is not None, "before the pair was made"
        return self._watching

    def make(self) -> None:
        """Start the processes. Raises OSError or DemoError."""
        self._pair = self._start(self.plan, self.hear)
        self._watching = Watching(self._inspector, self._pair)

    def end(self) -> None:
        """End what there is. Safe to call twice."""
        if self._pair is not None:
            self._pair.end()

    def hear(self, side: str, report: Report) -> None:
        """What a process says of a call of its own."""
        self._heard.append((side, report))

    def hear_of(self, side: str) -> None:
        """Wait until a process has begun the call that it sleeps in; where it makes none, only for a moment."""
        until = self._clock() + _BEGINS_WITHIN_S
        while not any(one == side and report.took_s is None for one, report in self._heard):
            left = until - self._clock()
            if left <= 0:
                return
            self.pair.listen(min(left, _HEARS_EACH_S))

    def falls_asleep(self, side: str) -> Iterator[Told]:
        """Wait until a process sleeps in a call, and tell of it; of none where it comes to none soon.

        The call is told once more when it has returned.
        """
        pid = self.pair.sender_pid if side == "a" else self.pair.receiver_pid
        until = self._clock() + _BEGINS_WITHIN_S
        while self._clock() < until:
            begun = self._last_of(side)
            asleep = begun is not None and begun.took_s is None and procfs.sleeps(PROC, pid)
            self.pair.listen(_HEARS_SOON_S if asleep else _HEARS_EACH_S)
            if asleep and begun is not None and begun is self._last_of(side):  # it had not come back from it before
                self._heard.remove((side, begun))
                yield self._told(side, begun.began_at - self._began)._replace(report=begun)
                return

    def _last_of(self, side: str) -> Report | None:
        return next((report for one, report in reversed(self._heard) if one == side), None)

    def hear_out(self) -> None:
        """Both come back from what they were asked, or are known to sleep in it."""
        if self.is_made:
            for side in SIDES[1:]:
                with contextlib.suppress(DemoError):  # it is dead: there is nothing to hear
                    self.pair.sleeps(side)

    def done(self, side: str) -> list[Report]:
        """The calls of a side that have returned and were not told yet."""
        return [report for one, report in self._heard if one == side and report.took_s is not None]

    def calls(self, sides: Sequence[str] = SIDES) -> Iterator[Told]:
        """Tell what these sides did and was not told yet: a call once it has returned, or that it sleeps."""
        mine = [(side, report) for side, report in self._heard if side in sides]
        self._heard = [(side, report) for side, report in self._heard if side not in sides]
        returned = {(side, report.began_at) for side, report in mine if report.took_s is not None}
        for side, report in sorted(mine, key=lambda row: row[1].began_at):
            if report.took_s is not None or (side, report.began_at) not in returned:
                yield self._told(side, report.began_at - self._began)._replace(report=report)

    def says(self, sentence: str, evidence: Evidence | None = None, side: str | None = None) -> Told:
        """A line that is not a call."""
        return self._told(side, self._clock() - self._began)._replace(says=sentence, evidence=evidence)

    def fails(self, sentence: str, evidence: Evidence | None) -> Told:
        """The line at which the walk ends."""
        return self.says(sentence, evidence)._replace(failed=True)

    def shows_fault(self, sentence: str) -> Told:
        """The line at which the wanted fault is to be seen."""
        return self.says(sentence, self.look() if self.is_made else None)._replace(fault=True)

    def kill(self, side: str) -> None:
        """One of the two dies, as of a crash."""
        self.killed.add(side)
        (self.pair.kill_sender if side == "a" else self.pair.kill_receiver)()

    def shows(self) -> Told:
        """What the kernel shows now."""
        return self._told(None, self._clock() - self._began)._replace(evidence=self.look())

    def _told(self, side: str | None, at_s: float) -> Told:
        killed = tuple(sorted(self.killed))
        return Told(self.stage, side, at_s, sent=self.sent, taken=len(self.received), killed=killed)

    @property
    def cast(self) -> Cast | None:
        """Who takes part; None before the processes are there."""
        if self._pair is None:
            return None
        return Cast(self._pair.maker_pid, self._pair.sender_pid, self._pair.receiver_pid)

    def look(self) -> Evidence:
        """What the kernel shows now."""
        is_closing = self.stage == "termination"
        waiting = self.payloads[: self.sent] if self.demo.carries_payload and not is_closing else []
        return self.watching.look(waiting)

    def is_looked_at(self, number: int) -> bool:
        """Whether the channel is looked at after this message."""
        return number <= LOOKS or number == self.plan.messages

    def rest(self, seconds: float) -> None:
        """Let time pass, hearing what the processes say meanwhile."""
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0:
            self.pair.listen(left)

    def rest_until_next(self, number: int) -> None:
        """Keep to the plan's rate before the message of this number."""
        if self.plan.rate is not None and number > 1 and self.first_sent_at is not None:
            self.rest(max(self.first_sent_at + (number - 1) / self.plan.rate - time.monotonic(), 0.0))
