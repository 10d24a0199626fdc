"""Orders: worst first, and by one figure."""

from __future__ import annotations

import random

import pytest

from ipcinspect.model.words import STATES
from ipcinspect.selection import WordError
from ipcinspect.selection.order import ORDERS, SEVERITY_OF_STATE, condition, parse_order
from tests.fakes import channel, endpoint, pipe, process

A, B = process(10, "a"), process(20, "b")


def test_every_state_has_a_severity_and_no_two_the_same_rank() -> None:
    assert set(SEVERITY_OF_STATE) == {*STATES, "contended"}
    assert sorted(severity.rank for severity in SEVERITY_OF_STATE.values()) == list(range(len(SEVERITY_OF_STATE)))


def test_roles_get_milder_with_the_rank() -> None:
    roles = [severity.role for severity in sorted(SEVERITY_OF_STATE.values())]
    assert [role for place, role in enumerate(roles) if role not in roles[:place]] == [
        "error",
        "warning",
        "ok",
        "muted",
    ]


def test_worst_first_then_the_fullest() -> None:
    idle, holding = pipe(1, A, B), pipe(2, A, B, "holding", 10)
    fuller, full = pipe(3, A, B, "holding", 100), pipe(4, A, B, "full", 65536)
    assert parse_order("worst").sorted([idle, holding, fuller, full]) == [full, fuller, holding, idle]


def test_worst_first_names_what_lasts_longest_once_that_is_known() -> None:
    young, old = pipe(1, A, B, "full", 65536), pipe(2, A, B, "full", 65000)
    assert parse_order("worst").sorted([young, old], {young.key: 20.0, old.key: 10.0}) == [old, young]


def test_what_a_process_has_for_itself_stands_last_among_the_idle() -> None:
    own_pipe = pipe(1, A, A)
    own_pair = channel(2, "unix", "idle", [endpoint("a", "both", A, 3), endpoint("b", "both", A, 4)])
    own_counter = channel(3, "eventfd", "idle", [endpoint("a", "both", A, 5)])
    between, address = pipe(4, A, B), channel(5, "unix", "idle", [endpoint("a", "both", A, 6)], name="/run/x")
    half_seen = pipe(6, A, None)._replace(endpoints=(endpoint("a", "writer", A, 1), endpoint("b", "reader", None)))
    busy = channel(7, "eventfd", "holding", [endpoint("a", "both", A, 7)])
    quiet = [own_pipe, own_pair, own_counter, between, address, half_seen, busy]
    since = {one.key: float(one.key.number) for one in quiet}
    ordered = parse_order("worst").sorted(quiet, since)
    assert [one.key.number for one in ordered] == [7, 4, 5, 6, 1, 2, 3]


@pytest.mark.parametrize("word", ORDERS)
def test_every_order_is_total_whatever_the_start(word: str) -> None:
    channels = [pipe(number, A, B, "idle", queued=None if number % 3 else 5) for number in range(20)]
    shuffled = random.Random(1).sample(channels, len(channels))
    since = {one.key: 1.0 for one in channels}
    assert parse_order(word).sorted(shuffled, since) == parse_order(word).sorted(channels, since)


@pytest.mark.parametrize("word", ["queued", "-queued", "name", "-name", "created", "for"])
def test_what_lacks_the_figure_stands_last_both_ways(word: str) -> None:
    lacking = channel(1, queued=None)
    having = channel(2, queued=1, name="n", created_at=1.0)
    assert parse_order(word).sorted([lacking, having], {having.key: 1.0})[-1] == lacking


def test_sizes_stand_largest_first_and_a_minus_turns_that_round() -> None:
    small, large = channel(1, queued=1), channel(2, queued=2)
    assert parse_order("queued").sorted([small, large]) == [large, small]
    assert parse_order("-queued").sorted([large, small]) == [small, large]


def test_ids_sort_by_number_not_by_text() -> None:
    assert [one.id for one in parse_order("id").sorted([channel(100), channel(99)])] == ["pipe:[99]", "pipe:[100]"]


def test_an_unknown_order_names_the_nearest() -> None:
    with pytest.raises(WordError, match="unknown order 'quued', nearest is 'queued'"):
        parse_order("quued")


def test_a_lock_that_is_waited_for_comes_behind_what_is_full_and_is_no_error() -> None:
    ends = [endpoint("a", "waiter", process(1), 3), endpoint("b", "holder", process(2), 3)]
    lock = channel(1, "file-lock", "full", ends, queues=(), relation="synchronisation")
    full = channel(2, "pipe", "full")
    assert (condition(lock), condition(full)) == ("contended", "full")
    assert SEVERITY_OF_STATE[condition(lock)].role == "warning"
    assert parse_order("worst").sorted([lock, full]) == [full, lock]
