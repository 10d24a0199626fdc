"""The arithmetic of a comparison."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcinspect.demo.compare import figures
from ipcinspect.demo.compare.figures import ENOUGH_ROUNDS, LEAST_TIMES, Figure, beside, figure, percentile

measured = st.floats(1e-9, 1e9)
rounds = st.lists(measured, min_size=1, max_size=20)


def test_few_rounds_spread_from_the_lowest_to_the_highest() -> None:
    assert figure([3.0, 1.0, 10.0]) == Figure(3.0, 1.0, 10.0, 3)


def test_of_many_rounds_one_that_was_disturbed_is_not_in_the_spread() -> None:
    assert figure([100.0, *map(float, range(1, 8)), 0.001]) == Figure(4.0, 1.0, 7.0, 9)


def test_of_very_many_rounds_the_spread_is_that_of_the_middle_half() -> None:
    assert figure([float(number) for number in range(16)]) == Figure(7.5, 4.0, 11.0, 16)


@pytest.mark.parametrize("rounds", [2, 5, 7, 8, 12, 15, 16, 20])
def test_two_equal_things_seem_to_differ_seldom(rounds: int) -> None:
    """Of all orders that the rounds of both can come in, how many keep the middle parts apart.

    That is where at most `out` of one lie among the first half of all, and the same the other way round.
    """
    out = figures.outside(rounds)
    apart = 2 * sum(math.comb(rounds, number) ** 2 for number in range(out + 1))
    chance = apart / math.comb(2 * rounds, rounds)
    assert chance < (0.013 if rounds >= 5 else 0.4)


def test_without_rounds_there_is_no_figure() -> None:
    assert figure([]) is None


@given(rounds)
def test_the_median_lies_within_the_spread(values: list[float]) -> None:
    found = figure(values)
    assert found is not None
    assert found.low <= found.median <= found.high
    assert found.median == statistics.median(values)
    assert found.rounds == len(values)


@given(rounds, rounds)
def test_of_two_figures_the_other_is_larger_when_they_change_places(one: list[float], other: list[float]) -> None:
    first, second = figure(one), figure(other)
    assert first is not None
    assert second is not None
    there, back = beside(first, second), beside(second, first)
    assert there.larger == -back.larger
    assert there.ratio * back.ratio == pytest.approx(1)


@given(rounds, rounds)
def test_a_difference_is_seen_only_where_the_spreads_do_not_meet(one: list[float], other: list[float]) -> None:
    first, second = figure(one), figure(other)
    assert first is not None
    assert second is not None
    meet = first.low <= second.high and second.low <= first.high
    verdict = beside(first, second)
    assert verdict.differs == (not meet and min(len(one), len(other)) >= ENOUGH_ROUNDS)
    assert (verdict.larger != 0) == verdict.differs


def test_too_few_rounds_prove_no_difference() -> None:
    few, often = Figure(1.0, 1.0, 1.0, ENOUGH_ROUNDS - 1), Figure(100.0, 99.0, 101.0, ENOUGH_ROUNDS)
    assert not beside(few, often).differs
    assert beside(few._replace(rounds=ENOUGH_ROUNDS), often).differs


def test_a_percentile_needs_enough_single_times() -> None:
    times = [float(number) for number in range(1, LEAST_TIMES + 1)]
    assert percentile(times, 99) == 99.0
    assert percentile(times[1:], 99) is None


@given(st.lists(measured, min_size=LEAST_TIMES, max_size=300))
def test_one_in_a_hundred_is_above_the_99th_percentile_at_most(times: list[float]) -> None:
    found = percentile(times, 99)
    assert found in times
    assert sum(one > found for one in times) <= len(times) / 100


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (2.4e-9, "2 ns"),
        (8.5e-7, "850 ns"),
        (9.996e-7, "1.0 µs"),
        (1.234e-5, "12 µs"),
        (0.0012, "1.2 ms"),
        (0.9996, "1.0 s"),
        (2.11, "2.1 s"),
    ],
)
def test_short_times_are_told_in_their_unit(value: float, told: str) -> None:
    assert figures.seconds(value) == told


@given(st.floats(1e-9, 99))
def test_short_times_fit_their_column(value: float) -> None:
    assert len(figures.seconds(value)) <= 6


@pytest.mark.parametrize(("ratio", "told"), [(1.02, "1.02"), (1.1, "1.1"), (2.34, "2.3"), (9.96, "10"), (411.2, "411")])
def test_ratios_have_the_digits_that_measuring_gives(ratio: float, told: str) -> None:
    assert figures.amount(ratio) == told
