"""The sentences: whatever the figures are, they say that and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcinspect.demo.compare import figures, rules
from ipcinspect.demo.compare.answers import CPU, MESSAGE, ONE_WAY, ROUND_TRIP, Measure, clauses, duel, judged
from ipcinspect.demo.compare.cases import FULL, NONE, QUICK, SIZES, Case
from ipcinspect.demo.compare.rows import Results, Row
from ipcinspect.demo.compare.rules import MEMORY, PIPE, RULES, STREAM, SYSV, answers
from tests.demo.compare.made import around, results, row

A, B = PIPE, STREAM
every_measure = pytest.mark.parametrize("measure", [ONE_WAY, MESSAGE, ROUND_TRIP, CPU], ids=lambda one: one.name)
speeds = st.lists(st.floats(1, 1e7), min_size=len(SIZES), max_size=len(SIZES))
spreads = st.floats(0, 0.9)


def two(first: list[float], second: list[float], spread: float = 0.01, cases: tuple[Case, Case] = (A, B)) -> Results:
    """Two cases with so many messages a second, and round trips as long as two of them take."""
    return results(
        row(case, size, speed, 2 / speed, spread)
        for case, speeds in zip(cases, (first, second), strict=True)
        for size, speed in zip(SIZES, speeds, strict=True)
    )


@every_measure
@given(first=speeds, second=speeds, spread=spreads)
def test_when_the_figures_change_sides_so_do_the_names(
    measure: Measure, first: list[float], second: list[float], spread: float
) -> None:
    there = judged(duel(two(first, second, spread), A, B, measure))
    back = judged(duel(two(second, first, spread), A, B, measure))
    renamed = {A.label: B.label, B.label: A.label}
    names = re.compile("|".join(map(re.escape, renamed)))
    sides = judged(duel(two(first, second, spread, (B, A)), B, A, measure))
    assert names.sub(lambda found: renamed[found.group()], sides) == there
    for winner in (A.label, B.label):
        assert (f"{winner} wins" in there) == (f"{renamed[winner]} wins" in back)


def everywhere(one: Row) -> Row:
    """The same row, its rounds so far apart that they tell nothing."""
    assert one.one_way is not None
    assert one.round_trip is not None
    flow, trip = one.one_way, one.round_trip
    wide = {"low": 0.0, "high": 1e12}
    flow = flow._replace(messages_per_s=flow.messages_per_s._replace(**wide), message_s=flow.message_s._replace(**wide))
    trip = trip._replace(median_s=trip.median_s._replace(**wide), cpu_s=trip.cpu_s._replace(**wide))
    return one._replace(one_way=flow, round_trip=trip)


@every_measure
@given(first=speeds, second=speeds)
def test_spreads_that_meet_always_say_that_no_difference_is_seen(
    measure: Measure, first: list[float], second: list[float]
) -> None:
    met = results(everywhere(one) for one in two(first, second))
    fought = duel(met, A, B, measure)
    assert [outcome.winner for outcome in fought.outcomes] == [0] * len(SIZES)
    text = judged(fought)
    assert "no difference seen" in text
    assert "wins" not in text
    assert "times" not in clauses(fought)


@every_measure
@given(first=speeds, second=speeds, spread=spreads)
def test_every_ratio_in_a_sentence_is_one_of_the_medians(
    measure: Measure, first: list[float], second: list[float], spread: float
) -> None:
    fought = duel(two(first, second, spread), A, B, measure)
    true = {figures.amount(max(one.ratio, 1 / one.ratio)) for one in fought.basis if one.seen}
    told = re.findall(r"(?:([\d.]+) to )?([\d.]+) times", clauses(fought))
    assert {number for pair in told for number in pair if number} <= true
    for outcome in fought.outcomes:
        better = outcome.basis.first_figure.median > outcome.basis.second_figure.median
        if outcome.winner:
            assert (outcome.winner > 0) == (better == measure.more_is_better)


def test_it_is_told_from_which_size_on_one_wins() -> None:
    text = judged(duel(two([100, 100, 100, 300], [300, 200, 100, 100]), A, B, ONE_WAY))
    assert text == (
        "One way, pipe wins over unix stream from 1 MiB on: "
        "at 64 B and 4 KiB unix stream moves 2.0 to 3.0 times as much (800K/s against 400K/s at 4 KiB); "
        "at 64 KiB no difference seen (6.2M/s and 6.2M/s, within the spread); "
        "at 1 MiB pipe moves 3.0 times as much (300M/s against 100M/s)"
    )


@pytest.mark.parametrize(
    ("second", "head"),
    [
        ([50] * 4, "pipe wins over unix stream at every size measured"),
        ([200] * 4, "unix stream wins over pipe at every size measured"),
        ([100] * 4, "pipe and unix stream"),
        ([50, 50, 100, 100], "pipe wins over unix stream up to 4 KiB"),
        ([100, 50, 50, 50], "pipe wins over unix stream from 4 KiB on"),
        ([100, 50, 100, 50], "pipe wins over unix stream at some sizes"),
        ([200, 50, 100, 100], "neither of pipe and unix stream throughout"),
        ([50, 200, 50, 200], "unix stream wins over pipe from 1 MiB on"),
    ],
)
def test_the_head_says_where_one_wins(second: list[float], head: str) -> None:
    assert judged(duel(two([100] * 4, second), A, B, ONE_WAY)).startswith(f"One way, {head}: ")


def test_less_time_wins_a_round_trip_and_more_cpu_time_is_told_of_the_worse() -> None:
    slow_a = two([100] * 4, [200] * 4)
    assert clauses(duel(slow_a, A, B, ROUND_TRIP)) == (
        "from 64 B to 1 MiB unix stream answers 2.0 times as fast (10 ms against 20 ms at 1 MiB)"
    )
    assert clauses(duel(slow_a, A, B, CPU)) == (
        "from 64 B to 1 MiB pipe takes 2.0 times the CPU time (10 ms against 5.0 ms at 1 MiB)"
    )


def test_without_figures_nothing_is_said() -> None:
    assert answers(results([])) == ()
    only_reasons = [row(case, size, None, None, reason="EMFILE") for case in QUICK for size in case.sizes]
    assert answers(results(only_reasons)) == ()
    assert answers(results([row(PIPE, 64, 100, 0.1)], None)) == ()


def test_what_a_queue_does_not_carry_is_told_with_the_limit() -> None:
    rows = [row(MEMORY, size, 100, 0.1) for size in SIZES]
    rows += [row(SYSV, size, 200, 0.05) for size in SIZES[:2]]
    rows += [row(SYSV, size, None, None, reason="at most 8192 (/proc/sys/kernel/msgmax)") for size in SIZES[2:]]
    said = [one.text for one in answers(results(rows)) if one.rule == "memory-or-queue"]
    assert len(said) == 2
    assert all(
        text.endswith("; sysv-msg was not measured with 64 KiB (at most 8192 (/proc/sys/kernel/msgmax)).")
        for text in said
    )


def everything(speed: float = 100.0) -> list[str]:
    """What is said where each case is a little faster than the one before it in the register."""
    rows = [
        row(case, size, speed * 1.5**place if size != NONE else None, 1 / (speed * 1.5**place))
        for place, case in enumerate(FULL)
        for size in case.sizes
    ]
    return [one.rule for one in answers(results(rows, around(1e-6)))]


def test_every_rule_answers_where_everything_is_measured() -> None:
    assert list(dict.fromkeys(everything())) == [rule.name for rule in RULES]


def test_every_answer_rests_on_figures_and_has_its_largest_ratio() -> None:
    rows = [
        row(case, size, 100.0 * (place + 1) if size != NONE else None, 1 / (place + 1))
        for place, case in enumerate(FULL)
        for size in case.sizes
    ]
    for one in answers(results(rows, around(1e-6))):
        assert one.basis
        seen = [basis for basis in one.basis if basis.seen]
        assert (one.ratio is None) == (not seen)
        assert one.ratio is None or one.ratio >= 1


def test_all_that_the_rules_compare_is_measured_also_quickly() -> None:
    named = [value for value in vars(rules).values() if isinstance(value, Case)]
    named += [*rules.LOCKED, *rules.OTHER_MEMORY]
    assert len(named) > 10
    assert set(named) <= set(QUICK)


def test_rules_have_names_of_their_own() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len(set(names))
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", name) for name in names)
    assert all(rule.question.endswith("?") for rule in RULES)


def test_the_part_of_the_harness_is_told_beside_the_fastest() -> None:
    rows = [row(PIPE, 64, 500_000, 1e-5), row(STREAM, 64, 250_000, 1e-5)]
    (said,) = [one for one in answers(results(rows, around(1e-6))) if one.rule == "harness"]
    assert said.text == (
        "An empty send and an empty receive take 1.0 µs in this harness, "
        "50% of the 2.0 µs of a message of 64 B through pipe, the fastest by its median."
    )


def test_memory_that_makes_no_system_call_is_said_to_be_python_and_memory_alone() -> None:
    rows = [row(PIPE, 64, 500_000, 1e-5), row(rules.BARE_POLLED, 64, 400_000, 1e-5)]
    _, said = [one for one in answers(results(rows, around(1e-6))) if one.rule == "harness"]
    assert "the 2.5 µs of a message of 64 B through posix-shm no lock polling are Python" in said.text
    (basis,) = said.basis
    assert (basis.first, basis.second, basis.ratio) == ("harness", "posix-shm no lock polling", pytest.approx(0.4))


def test_what_could_not_be_measured_on_one_side_is_a_sentence_with_the_reason() -> None:
    rows = [row(rules.MEMORY, 64, None, None, reason="ENOSPC: No space left on device"), row(PIPE, 64, 500, 1e-5)]
    said = [one for one in answers(results(rows)) if one.rule == "memory-or-stream"]
    why = "posix-shm futex was not measured with 64 B (ENOSPC: No space left on device)."
    assert [one.text for one in said] == [f"One way is not told; {why}", f"Round trip is not told; {why}"]
    assert [(one.ratio, one.basis) for one in said] == [(None, ())] * 2


def test_too_few_rounds_are_said_to_be_too_few_and_not_to_be_equal() -> None:
    few = [
        row(case, 64, per_s, 1e-5)._replace(
            one_way=row(case, 64, per_s, 1e-5).one_way._replace(messages_per_s=around(per_s, rounds=4))  # type: ignore[union-attr]
        )
        for case, per_s in ((PIPE, 500), (STREAM, 100))
    ]
    (said,) = [one for one in answers(results(few)) if one.text.startswith("One way")]
    assert "at 64 B too few rounds to tell" in said.text
