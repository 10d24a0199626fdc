"""The arithmetic of a comparison, without clocks and without I/O: medians, spreads, percentiles, who is faster."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

LEAST_ROUNDS = 2
"""Below that nothing is known of the spread."""
ENOUGH_ROUNDS = 5
"""Below that no difference counts: of 4 and 4 equal rounds all of one side lie above the other's 3 times in a hundred,
of 5 and 5 less than once (2 of 252 orders)."""
_TRIMMED_FROM, _QUARTERED_FROM = 8, 16
"""Rounds from which on the spread leaves out one on each side, or the lowest and the highest quarter.

So one round that was disturbed does not hide a difference. Two equal things seem to differ once in a hundred times:
2 * 65 of the 12,870 orders of 8 and 8 rounds are such, 2 * 3,640,657 of the 601,080,390 of 16 and 16. That is so while
each round is as likely to be slow as any other, which is why pairs are started anew in between.
"""
LEAST_TIMES = 100
"""Single times below which there is no 99th percentile."""


class Figure(NamedTuple):
    """What several rounds gave."""

    median: float
    low: float
    """The lowest and the highest of the rounds; of many rounds without the outermost (`outside`)."""
    high: float
    rounds: int


class Verdict(NamedTuple):
    """One figure beside another."""

    ratio: float
    """Of the first to the second, by their medians."""
    differs: bool
    """False where the spreads meet: then the rounds do not tell which is larger."""

    @property
    def larger(self) -> int:
        """1 where the first is larger, -1 where the second, 0 where no difference is seen."""
        return 0 if not self.differs else 1 if self.ratio > 1 else -1


def figure(values: Sequence[float]) -> Figure | None:
    """Of one value a round; None without any."""
    if not values:
        return None
    ordered = sorted(values)
    out = outside(len(ordered))
    return Figure(median(ordered), ordered[out], ordered[-1 - out], len(ordered))


def outside(rounds: int) -> int:
    """How many rounds the spread leaves out on each side."""
    return rounds // 4 if rounds >= _QUARTERED_FROM else int(rounds >= _TRIMMED_FROM)


def beside(first: Figure, second: Figure) -> Verdict:
    """Which of two is larger. Both are above 0."""
    apart = first.low > second.high or second.low > first.high
    return Verdict(first.median / second.median, apart and are_enough(first, second))


def are_enough(first: Figure, second: Figure) -> bool:
    """Whether both have so many rounds that these could tell them apart."""
    return min(first.rounds, second.rounds) >= ENOUGH_ROUNDS


def percentile(values: Sequence[float], percent: float) -> float | None:
    """By nearest rank; None where there are fewer than `LEAST_TIMES`."""
    if len(values) < LEAST_TIMES:
        return None
    return sorted(values)[math.ceil(percent / 100 * len(values)) - 1]


def times(ratio: float) -> str:
    """`1.04 times`, `2.3 times`, `410 times`: how often the smaller is in the larger; `ratio` may be either way."""
    larger = max(ratio, 1 / ratio) if ratio > 0 else math.inf
    return f"{amount(larger)} times"


def amount(number: float) -> str:
    """A number of 1 or more to the digits that measuring gives."""
    if number < 1.095:
        return f"{number:.2f}"
    return f"{number:.1f}" if number < 9.95 else f"{number:.0f}"


def seconds(value: float) -> str:
    """`850 ns`, `12 µs`, `1.2 ms`, `2.1 s`: a short time in at most 6 cells."""
    for unit, one in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)):
        shown = value / one
        if shown < 999.5:
            return f"{shown:.1f} {unit}" if shown < 9.95 and unit != "ns" else f"{shown:.0f} {unit}"
    return f"{value:.1f} s"
