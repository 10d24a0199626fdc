"""Stuck is who cannot be helped from outside; who can, or is at rest, is not accused."""

from __future__ import annotations

import time
from dataclasses import replace
from signal import Signals

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcinspect.diagnosis.stuck import knots, stuck_threads
from ipcinspect.diagnosis.wait_graph import WaitGraph
from ipcinspect.mechanisms import fields_of
from ipcinspect.model.channel import Channel, Endpoint, Exposure
from ipcinspect.model.process import Process
from ipcinspect.model.process import Signals as SignalSets
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


def test_thousands_of_threads_that_wait_for_each_other_are_judged_at_once() -> None:
    """Each could be helped by all others: who writes that down for every two of them needs minutes and gigabytes."""
    own = channel(1, "pipe", "idle", [endpoint("a", "writer", A, 4), endpoint("b", "reader", A, 3)])
    many = look([own], [reads(A, own, 3, 100 + number) for number in range(10_000)])
    begun = time.process_time()
    assert judged(many) == [({100}, "likely")]
    assert time.process_time() - begun < 20


def test_a_lock_that_records_its_owner_waits_for_that_thread_alone() -> None:
    def locks(mine: ThreadKey, other: ThreadKey) -> Wait:
        return wait(mine, "futex", Awaited("lock", owner=other, how="mutex"))

    first, second = thread(A, 100), thread(A, 101)
    assert judged(look([], [locks(first, second), locks(second, first)], [A], others=[A])) == [({100}, "yes")]


def test_a_semaphore_is_likely_for_it_has_no_owner() -> None:
    def takes(mine: Process, other: Process) -> Wait:
        return wait(thread(mine), "semop", Awaited("count", processes=(other.key,), how="last operation"))

    assert judged(look([], [takes(A, B), takes(B, A)], [A, B])) == [({100, 200}, "likely")]


def test_a_worker_at_a_semaphore_that_its_master_used_last_is_looked_at_again() -> None:
    """Others may come and raise it: that the master set it does not make him its owner."""
    worker = wait(thread(B), "semop", Awaited("count", processes=(A.key,), how="last operation"))
    master = wait(thread(A), "wait4", Awaited("child", processes=(B.key,)))
    assert judged(look([], [worker, master], [A, B])) == [({100, 200}, "recheck")]


def test_of_several_things_one_that_somebody_else_can_bring_is_enough() -> None:
    other = pipe(3, C, A)
    polls = wait(thread(A), "poll", Awaited("data", 0, BACK.key), Awaited("data", 0, other.key))
    assert judged(look([FORTH, BACK, other], [polls, reads(B, FORTH, 0)])) == []


def test_a_listener_and_a_datagram_receiver_wait_for_whoever_comes() -> None:
    listener = channel(5, "unix", "listening", [endpoint("b", "listener", A, 3)])
    udp = channel(6, "udp", "idle", [endpoint("b", "reader", A, 4)])
    assert judged(look([listener], [wait(thread(A), "accept4", Awaited("client", 3, listener.key))])) == []
    assert judged(look([udp], [wait(thread(A), "recvfrom", Awaited("data", 4, udp.key))])) == []


def catching(process: Process, *signals: Signals) -> Process:
    """The same with handlers for these signals."""
    mask = sum(1 << (number - 1) for number in signals)
    return process._replace(signals=SignalSets(0, 0, 0, mask))


@pytest.mark.parametrize("number", [Signals.SIGTERM, Signals.SIGUSR1, Signals.SIGALRM])
def test_a_reader_of_its_own_pipe_may_be_driven_by_its_signal_handlers(number: Signals) -> None:
    def read_by(one: Process) -> list[tuple[set[int], str]]:
        own = channel(1, "pipe", "idle", [endpoint("a", "writer", one, 4), endpoint("b", "reader", one, 3)])
        return judged(look([own], [reads(one, own, 3)]))

    assert read_by(catching(A, number)) == []
    assert read_by(catching(A, Signals.SIGINT)) == [({100}, "likely")]


def test_a_master_that_takes_orders_by_signal_may_write_to_its_workers_and_one_that_only_ends_by_it_not() -> None:
    def master(one: Process) -> list[tuple[set[int], str]]:
        orders = pipe(1, one, B)
        waits = [wait(thread(one), "wait4", Awaited("child", processes=(B.key,))), reads(B, orders, 0)]
        return judged(look([orders], waits))

    assert master(catching(A, Signals.SIGUSR1)) == []
    assert master(catching(A, Signals.SIGTERM)) == [({100, 200}, "yes")]


def test_a_handler_hardly_reads_a_full_pipe() -> None:
    one = catching(A, Signals.SIGUSR1)
    forth, back = pipe(1, one, B, "full"), pipe(2, B, one, "full")
    assert judged(look([forth, back], [writes(one, forth, 1), writes(B, back, 1)])) == [({100, 200}, "yes")]


def test_who_hears_of_its_children_waits_for_them_in_whatever_call() -> None:
    """As make does at its jobserver: it polls a pipe of tokens, and the end of a job interrupts that."""
    make = catching(A, Signals.SIGCHLD)
    job = process(300, "job", ppid=100)
    forth, back = pipe(1, make, B), pipe(2, B, make)
    waits = [reads(make, back, 0), reads(B, forth, 0)]
    sleeps = wait(thread(job), "nanosleep", has_timeout=True)
    assert judged(look([forth, back], [*waits, sleeps], [job])) == []
    assert judged(look([forth, back], waits)) == [({100, 200}, "likely")]


def test_what_has_a_name_others_may_open_at_any_time() -> None:
    exposure = Exposure("everybody", 0, 0o666)
    for mechanism in ("fifo", "posix-mq"):
        named = channel(1, mechanism, "idle", [endpoint("a", "both", A, 3)])._replace(exposure=exposure)
        assert judged(look([named], [reads(A, named, 3)])) == []
        removed = named._replace(exposure=Exposure("holders", 0, 0o600))
        assert judged(look([removed], [reads(A, removed, 3)])) == [({100}, "likely")]


def test_an_eventfd_that_one_process_alone_has_may_be_raised_by_the_kernel() -> None:
    event = channel(1, "eventfd", "idle", [endpoint("a", "both", A, 3)])
    assert judged(look([event], [reads(A, event, 3)])) == []
    shared = channel(1, "eventfd", "idle", [endpoint("a", "both", A, 3), endpoint("a", "both", B, 3)])
    assert judged(look([shared], [reads(A, shared, 3), reads(B, shared, 3)])) == [({100, 200}, "likely")]


def test_a_terminal_of_which_one_process_has_both_sides_is_there_for_others_to_open() -> None:
    ends = [endpoint("a", "master", A, 3), endpoint("b", "slave", A, 4)]
    terminal = channel(1, "pty", "idle", ends, name="/dev/pts/3")
    assert judged(look([terminal], [reads(A, terminal, 3)])) == []
    taken = timed(terminal, False)._replace(endpoints=(ends[0], endpoint("b", "slave", B, 0)))
    assert judged(look([taken], [reads(A, taken, 3), reads(B, taken, 0)])) == [({100, 200}, "likely")]


def timed(terminal: Channel, timed_reads: bool | None) -> Channel:
    fields = tuple(timed_reads if field.name == "timed_reads" else None for field in fields_of("pty"))
    return terminal._replace(fields=fields)


@pytest.mark.parametrize("timed_reads", [True, None])
def test_a_read_of_a_terminal_that_may_end_by_itself_frees_who_waits_for_it(timed_reads: bool | None) -> None:
    ends = [endpoint("a", "master", A, 3), endpoint("b", "slave", B, 0)]
    terminal = timed(channel(1, "pty", "idle", ends, name="/dev/pts/3"), timed_reads)
    assert judged(look([terminal], [reads(A, terminal, 3), reads(B, terminal, 0)])) == []
    full = [writes(A, terminal, 3), writes(B, terminal, 0)]
    assert judged(look([terminal], full)) == [({100, 200}, "yes")]


def test_a_pipe_with_something_in_it_and_one_that_was_not_asked_free_their_reader() -> None:
    for changes in ({"queued": 5}, {"state": "unknown", "queued": None}):
        forth, back = pipe(1, A, B, **changes), pipe(2, B, A)  # type: ignore[arg-type]
        assert judged(look([forth, back], [reads(A, back, 0), reads(B, forth, 0)])) == []


def test_who_may_be_helped_by_whoever_looks_is_not_stuck() -> None:
    own = channel(1, "pipe", "idle", [endpoint("a", "writer", A, 4), endpoint("b", "reader", A, 3)])
    seen = look([own], [reads(A, own, 3)])
    ours = {side: {own.key: (endpoint(side, role, B, 9),)} for side, role in (("a", "writer"), ("b", "reader"))}
    assert judged(replace(seen, left_out=ours["a"])) == []
    assert judged(replace(seen, left_out=ours["b"])) == [({100}, "likely")]


def test_who_came_and_went_unread_may_have_handed_on_an_end_to_his_own_job_and_to_no_other() -> None:
    reader = process(100, "a", job=100)
    own = channel(1, "pipe", "idle", [endpoint("a", "writer", reader, 4), endpoint("b", "reader", reader, 3)])
    seen = look([own], [reads(reader, own, 3)])
    assert judged(replace(seen, unread_jobs=frozenset((100,)))) == []
    assert judged(replace(seen, unread_jobs=frozenset((200,)))) == [({100}, "likely")]
    assert judged(replace(seen, settled=False)) == []


def in_flight(count: int | None, *ends: Endpoint) -> Channel:
    fields = tuple(count if field.name == "in_flight" else None for field in fields_of("unix"))
    return channel(9, "unix", "holding", ends, fields=fields)


@pytest.mark.parametrize("count", [1, None])
def test_who_has_descriptors_in_flight_or_may_have_may_have_an_end_there(count: int | None) -> None:
    own = channel(1, "pipe", "idle", [endpoint("a", "writer", A, 4), endpoint("b", "reader", A, 3)])
    sockets = in_flight(count, endpoint("a", "both", A, 5), endpoint("b", "both", A, 6))
    assert judged(look([own, sockets], [reads(A, own, 3)])) == []


def test_a_socket_that_is_full_itself_and_does_not_tell_what_is_in_flight_frees_nobody() -> None:
    full = in_flight(None, endpoint("a", "both", A, 1), endpoint("b", "both", B, 1))
    assert judged(look([full], [writes(A, full, 1), writes(B, full, 1)])) == [({100, 200}, "yes")]


def test_of_a_client_that_is_not_accepted_it_is_not_known_what_it_sent_and_its_server_sent_nothing() -> None:
    listener = in_flight(None, endpoint("a", "client", A, 5), endpoint("b", "listener", B, 5))

    def reads_its_own(one: Process) -> list[tuple[set[int], str]]:
        own = channel(1, "pipe", "idle", [endpoint("a", "writer", one, 4), endpoint("b", "reader", one, 3)])
        return judged(look([own, listener], [reads(one, own, 3)]))

    assert reads_its_own(A) == []
    assert reads_its_own(B) == [({200}, "likely")]


def test_what_others_of_the_same_job_have_in_flight_may_be_an_end_and_not_what_strangers_have() -> None:
    def beside(job: int) -> list[tuple[set[int], str]]:
        reader, other = process(100, "a", job=100), process(200, "b", job=job)
        own = channel(1, "pipe", "idle", [endpoint("a", "writer", reader, 4), endpoint("b", "reader", reader, 3)])
        sockets = in_flight(1, endpoint("a", "both", other, 5), endpoint("b", "both", other, 6))
        return judged(look([own, sockets], [reads(reader, own, 3)]))

    assert beside(100) == []
    assert beside(200) == [({100}, "likely")]


def test_whoever_of_the_same_job_cannot_be_read_may_have_an_end_unless_he_started_them_all() -> None:
    def beside(**hidden: int) -> list[tuple[set[int], str]]:
        reader, other = process(100, "a", ppid=50, job=100), process(readable=False, comm="sudo", **hidden)
        own = channel(1, "pipe", "idle", [endpoint("a", "writer", reader, 4), endpoint("b", "reader", reader, 3)])
        return judged(look([own], [reads(reader, own, 3)], [other, process(50, ppid=40)]))

    assert beside(pid=200, job=100) == []
    assert beside(pid=200, job=200) == [({100}, "likely")]
    assert beside(pid=40, job=100) == [({100}, "likely")]


def test_an_event_loop_at_rest_with_a_child_at_rest_is_looked_at_again() -> None:
    """Its self-pipe may wake it any time, although another thread of it waits for the end of that child."""
    own = channel(1, "pipe", "idle", [endpoint("a", "writer", A, 4), endpoint("b", "reader", A, 3)])
    forth, back = pipe(2, A, B), pipe(3, B, A)
    loop = wait(thread(A), "epoll_wait", Awaited("data", 3, own.key), Awaited("data", 0, back.key))
    watcher = wait(thread(A, 101), "waitid", Awaited("child", processes=(B.key,)))
    assert judged(look([own, forth, back], [loop, watcher, reads(B, forth, 0)])) == [({100, 200}, "recheck")]


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
