"""What a half does for one batch: over real channels, and what it refuses to count."""

from __future__ import annotations

import threading
import time

import pytest

from ipcinspect.demo import DemoPair
from ipcinspect.demo.compare.bench import start_pair
from ipcinspect.demo.compare.cases import Case
from ipcinspect.demo.compare.contest import THIS_MACHINE
from ipcinspect.demo.compare.play import LENGTH_BYTES, MOST_TIMES, MOST_TRIPS, Batch, Played, play
from ipcinspect.demo.process import DemoError, Silent
from ipcinspect.mechanisms.demo_part import BareCalls, Calls, Report

WITHIN_S = 10.0
MESSAGES = 300


class Short:
    """An end that gives back one byte too few."""

    def send(self, payload: bytes) -> None:
        self.sent = payload

    def receive(self, size: int) -> bytes:
        return b"\0" * (size - 1)

    def open(self) -> None: ...
    def close(self) -> None: ...
    def fileno(self) -> None: ...


class Kept:
    """An end that gives back what was sent into it, in pieces that were sent."""

    def __init__(self) -> None:
        self.stream = b""

    def send(self, payload: bytes) -> None:
        self.stream += payload

    def receive(self, size: int) -> bytes:
        taken, self.stream = self.stream[:size], self.stream[size:]
        return taken

    def open(self) -> None: ...
    def close(self) -> None: ...
    def fileno(self) -> None: ...


class Refusing(Kept):
    """An end that would sleep a few times before each message."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0

    def receive(self, size: int) -> bytes:
        if self.refused % 4 < 3:
            self.refused += 1
            raise BlockingIOError
        self.refused += 1
        return super().receive(size)


def test_a_message_that_is_not_whole_is_an_error_and_not_a_figure() -> None:
    end = Short()
    with pytest.raises(ValueError, match="63 bytes came in place of 64"):
        play(Batch("take", 64, 1), end, end, BareCalls(), True)


def test_a_stream_that_keeps_its_messages_apart_sends_their_length() -> None:
    end = Kept()
    play(Batch("send", 64, 2, framed=True), end, end, BareCalls(), True)
    assert len(end.stream) == 2 * (LENGTH_BYTES + 64)
    assert int.from_bytes(end.stream[:LENGTH_BYTES], "big") == 64
    play(Batch("take", 64, 2, framed=True), end, end, BareCalls(), True)
    assert end.stream == b""


def test_polling_asks_again_until_there_is_something() -> None:
    end = Refusing()
    played = play(Batch("ask", 8, 5), end, end, BareCalls(), False)
    assert len(played.times_ns) == 5
    assert end.refused == 5 * 4


@pytest.mark.parametrize("messages", [1, MOST_TIMES, MOST_TIMES + 1, 3 * MOST_TIMES, MOST_TRIPS])
def test_of_very_many_single_times_only_some_are_told(messages: int) -> None:
    end = Kept()
    played = play(Batch("ask", 1, messages), end, end, BareCalls(), True)
    assert min(messages, MOST_TIMES // 2) <= len(played.times_ns) <= MOST_TIMES


def test_calls_that_are_measured_are_told_to_nobody_and_raise_what_failed() -> None:
    told: list[Report] = []
    bare = BareCalls(told.append)
    assert bare("read", (), lambda: 7) == 7
    assert bare.about("forth") is bare
    with pytest.raises(BlockingIOError):
        bare("read", (), lambda: (_ for _ in ()).throw(BlockingIOError()))
    assert told == []
    Calls(told.append)("read", (), lambda: 7)
    assert len(told) == 2


def both(pair: DemoPair, parts: tuple[str, str], size: int, window: int = 0) -> tuple[Played, Played]:
    """What the sender and the receiver say of a batch."""
    batch = Batch(parts[0], size, MESSAGES, window)
    return pair.play(batch, batch._replace(part=parts[1]), WITHIN_S)


def started(case: Case) -> DemoPair:
    """Its pair, to be opened."""
    pair = start_pair(case, case.terms(THIS_MACHINE))
    assert isinstance(pair, DemoPair)
    return pair


@pytest.mark.parametrize("case", [Case("pipe", "pipe"), Case("posix-shm", "object", "futex")], ids=lambda one: one.name)
def test_both_sides_say_what_a_batch_took_them_on_the_clock_that_we_have_too(case: Case) -> None:
    with started(case) as pair:
        pair.open()
        before = time.monotonic_ns()
        sent, taken = both(pair, ("send", "take"), 4096)
        asked, replied = both(pair, ("ask", "reply"), 4096)
        after = time.monotonic_ns()
    for one in (sent, taken, asked, replied):
        assert before < one.began_ns < one.ended_ns < after
        assert 0 < one.cpu_ns < one.ended_ns - one.began_ns + 50_000_000
    assert taken.ended_ns > sent.began_ns
    assert len(asked.times_ns) == MESSAGES
    assert sum(asked.times_ns) <= asked.ended_ns - asked.began_ns
    assert asked.voluntary + replied.voluntary > MESSAGES / 4, "they sleep while they wait for each other"
    assert not replied.times_ns


def test_udp_loses_nothing_because_the_sender_waits() -> None:
    case = Case("udp", "ipv4")
    with started(case) as pair:
        pair.open()
        window = case.window(4096, THIS_MACHINE)
        assert 0 < window < MESSAGES
        both(pair, ("send", "take"), 4096, window)


def test_memory_whose_receiver_cannot_say_how_far_it_is_overwrites_nothing() -> None:
    case = Case("mmap", "file", "posix-sem")
    with started(case) as pair:
        pair.open()
        for size in case.sizes:
            both(pair, ("send", "take"), size, case.window(size, THIS_MACHINE))


def test_memory_that_is_polled_answers_at_once_that_there_is_nothing() -> None:
    case = Case("memfd", "memfd", blocking=False)
    with started(case) as pair:
        pair.open()
        pair.begin_receive(64)
        with pytest.raises(BlockingIOError):
            pair.finish_receive()


def test_a_batch_that_does_not_end_in_time_is_told_as_that() -> None:
    case = Case("pipe", "pipe")
    with started(case) as pair:
        pair.open()
        with pytest.raises(Silent, match=r"did not answer to play within 0\.2 s"):
            pair.play(Batch("send", 64, 1), Batch("take", 64, 2), 0.2)


def test_a_half_that_dies_in_a_batch_ends_the_waiting_for_it() -> None:
    case = Case("pipe", "pipe")
    with started(case) as pair:
        pair.open()
        killer = threading.Timer(0.1, pair.kill_receiver)
        killer.start()
        with pytest.raises((DemoError, OSError)):
            pair.play(Batch("ask", 64, 10**7), Batch("reply", 64, 10**7), WITHIN_S)
        killer.join()
