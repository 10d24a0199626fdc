"""How a comparison runs: all in turn, the first round thrown away, whatever fails a row with its reason."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from ipcinspect.demo.compare.bench import LEAST_COUNT, count_for
from ipcinspect.demo.compare.cases import NONE, SIZES, Case
from ipcinspect.demo.compare.contest import THIS_MACHINE, Contest, Effort, Progress
from ipcinspect.demo.compare.figures import ENOUGH_ROUNDS
from ipcinspect.demo.compare.play import Batch, Played
from ipcinspect.demo.process import DemoError, Silent
from ipcinspect.mechanisms.demo_part import Terms

PIPE, STREAM, EVENTFD = Case("pipe", "pipe"), Case("unix", "stream"), Case("eventfd", "counter")
EFFORT = Effort(3, 1, 0.01, 1.0, 1000.0)
_NANO = 1_000_000_000


class Clock:
    """Time that passes only where somebody works."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakePlayer:
    """A pair whose messages take a known time, on a fake clock."""

    def __init__(self, case: Case, stage: Stage) -> None:
        self.case, self._stage = case, stage
        self.ended = 0

    def open(self) -> None:
        if self.case in self._stage.fails_to_open:
            raise self._stage.fails_to_open[self.case]

    def play(self, sender: Batch, receiver: Batch, within_s: float) -> tuple[Played, Played]:
        assert not self.ended
        assert sender.messages == receiver.messages
        failure = self._stage.fails.get((self.case, sender.part, sender.size))
        if failure is not None:
            raise failure
        self._stage.played.append((self.case, sender.part, sender.size, sender.messages))
        message_s = self._stage.message_s(self.case)
        took = message_s * sender.messages * (2 if sender.part == "ask" else 1)
        began = int(self._stage.clock.now * _NANO)
        self._stage.clock.now += took
        ended = int(self._stage.clock.now * _NANO)
        times = [int(2 * message_s * _NANO)] * sender.messages if sender.part == "ask" else []
        one = Played(began, ended, (ended - began) // 2, sender.messages, 0, times)
        return one, one._replace(times_ns=[])

    def end(self) -> None:
        self.ended += 1


class Stage:
    """Starts fake pairs and remembers what they did."""

    def __init__(self, message_s: Callable[[Case], float] = lambda case: 1e-5) -> None:
        self.clock = Clock()
        self.message_s = message_s
        self.played: list[tuple[Case, str, int, int]] = []
        self.players: list[FakePlayer] = []
        self.fails: dict[tuple[Case, str, int], Exception] = {}
        self.fails_to_open: dict[Case, Exception] = {}

    def start(self, case: Case, terms: Terms) -> FakePlayer:
        player = FakePlayer(case, self)
        self.players.append(player)
        return player

    def contest(self, *cases: Case, effort: Effort = EFFORT) -> Contest:
        return Contest(cases, effort, self.start, self.clock, THIS_MACHINE)


def test_all_take_turns_in_every_round() -> None:
    stage = Stage()
    list(stage.contest(PIPE, STREAM))
    at_64 = [(case, part) for case, part, size, _ in stage.played if size == 64 and part in ("send", "ask")]
    turn = [(PIPE, "send"), (PIPE, "ask"), (STREAM, "send"), (STREAM, "ask")]
    assert at_64[-len(turn) * EFFORT.rounds :] == turn * EFFORT.rounds
    assert len(at_64) > len(turn) * EFFORT.rounds, "the round that finds the length of a batch comes before"


def test_only_the_rounds_after_the_first_count() -> None:
    stage = Stage()
    contest = stage.contest(PIPE)
    list(contest)
    for row in contest.results():
        assert row.one_way is not None
        assert row.round_trip is not None
        assert row.one_way.messages_per_s.rounds == row.round_trip.median_s.rounds == EFFORT.rounds


def test_the_figures_are_those_of_the_clock() -> None:
    stage = Stage(lambda case: 2e-5)
    contest = stage.contest(PIPE)
    list(contest)
    row = contest.results().row(PIPE, 4096)
    assert row is not None
    assert row.one_way is not None
    assert row.round_trip is not None
    assert row.one_way.messages_per_s.median == pytest.approx(50_000, rel=1e-3)
    assert row.bytes_per_s == pytest.approx(4096 * 50_000, rel=1e-3)
    assert row.round_trip.median_s.median == pytest.approx(4e-5, rel=1e-3)
    assert row.one_way.cost.sender_cpu_s.median == pytest.approx(1e-5, rel=1e-3)
    assert row.one_way.cost.voluntary.median == 2.0, "both sides"


def test_a_batch_takes_about_the_time_that_is_wanted() -> None:
    stage = Stage()
    list(stage.contest(PIPE))
    counts = {count for _, part, size, count in stage.played[-2 * EFFORT.rounds :] if part == "send"}
    assert counts == {round(EFFORT.batch_s / 1e-5)}


def test_progress_never_goes_back_and_ends_at_all() -> None:
    stage = Stage()
    steps: list[Progress] = list(stage.contest(PIPE, STREAM, EVENTFD))
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert done[0] == 0
    assert done[-1] == pytest.approx(1)
    assert steps[0].left_s is None
    assert steps[-1].left_s == pytest.approx(0, abs=1e-6)


def test_time_left_comes_from_the_time_that_it_took_so_far() -> None:
    stage = Stage()
    began = stage.clock.now
    for step in stage.contest(PIPE, STREAM):
        if step.done:
            assert step.left_s == pytest.approx((stage.clock.now - began) * (1 - step.done) / step.done)


def test_what_the_kernel_refuses_to_make_is_a_row_with_the_reason() -> None:
    stage = Stage()
    stage.fails_to_open[PIPE] = OSError(errno.EMFILE, "of some process")
    contest = stage.contest(PIPE, STREAM)
    list(contest)
    found = contest.results()
    for size in SIZES:
        refused, measured = found.row(PIPE, size), found.row(STREAM, size)
        assert refused is not None
        assert refused.reason == "EMFILE: Too many open files"
        assert refused.one_way is None
        assert measured is not None
        assert measured.reason is None
        assert measured.round_trip is not None


def test_one_that_hangs_is_a_row_and_holds_up_nobody_else() -> None:
    stage = Stage()
    stage.fails[(PIPE, "ask", 4096)] = Silent("did not answer")
    contest = stage.contest(PIPE, STREAM)
    list(contest)
    found = contest.results()
    for size in SIZES:
        hangs, other = found.row(PIPE, size), found.row(STREAM, size)
        assert hangs is not None
        assert other is not None
        assert hangs.reason == ("did not finish within 1 s" if size == 4096 else None)
        assert (hangs.round_trip is None) == (size == 4096)
        assert other.reason is None
    assert [(player.case, player.ended) for player in stage.players] == [(PIPE, 1), (STREAM, 1), (PIPE, 1)]


def test_one_that_dies_has_that_as_its_reason() -> None:
    stage = Stage()
    stage.fails[(PIPE, "send", 64)] = DemoError("demo-sender (pid 7) ended before it answered to play")
    contest = stage.contest(PIPE)
    list(contest)
    row = contest.results().row(PIPE, 64)
    assert row is not None
    assert row.reason == "demo-sender (pid 7) ended before it answered to play"


def test_a_size_above_a_limit_is_not_tried_and_names_the_limit() -> None:
    stage = Stage()
    queue = Case("sysv-msg", "queue")
    contest = stage.contest(queue)
    list(contest)
    most = int(Path("/proc/sys/kernel/msgmax").read_text(encoding="ascii"))
    for size in SIZES:
        row = contest.results().row(queue, size)
        assert row is not None
        assert row.reason == (None if size <= most else f"at most {most} (/proc/sys/kernel/msgmax)")
    assert max(size for _, _, size, _ in stage.played) <= most


def test_signals_are_measured_by_round_trips_alone() -> None:
    stage = Stage()
    contest = stage.contest(EVENTFD)
    list(contest)
    (row,) = contest.results()
    assert row.size == NONE
    assert row.one_way is None
    assert row.round_trip is not None
    assert {part for _, part, _, _ in stage.played} == {"ask", "nothing"}


def test_what_is_broken_off_keeps_its_rounds_and_ends_its_pairs() -> None:
    stage = Stage()
    contest = stage.contest(PIPE, STREAM)
    for step in contest:
        if "round 2 of 3" in step.what:
            break
    contest.close()
    contest.close()
    row = contest.results().row(PIPE, 64)
    assert row is not None
    assert row.one_way is not None
    assert row.one_way.messages_per_s.rounds == 2
    assert [player.ended for player in stage.players] == [1, 1]


def test_pairs_are_started_anew_and_every_new_one_is_tried_out_before_it_counts() -> None:
    stage = Stage()
    contest = stage.contest(PIPE, STREAM, effort=EFFORT._replace(rounds=5, starts=2))
    told: list[str] = []
    for step in contest:
        assert sum(not player.ended for player in stage.players) <= 2, "the old ones end before the new ones start"
        told += [step.what] if "bytes" in step.what else []
    assert [(player.case, player.ended) for player in stage.players] == [(PIPE, 1), (STREAM, 1)] * 2
    turn = ["64 bytes, {}: pipe", "64 bytes, {}: unix stream"]
    doing = ["trying out", *(f"round {n} of 5" for n in (1, 2)), "trying out", *(f"round {n} of 5" for n in (3, 4, 5))]
    assert [what for what in told if what.startswith("64 ")] == [what.format(now) for now in doing for what in turn]
    for row in contest.results():
        assert row.one_way is not None
        assert row.one_way.messages_per_s.rounds == 5


def test_a_pair_that_is_slow_for_as_long_as_it_lives_makes_the_spread_wide() -> None:
    stage = Stage(lambda case: 2e-5 if len(stage.players) > 1 else 1e-5)
    contest = stage.contest(PIPE, effort=EFFORT._replace(rounds=4, starts=2))
    list(contest)
    row = contest.results().row(PIPE, 64)
    assert row is not None
    assert row.one_way is not None
    rates = row.one_way.messages_per_s
    assert (rates.low, rates.high) == (pytest.approx(50_000, rel=1e-3), pytest.approx(100_000, rel=1e-3))


def test_what_is_refused_or_has_failed_is_not_tried_again_with_new_pairs() -> None:
    stage = Stage()
    stage.fails_to_open[PIPE] = OSError(errno.EMFILE, "of some process")
    stage.fails[(STREAM, "ask", 4096)] = Silent("did not answer")
    list(stage.contest(PIPE, STREAM, effort=EFFORT._replace(starts=3)))
    assert [player.case for player in stage.players].count(PIPE) == 1
    assert [size for case, part, size, _ in stage.played if (case, size, part) == (STREAM, 4096, "send")]
    assert [player.case for player in stage.players].count(STREAM) == 4, "three starts, and one after it had failed"


def test_on_a_machine_that_is_behind_pairs_are_not_started_anew() -> None:
    stage = Stage(lambda case: 0.05)
    contest = stage.contest(PIPE, effort=EFFORT._replace(rounds=8, starts=4, whole_s=1.0))
    steps = list(contest)
    assert len(stage.players) == 1
    assert steps[-1].done == pytest.approx(1)
    assert contest.effort.starts == 1, "as it happened"
    found = [row.round_trip.median_s.rounds for row in contest.results() if row.round_trip]
    assert found == [ENOUGH_ROUNDS] * len(SIZES)


def test_a_contest_that_nobody_began_starts_nothing() -> None:
    stage = Stage()
    stage.contest(PIPE).close()
    assert not stage.players


def test_on_a_machine_that_is_behind_rounds_are_left_out_down_to_what_a_difference_needs() -> None:
    stage = Stage(lambda case: 0.05)
    contest = stage.contest(PIPE, effort=EFFORT._replace(rounds=9, whole_s=1.0))
    list(contest)
    found = [row.round_trip.median_s.rounds for row in contest.results() if row.round_trip]
    assert found == [ENOUGH_ROUNDS] * len(SIZES)


@pytest.mark.parametrize("message_s", [1e-7, 1e-6, 1e-4, 0.001, 1.0])
def test_the_length_of_a_batch_is_found_whatever_a_message_takes(message_s: float) -> None:
    tried: list[int] = []

    def took(count: int) -> float:
        tried.append(count)
        return count * message_s

    found = count_for(took, 0.01, 50_000)
    assert found == max(min(round(0.01 / message_s), 50_000), LEAST_COUNT)
    assert len(tried) <= 4
