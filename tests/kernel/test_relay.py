"""A list of which some items never answer is still worked through in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from ipcinspect.kernel.relay import Relay

DEADLINE_S = 0.4


class Silent:
    """Work that does not answer for some items until it is let go."""

    def __init__(self, *items: int) -> None:
        self.items = set(items)
        self.gate = threading.Event()
        self.asked: list[int] = []

    def __call__(self, item: int) -> int:
        self.asked.append(item)
        if item in self.items:
            self.gate.wait(60)
        return item * 10


@pytest.fixture
def silent():
    """Makes such work; everybody is let go in the end."""
    made: list[Silent] = []

    def make(*items: int) -> Silent:
        made.append(Silent(*items))
        return made[-1]

    yield make
    for one in made:
        one.gate.set()


def timed(call: Callable[[], object]) -> float:
    """How long a call takes, in seconds."""
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


def test_results_come_in_order() -> None:
    assert Relay[int, int](DEADLINE_S).run(range(1000), lambda item: item * 2) == ([i * 2 for i in range(1000)], [])


@pytest.mark.parametrize("count", [1, 3, 20])
def test_many_silent_items_cost_no_more_time_than_one(silent, count: int) -> None:
    items = range(100)
    work = silent(*range(5, 5 + count))
    relay = Relay[int, int](DEADLINE_S)
    begun = time.monotonic()
    results, late = relay.run(items, work)
    assert time.monotonic() - begun < DEADLINE_S + 4
    assert sorted(late) == sorted(work.items)
    assert results == [item * 10 for item in items if item not in work.items]
    assert sorted(work.asked) == list(items), "each is asked once"


def test_a_stuck_item_is_left_out_until_it_lets_go_and_threads_do_not_pile_up(silent) -> None:
    work = silent(3)
    relay = Relay[int, int](DEADLINE_S)
    relay.run(range(10), work)
    threads = threading.active_count()
    for _ in range(20):
        results, late = relay.run(range(10), work)
        assert late == [3]
        assert len(results) == 9
    assert threading.active_count() <= threads
    assert work.asked.count(3) == 1
    work.gate.set()
    deadline = time.monotonic() + 10
    while relay.run(range(10), work)[1]:
        assert time.monotonic() < deadline


def test_an_item_that_is_slow_but_not_late_is_in_the_result() -> None:
    def work(item: int) -> int:
        if item == 2:
            time.sleep(DEADLINE_S / 2)
        return item

    assert Relay[int, int](DEADLINE_S).run(range(5), work) == ([0, 1, 2, 3, 4], [])


def test_what_the_work_raises_is_raised() -> None:
    def work(item: int) -> int:
        raise KeyError(item)

    with pytest.raises(KeyError):
        Relay[int, int](DEADLINE_S).run(range(5), work)


def test_hopelessly_many_silent_items_take_a_bounded_number_of_threads(silent) -> None:
    before = threading.active_count()
    work = silent(*range(1000))
    relay = Relay[int, int](DEADLINE_S)
    assert timed(lambda: relay.run(range(1000), work)) < DEADLINE_S + 10
    results, late = relay.run(range(1000), work)
    assert (results, sorted(late)) == ([], list(range(1000)))
    assert threading.active_count() - before < 100


def test_the_caller_is_called_while_it_waits(silent) -> None:
    calls = []
    Relay[int, int](DEADLINE_S, lambda: calls.append(threading.current_thread())).run(range(3), silent(1))
    assert len(calls) >= 3
    assert set(calls) == {threading.current_thread()}
