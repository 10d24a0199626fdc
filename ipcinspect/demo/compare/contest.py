"""Lets all cases play in turn, round after round, so that whatever else the machine does falls on all of them alike.

    with contextlib.closing(Contest(QUICK, QUICKLY)) as contest:
        for progress in contest:
            ...
    contest.results()

All pairs are there before the first batch; while a batch runs this process sleeps. After some rounds all are started
anew: two processes can be slow or fast for as long as they live (measured), which rounds of these two alone hide.
Whatever ends it ends the pairs.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ipcinspect.demo.checking import PROC
from ipcinspect.demo.compare.bench import Bench, Failed, Pace, Start, start_pair
from ipcinspect.demo.compare.cases import ORDER, Case
from ipcinspect.demo.compare.figures import ENOUGH_ROUNDS, figure
from ipcinspect.demo.compare.play import MOST_TRIPS
from ipcinspect.demo.compare.rows import Results, Tally
from ipcinspect.demo.limits import Machine

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

THIS_MACHINE = Machine(PROC)
_EMPTY_CALLS = 2000
_MOST_AT_ONCE = 4
"""Pairs that are started or ended at the same time."""


class Effort(NamedTuple):
    """How thoroughly it is measured."""

    rounds: int
    """That count: one before them, and after each new start, is thrown away."""
    starts: int
    """How often the pairs are started, each time for as many of the rounds."""
    batch_s: float
    """How long a batch is to take."""
    within_s: float
    """How long it may take."""
    whole_s: float
    """How long all of it should take at most: on a machine that is behind, rounds and starts are left out, as long as
    differences can be told."""


QUICKLY = Effort(8, 2, 0.005, 3.0, 18.0)
FULLY = Effort(16, 4, 0.03, 10.0, 240.0)


class Progress(NamedTuple):
    """How far it has come."""

    done: float
    """0 to 1."""
    left_s: float | None
    """Seconds that are left, by what it took so far; None before anything is known of that."""
    what: str
    """What is done now."""
    number: int = 0
    """Of the round that is or was last; 0 before the first that counts."""


class Contest:
    """One comparison: an iterator of how far it is. What was measured can be asked for at any time."""

    def __init__(
        self,
        cases: Iterable[Case],
        effort: Effort,
        start: Start = start_pair,
        clock: Callable[[], float] = time.monotonic,
        machine: Machine = THIS_MACHINE,
    ) -> None:
        """Nothing is started before the first step is asked for."""
        self.effort = effort
        """With the starts that are not left out."""
        self._clock, self._machine = clock, machine
        self._benches = [Bench(case, start, machine, effort.within_s) for case in cases]
        self._entries: list[_Entry] = []
        self._empty_s: list[float] = []
        self._steps = self._run()

    def __iter__(self) -> Iterator[Progress]:
        return self._steps

    def close(self) -> None:
        """End all pairs, wherever it stands. Safe to call twice."""
        self._steps.close()

    def results(self) -> Results:
        """What is measured by now."""
        return Results([entry.tally.row() for entry in self._entries], figure(self._empty_s))

    def _run(self) -> Generator[Progress, None, None]:
        entries = [_Entry(bench, size) for size in ORDER for bench in self._benches if size in bench.case.sizes]
        rounds, starts = self.effort.rounds, self.effort.starts
        turn_s = self.effort.batch_s * 2  # one way and round trips
        steps = _Steps(len(self._benches) * starts, len(entries) * (rounds + starts), turn_s, self._clock)
        try:
            for start in range(starts):
                done, last = rounds * start // starts, rounds * (start + 1) // starts
                if start and steps.is_behind(self.effort.whole_s):
                    steps.left_out(len(self._benches), len(entries))
                    self.effort = self.effort._replace(starts=self.effort.starts - 1)
                else:
                    yield from self._start(done, steps)
                    self._entries = entries
                    yield from self._try_out(done, steps)
                for number in range(done + 1, last + 1):
                    yield from self._round(number, steps)
        finally:
            self._end()

    def _start(self, done: int, steps: _Steps) -> Generator[Progress, None, None]:
        """New pairs for all cases that can have one; the old ones end."""
        yield steps.progress("starting the processes")._replace(number=done)
        self._end()
        for _ in self._all_at_once([bench.open for bench in self._benches]):
            yield steps.started()._replace(number=done)

    def _end(self) -> None:
        for _ in self._all_at_once([bench.end for bench in self._benches]):
            pass

    def _try_out(self, done: int, steps: _Steps) -> Generator[Progress, None, None]:
        """Each case shows how many messages a batch takes, which does not count."""
        for entry in self._entries:
            entry.prepare(self.effort.batch_s)
            yield steps.played(f"{entry.told}, trying out: {entry.bench.case.label}")._replace(number=done)

    def _round(self, number: int, steps: _Steps) -> Generator[Progress, None, None]:
        """All cases at all sizes, once."""
        is_left_out = number > ENOUGH_ROUNDS and steps.is_behind(self.effort.whole_s)
        for entry in self._entries:
            if not is_left_out:
                if entry is self._entries[0]:
                    self._empty_s += entry.empty_call_s()
                entry.turn()
            what = f"{entry.told}, round {number} of {self.effort.rounds}: {entry.bench.case.label}"
            yield steps.played(what)._replace(number=number)

    def _all_at_once(self, acts: Sequence[Callable[[], None]]) -> Generator[None, None, None]:
        """A few at the same time: starting Python takes longer than measuring. Whatever has begun is waited for."""
        from concurrent.futures import ThreadPoolExecutor  # 10 ms that --help does not need

        workers = max(min(len(os.sched_getaffinity(0)), _MOST_AT_ONCE), 1)
        pool = ThreadPoolExecutor(workers)
        try:
            for act, future in [(act, _submitted(pool, act)) for act in acts]:
                act() if future is None else future.result()
                yield
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _submitted(pool: Executor, act: Callable[[], None]) -> Future[None] | None:
    """None where no thread can be had (RLIMIT_NPROC) that would do it."""
    try:
        return pool.submit(act)
    except RuntimeError:
        return None


class _Entry:
    """One case at one size."""

    def __init__(self, bench: Bench, size: int) -> None:
        self.bench = bench
        self.tally = Tally(bench.case, size)
        self._pace: Pace | None = None

    @property
    def told(self) -> str:
        """What is sent."""
        return f"{self.tally.size} bytes" if self.tally.size else "signals"

    def prepare(self, batch_s: float) -> None:
        """Find out how many messages a batch takes, or why none can be sent; what has failed stays so."""
        if self.tally.reason is not None:
            return
        with self._noting():
            self._pace = self.bench.pace(self.tally.size, batch_s, MOST_TRIPS)

    def turn(self) -> None:
        """One round; none any more after it has failed."""
        if self._pace is None or self.tally.reason is not None:
            return
        size, (messages, trips) = self.tally.size, self._pace
        with self._noting():
            if self.bench.case.demo.carries_payload:
                self.tally.add_one_way(*self.bench.one_way(size, messages), messages)
            self.tally.add_round_trip(*self.bench.round_trip(size, trips), trips)

    def empty_call_s(self) -> list[float]:
        """Seconds of an empty send and an empty receive; nothing where it fails."""
        with contextlib.suppress(Failed):
            return [self.bench.nothing(self.tally.size, _EMPTY_CALLS)[0].took_s / _EMPTY_CALLS]
        return []

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except Failed as failure:
            self.tally.reason = str(failure)


class _Steps:
    """Counts what is done, in seconds as planned, and from that what is left."""

    _START_S = 0.1
    """Starting and ending a pair while others are, roughly."""

    def __init__(self, starts: int, turns: int, turn_s: float, clock: Callable[[], float]) -> None:
        self._clock, self._began, self._turn_s = clock, clock(), turn_s
        self._all = starts * self._START_S + turns * turn_s
        self._done = 0.0

    def started(self) -> Progress:
        """A pair is there."""
        self._done += self._START_S
        return self.progress("starting the processes")

    def played(self, what: str) -> Progress:
        """A case has had its turn."""
        self._done += self._turn_s
        return self.progress(what)

    def left_out(self, starts: int, turns: int) -> None:
        """So many starts and turns are not done after all."""
        self._done += starts * self._START_S + turns * self._turn_s

    def is_behind(self, whole_s: float) -> bool:
        """Whether more of the time is over than is done."""
        return self._clock() - self._began > whole_s * self._done / self._all

    def progress(self, what: str) -> Progress:
        """How far it is now."""
        part = self._done / self._all if self._all else 1.0
        took = self._clock() - self._began
        return Progress(part, took * (1 - part) / part if part else None, what)
