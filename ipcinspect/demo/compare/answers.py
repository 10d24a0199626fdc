"""How two ways of sending are put beside each other in words: every sentence comes from figures, whatever they say.

A duel has an outcome at each size: one is better, or no difference is seen because the spreads of the rounds meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from ipcinspect.demo.compare import figures
from ipcinspect.demo.compare.cases import SIZES, Case
from ipcinspect.demo.compare.figures import Figure, beside
from ipcinspect.demo.compare.rows import Results, Row
from ipcinspect.model.figures import size as short_size

_KIB, _MIB = 1 << 10, 1 << 20


class Measure(NamedTuple):
    """What is compared."""

    name: str
    """`one way`, `round trip`."""
    of: Callable[[Row], Figure | None]
    more_is_better: bool
    phrase: str
    """What is said of one that differs: with `{who}`, `{times}`, `{than}`."""
    of_the_worse: bool
    """Whether it is said of the worse of the two."""
    shown: Callable[[float, int], str]
    """A figure and the size of its message, for the reader."""


ONE_WAY = Measure(
    "one way",
    lambda row: row.one_way.messages_per_s if row.one_way else None,
    True,
    "{who} moves {times} as much{than}",
    False,
    lambda value, size: f"{short_size(value * size)}/s",
)
MESSAGE = Measure(
    "time of a message",
    lambda row: row.one_way.message_s if row.one_way else None,
    False,
    "a message takes {times} as long through {who}{than}",
    True,
    lambda value, size: figures.seconds(value),
)
ROUND_TRIP = Measure(
    "round trip",
    lambda row: row.round_trip.median_s if row.round_trip else None,
    False,
    "{who} answers {times} as fast{than}",
    False,
    lambda value, size: figures.seconds(value),
)
CPU = Measure(
    "CPU time of a round trip",
    lambda row: row.round_trip.cpu_s if row.round_trip else None,
    False,
    "{who} takes {times} the CPU time{than}",
    True,
    lambda value, size: figures.seconds(value),
)


class Basis(NamedTuple):
    """One pair of figures that a sentence rests on."""

    measure: str
    size: int
    first: str
    """Label of the case; likewise the second."""
    second: str
    ratio: float
    """Of the first figure to the second."""
    seen: bool
    """Whether they differ by more than the spread."""
    first_figure: Figure
    second_figure: Figure


class Answer(NamedTuple):
    """One sentence, and what it rests on."""

    rule: str
    text: str
    basis: tuple[Basis, ...]

    @property
    def ratio(self) -> float | None:
        """The largest ratio that is seen in it, as 1 or more; None where no difference is."""
        return max((max(one.ratio, 1 / one.ratio) for one in self.basis if one.seen), default=None)


class Outcome(NamedTuple):
    """How a duel went at one size."""

    size: int
    winner: int
    """1 the first, -1 the second, 0 no difference seen."""
    basis: Basis


class Duel(NamedTuple):
    """Two cases by one measure, at each size at which both were measured."""

    first: Case
    second: Case
    measure: Measure
    outcomes: tuple[Outcome, ...]

    @property
    def basis(self) -> tuple[Basis, ...]:
        """All figures."""
        return tuple(outcome.basis for outcome in self.outcomes)

    def label(self, winner: int) -> str:
        """Of the winner, 1 or -1; the opposite of a winner is the loser."""
        return self.first.label if winner > 0 else self.second.label


def duel(results: Results, first: Case, second: Case, measure: Measure, sizes: Iterable[int] = SIZES) -> Duel:
    """Without outcomes where nothing was measured of one of them."""
    outcomes = [_outcome(results, first, second, measure, size) for size in sizes]
    return Duel(first, second, measure, tuple(one for one in outcomes if one is not None))


def _outcome(results: Results, first: Case, second: Case, measure: Measure, size: int) -> Outcome | None:
    rows = results.row(first, size), results.row(second, size)
    one, other = (None if row is None else measure.of(row) for row in rows)
    if one is None or other is None or min(one.median, other.median) <= 0:
        return None
    verdict = beside(one, other)
    winner = verdict.larger if measure.more_is_better else -verdict.larger
    basis = Basis(measure.name, size, first.label, second.label, verdict.ratio, verdict.differs, one, other)
    return Outcome(size, winner, basis)


def judged(fought: Duel) -> str:
    """The whole sentence: who wins and from which size on, and by how much at each."""
    return f"{fought.measure.name[0].upper()}{fought.measure.name[1:]}, {head(fought)}: {clauses(fought)}"


def head(fought: Duel) -> str:
    """Who wins, and where."""
    both = f"{fought.first.label} and {fought.second.label}"
    runs = [(winner, [one.size for one in run]) for winner, run in groupby(fought.outcomes, _winner)]
    winners = {winner for winner, _ in runs if winner}
    last, largest = runs[-1]
    if not winners:
        return both
    if len(winners) == 2:
        return f"{_beats(fought, last)} from {size_words(largest[0])} on" if last else f"neither of {both} throughout"
    beats = _beats(fought, *winners)
    if len(runs) == 1:
        return f"{beats} at every size measured" if len(largest) > 1 else beats
    if len(runs) > 2:
        return f"{beats} at some sizes"
    return f"{beats} from {size_words(largest[0])} on" if last else f"{beats} up to {size_words(runs[0][1][-1])}"


def clauses(fought: Duel, than: bool = False) -> str:
    """By how much, for each run of sizes with the same outcome. `than`: whether the loser is named each time."""
    return "; ".join(_clause(fought, winner, list(run), than) for winner, run in groupby(fought.outcomes, _winner))


def _clause(fought: Duel, winner: int, run: Sequence[Outcome], than: bool) -> str:
    last, measure = run[-1].basis, fought.measure
    where = sized([outcome.size for outcome in run])
    first, second = (measure.shown(one.median, last.size) for one in (last.first_figure, last.second_figure))
    of = f" at {size_words(last.size)}" if len(run) > 1 else ""
    if not winner and not all(figures.are_enough(one.basis.first_figure, one.basis.second_figure) for one in run):
        return f"{where}too few rounds to tell ({first} and {second}{of})"
    if not winner:
        return f"{where}no difference seen ({first} and {second}{of}, within the spread)"
    told = -winner if measure.of_the_worse else winner
    ratios = sorted(max(outcome.basis.ratio, 1 / outcome.basis.ratio) for outcome in run)
    words = {
        "who": fought.label(told),
        "times": span(ratios),
        "than": f" as {fought.label(-told)}" if than else "",
    }
    mine, other = (first, second) if told > 0 else (second, first)
    return f"{where}{measure.phrase.format(**words)} ({mine} against {other}{of})"


def _winner(outcome: Outcome) -> int:
    return outcome.winner


def span(ratios: Sequence[float]) -> str:
    """`2.3 times`, or `1.2 to 2.3 times`; they are sorted, and 1 or more."""
    low, high = figures.amount(ratios[0]), figures.amount(ratios[-1])
    return f"{high} times" if low == high else f"{low} to {high} times"


def sized(sizes: Sequence[int]) -> str:
    """`at 64 B `, `at 64 B and 4 KiB `, `from 64 B to 64 KiB `; nothing where nothing has a size."""
    first, last = size_words(sizes[0]), size_words(sizes[-1])
    if not sizes[0]:
        return ""
    if len(sizes) > 2:
        return f"from {first} to {last} "
    return f"at {first} and {last} " if len(sizes) == 2 else f"at {last} "


def size_words(size: int) -> str:
    """`64 B`, `4 KiB`, `1 MiB`; what carries no bytes is a signal."""
    for unit, name in ((_MIB, "MiB"), (_KIB, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} B" if size else "signal"


def _beats(fought: Duel, winner: int) -> str:
    return f"{fought.label(winner)} wins over {fought.label(-winner)}"
