"""The pair of one case: starts it, has it play batches, and knows why it cannot."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ipcinspect.demo.compare.cases import Case
from ipcinspect.demo.compare.play import Batch, Played
from ipcinspect.demo.limits import Machine
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.process import DemoError, Silent
from ipcinspect.demo.runner import DemoPair
from ipcinspect.mechanisms.demo_part import Terms

LEAST_COUNT = 4
"""Messages of a batch."""
MOST_COUNT = 100_000
_PROBE = 8
_GROWS = 64
"""How many times longer the next try may be than the one before."""


class Player(Protocol):
    """What a bench needs of a pair: `DemoPair` is one."""

    def open(self) -> None: ...
    def play(self, sender: Batch, receiver: Batch, within_s: float) -> tuple[Played, Played]: ...
    def end(self) -> None: ...


Start = Callable[[Case, Terms], Player]
"""Makes the pair of a case. Raises OSError where the kernel refuses, DemoError where a process does not start."""


class Pace(NamedTuple):
    """How many messages a batch has."""

    one_way: int
    round_trip: int


def start_pair(case: Case, terms: Terms) -> Player:
    """A pair that tells of no calls and answers through the same channel where that goes both ways."""
    responses = case.demo.responses_of(case.variant)
    plan = Plan(
        case.mechanism,
        case.variant,
        size=terms.size,
        messages=terms.messages,
        blocking=terms.blocking,
        notification="read",
        response="same" if "same" in responses else "second",
        lock=terms.lock,
    )
    return DemoPair.start(case.room, plan, measured=True)


class Failed(Exception):
    """It could not be measured; the text is the reason."""


class Bench:
    """One case, from its start to its end. Where a batch fails its pair has ended; the next batch gets a new one."""

    def __init__(self, case: Case, start: Start, machine: Machine, within_s: float) -> None:
        """`within_s`: how long one batch may take."""
        self.case = case
        self._start, self._machine, self._within_s = start, machine, within_s
        self._pair: Player | None = None
        self._refused: str | None = None
        """Why there can be no pair."""

    def open(self) -> None:
        """Start the pair. What the kernel refuses is told to whoever wants it to play, and not tried again."""
        if self._refused is not None:
            return
        try:
            self._pair = self._start(self.case, self.case.terms(self._machine))
            self._pair.open()
        except (OSError, DemoError) as error:
            self._refused = words_of(error)
            self.end()

    def one_way(self, size: int, count: int) -> tuple[Played, Played]:
        """A batch in one direction. Raises Failed."""
        return self._play("send", "take", size, count)

    def round_trip(self, size: int, count: int) -> tuple[Played, Played]:
        """A batch of messages that are answered. Raises Failed."""
        return self._play("ask", "reply", size, count)

    def nothing(self, size: int, count: int) -> tuple[Played, Played]:
        """A batch of empty calls. Raises Failed."""
        return self._play("nothing", "nothing", size, count)

    def pace(self, size: int, batch_s: float, most_trips: int) -> Pace:
        """How many messages take about so long; what is measured for that does not count. Raises Failed."""
        messages = LEAST_COUNT
        if self.case.demo.carries_payload:
            messages = count_for(lambda count: _took(self.one_way(size, count)), batch_s, MOST_COUNT)
        return Pace(messages, count_for(lambda count: _took(self.round_trip(size, count)), batch_s, most_trips))

    def end(self) -> None:
        """End the pair and all it made. Safe to call twice."""
        if self._pair is not None:
            self._pair.end()
            self._pair = None

    def _play(self, sender: str, receiver: str, size: int, count: int) -> tuple[Played, Played]:
        refusal = self.case.refusal(size, self._machine)
        if refusal is not None:
            raise Failed(refusal)
        if self._pair is None and self._refused is None:
            self.open()
        if self._pair is None:
            raise Failed(self._refused)
        batch = Batch(sender, size, count, self.case.window(size, self._machine), self.case.framed)
        try:
            return self._pair.play(batch, batch._replace(part=receiver), self._within_s)
        except Silent as error:
            self.end()
            raise Failed(f"did not finish within {self._within_s:g} s") from error
        except (OSError, DemoError) as error:
            self.end()
            raise Failed(words_of(error)) from error


def count_for(took_s: Callable[[int], float], batch_s: float, most: int) -> int:
    """How many messages take `batch_s` seconds, `most` at most.

    `took_s`: sends so many and tells the seconds. The first messages are slow, so a try counts from a third of the time
    on that is wanted.
    """
    count = min(_PROBE, most)
    while (took := took_s(count)) < batch_s / 3 and count < most:
        wanted = round(count * batch_s / max(took, 1e-9))
        count = max(min(wanted, count * _GROWS, most), count + 1)
    return max(min(round(count * batch_s / max(took, 1e-9)), most), LEAST_COUNT)


def words_of(error: Exception) -> str:
    """`EMSGSIZE: Message too long`, or what the error says."""
    if isinstance(error, OSError) and error.errno is not None:
        (told,) = getattr(error, "__notes__", ("",))[:1]  # what another process said, without who was asked
        return f"{errno.errorcode.get(error.errno, error.errno)}: {told or os.strerror(error.errno)}"
    return str(error)


def _took(played: tuple[Played, Played]) -> float:
    sent, taken = played
    return (max(sent.ended_ns, taken.ended_ns) - sent.began_ns) * 1e-9
