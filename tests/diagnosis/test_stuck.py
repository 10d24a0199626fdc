"""Stuck is who cannot be helped from outside; who can, or is at rest, is not accused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcinspect.diagnosis.stuck import knots, stuck_threads
from ipcinspect.diagnosis.wait_graph import WaitGraph
from ipcinspect.model.channel import Channel
from ipcinspect.model.process import Process
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.wait import Awaited, ThreadKey, Wait
from tests.diagnosis.builders import look, reads, thread, wait, writes
from tests.fakes import channel, endpoint, pipe, process

A, B, C = process(100, "a"), process(200, "b"), process(300, "c")
FORTH, BACK = pipe(1, A, B, "full"), pipe(2, B, A, "full")


def judged(seen: Snapshot) -> list[tuple[set[int], str]]:
    """The pids of each knot, and its verdict."""
    graph = WaitGraph(seen)
    return [({key.process.pid for key in knot.threads}, knot.verdict) for knot in knots(graph, stuck_threads(graph))]


def test_two_who_write_into_full_pipes_of_each_other_are_a_deadlock() -> None:
    assert judged(look([FORTH, BACK], [writes(A, FORTH, 1), writes(B, BACK, 1)])) == [({100, 200}, "yes")]


def test_a_request_that_both_wait_for_is_likely_one() -> None:
    assert judged(look([FORTH, BACK], [reads(A, BACK, 0), reads(B, FORTH, 0)])) == [({100, 200}, "likely")]


def test_who_waits_for_stuck_ones_is_part_of_the_knot_and_the_cycle_is_not_his() -> None:
    third = pipe(3, C, A)
    seen = look([FORTH, BACK, third], [writes(A, FORTH, 1), writes(B, BACK, 1), writes(C, third, 1)])
    graph = WaitGraph(seen)
    (knot,) = knots(graph, stuck_threads(graph))
    assert {key.process.pid for key in knot.threads} == {100, 200, 300}
    assert {key.process.pid for key in knot.cycle} == {100, 200}


def test_a_reader_whose_writer_runs_is_not_stuck() -> None:
    assert judged(look([FORTH], [reads(B, FORTH, 0)])) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"has_timeout": True},
        {"has_timeout": None},
        {"stopped": True},
        {"complete": False},
        {"unchanged_s": 0.0},
        {"awaited": ()},
    ],
)
def test_what_may_end_by_itself_or_is_not_known_frees_both(changes: dict[str, object]) -> None:
    waits = [writes(A, FORTH, 1), writes(B, BACK, 1)._replace(**changes)]  # type: ignore[arg-type]
    assert judged(look([FORTH, BACK], waits)) == []


def test_another_thread_of_the_partner_frees_both() -> None:
    waits = [writes(A, FORTH, 1), writes(B, BACK, 1)]
    assert judged(look([FORTH, BACK], waits, others=[B])) == []
    sleeping_elsewhere = wait(thread(B, 201), "pause", Awaited("signal"))
    assert judged(look([FORTH, BACK], [*waits, sleeping_elsewhere])) == []


def test_an_end_that_nobody_visible_holds_is_unknown_and_not_stuck() -> None:
    hidden = channel(1, "pipe", "full", [endpoint("a", "writer", A, 1), endpoint("b", "reader", None)])
    assert judged(look([hidden], [writes(A, hidden, 1)])) == []
    nobody = channel(1, "pipe", "full", [endpoint("a", "writer", A, 1)])
    assert judged(look([nobody], [writes(A, nobody, 1)])) == []


def test_a_reader_that_alone_holds_the_write_end_waits_for_itself() -> None:
    own = channel(1, "pipe", "idle", [endpoint("a", "writer", A, 4), endpoint("b", "reader", A, 3)])
    assert judged(look([own], [reads(A, own, 3)])) == [({100}, "likely")]


def test_a_service_at_rest_that_polls_a_pipe_of_its_own_is_looked_at_again_and_not_accused() -> None:
    own = channel(1, "pipe", "idle", [endpoint("a", "writer", A, 4), endpoint("b", "reader", A, 3)])
    polls = wait(thread(A), "epoll_wait", Awaited("data", 3, own.key))
    assert judged(look([own], [polls])) == [({100}, "recheck")]


def test_a_pool_of_threads_at_rest_is_looked_at_again_and_not_accused() -> None:
    idle = [wait(thread(A, tid), "futex", Awaited("wake", processes=(A.key,))) for tid in (100, 101, 102)]
    assert judged(look([], idle, [A])) == [({100}, "recheck")]


def test_a_pool_at_rest_does_not_save_a_main_thread_that_waits_for_its_child() -> None:
    pool = wait(thread(A, 101), "futex", Awaited("wake", processes=(A.key,)))
    child = wait(thread(A), "wait4", Awaited("child", processes=(B.key,)))
    back = pipe(1, B, A, "full")
    seen = look([back], [pool, child, writes(B, back, 1)])
    assert judged(seen) == [({100, 200}, "yes")]


def test_a_lock_that_records_its_owner_waits_for_that_thread_alone() -> None:
    def locks(mine: ThreadKey, other: ThreadKey) -> Wait:
        return wait(mine, "futex", Awaited("lock", owner=other, how="mutex"))

    first, second = thread(A, 100), thread(A, 101)
    assert judged(look([], [locks(first, second), locks(second, first)], [A], others=[A])) == [({100}, "yes")]


def test_a_semaphore_is_likely_for_it_has_no_owner() -> None:
    def takes(mine: Process, other: Process) -> Wait:
        return wait(thread(mine), "semop", Awaited("count", processes=(other.key,), how="last operation"))

    assert judged(look([], [takes(A, B), takes(B, A)], [A, B])) == [({100, 200}, "likely")]


def test_of_several_things_one_that_somebody_else_can_bring_is_enough() -> None:
    other = pipe(3, C, A)
    polls = wait(thread(A), "poll", Awaited("data", 0, BACK.key), Awaited("data", 0, other.key))
    assert judged(look([FORTH, BACK, other], [polls, reads(B, FORTH, 0)])) == []


def test_a_listener_and_a_datagram_receiver_wait_for_whoever_comes() -> None:
    listener = channel(5, "unix", "listening", [endpoint("b", "listener", A, 3)])
    udp = channel(6, "udp", "idle", [endpoint("b", "reader", A, 4)])
    assert judged(look([listener], [wait(thread(A), "accept4", Awaited("client", 3, listener.key))])) == []
    assert judged(look([udp], [wait(thread(A), "recvfrom", Awaited("data", 4, udp.key))])) == []


CYCLES = st.lists(st.integers(0, 5), min_size=1, max_size=6)


@given(targets=CYCLES, free=st.sets(st.integers(0, 5)))
def test_stuck_are_exactly_those_from_whom_no_way_leads_to_somebody_free(targets: list[int], free: set[int]) -> None:
    """Checked against the plain definition: follow whom each waits for, one each."""
    people = [process(100 + number) for number in range(6)]
    pipes: dict[int, Channel] = {}
    waits = []
    for number, target in enumerate(targets):
        if number in free:
            continue
        pipes[number] = pipe(number + 1, people[number], people[target], "full")
        waits.append(writes(people[number], pipes[number], 1))
    graph = WaitGraph(look(pipes.values(), waits, people))
    sleeping = {one.thread.process.pid - 100 for one in waits}
    expected = set()
    for number in sleeping:
        seen, at = set(), number
        while at in sleeping and at not in seen:
            seen.add(at)
            at = targets[at]
        if at in sleeping:
            expected.add(number)
    assert {key.process.pid - 100 for key in stuck_threads(graph)} == expected
