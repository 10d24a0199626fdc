"""The page Compare: it measures while it is open, shows rows and answers, and ends what it began."""

from __future__ import annotations

from pathlib import Path

from ipcinspect.demo import DemoPair
from ipcinspect.demo.compare.bench import start_pair
from ipcinspect.demo.compare.cases import Case
from ipcinspect.demo.compare.contest import Contest, Effort
from ipcinspect.mechanisms.demo_part import Terms
from ipcinspect.sources.live import LiveSource
from ipcinspect.tui.comparer import Compared, Comparer, Measuring
from ipcinspect.tui.options import ScreenOptions
from ipcinspect.tui.screens.compare import CompareScreen
from ipcinspect.tui.screens.demo import DemoPage
from tests.demo.compare.test_contest import PIPE, STREAM
from tests.demo.test_nothing_is_left import assert_ended
from tests.fakes import FakeSource
from tests.tui.frozen_comparison import FrozenComparison
from tests.tui.test_screen import User, at_screen, world


class Begun:
    """What the page began, one after the other."""

    def __init__(self) -> None:
        self.quick: list[bool] = []
        self.all: list[FrozenComparison] = []

    def __call__(self, quick: bool) -> Measuring:
        self.quick.append(quick)
        self.all.append(FrozenComparison())
        return self.all[-1]

    @property
    def options(self) -> ScreenOptions:
        return ScreenOptions(begin_comparison=self)


def comparer_of(user: User) -> Comparer:
    screen = user.app.screen
    assert isinstance(screen, CompareScreen)
    assert screen.comparer is not None
    return screen.comparer


async def test_rows_come_while_it_measures_and_the_answers_at_the_end() -> None:
    begun = Begun()
    async with at_screen(FakeSource(world()), (100, 40), begun.options) as user:
        await user.press("5", "C")
        await user.sees("50%", "64 bytes, round 2 of 8", "6s left", "Messages of 64 B", "posix-shm futex polling")
        assert "When shared memory, when a pipe or a socket?" not in user.text()
        begun.all[0].may_go_on.set()
        await user.sees(
            "measured, quick",
            "When shared memory, when a pipe or a socket?",
            "posix-shm futex wins over pipe from 1 MiB on",
        )
        await user.press("end")
        await user.sees("Signals, which carry no bytes", "One harness in Python drives every mechanism")
        assert begun.all[0].closed.is_set()


async def test_every_key_is_answered_while_it_measures() -> None:
    begun = Begun()
    async with at_screen(FakeSource(world()), (100, 40), begun.options) as user:
        await user.press("5", "C")
        await user.sees("Messages of 64 B")
        await user.press("pagedown")
        await user.sees("Messages of 64 KiB")
        await user.press("escape")
        await user.sees("No pair is running.")


async def test_leaving_ends_it() -> None:
    begun = Begun()
    async with at_screen(FakeSource(world()), (100, 40), begun.options) as user:
        await user.press("5", "C")
        await user.sees("round 2 of 8")
        comparer = comparer_of(user)
        assert not comparer.gone.is_set()
        await user.press("escape")
        await user.until(comparer.gone.is_set)
        assert begun.all[0].closed.is_set()
        assert user.app.page is user.app.query_one(DemoPage)


async def test_once_more_waits_until_the_one_before_is_gone() -> None:
    begun = Begun()
    async with at_screen(FakeSource(world()), (100, 40), begun.options) as user:
        await user.press("5", "C")
        await user.sees("round 2 of 8")
        first = comparer_of(user)
        await user.press("f")
        await user.until(lambda: len(begun.all) == 2)
        assert first.gone.is_set()
        assert begun.quick == [True, False]
        begun.all[1].may_go_on.set()
        await user.sees("measured, full")


async def test_the_machine_is_not_looked_at_meanwhile() -> None:
    begun = Begun()
    async with at_screen(FakeSource(world()), (100, 40), begun.options) as user:
        await user.press("5", "C")
        await user.sees("round 2 of 8")
        assert user.app.feed.wishes.paused
        begun.all[0].may_go_on.set()
        await user.sees("measured, quick")
        assert not user.app.feed.wishes.paused
        await user.press("r")
        await user.until(lambda: user.app.feed.wishes.paused)
        await user.press("escape")
        await user.until(lambda: not user.app.feed.wishes.paused)


async def test_what_was_paused_before_stays_paused() -> None:
    begun = Begun()
    async with at_screen(FakeSource(world()), (100, 40), begun.options) as user:
        await user.press("5", "space", "C")
        await user.sees("round 2 of 8")
        await user.press("escape")
        await user.sees("No pair is running.")
        assert user.app.feed.wishes.paused


async def test_a_pair_that_is_walked_ends_before_it_is_measured() -> None:
    begun = Begun()
    async with at_screen(FakeSource(world()), (100, 40), begun.options) as user:
        await user.press("5", "n")
        await user.sees("1 create", "7 close")
        cast = user.app.query_one(DemoPage).scene().cast
        assert cast is not None
        await user.press("C")
        await user.sees("round 2 of 8")
        await user.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in cast))
        await user.press("escape")
        await user.sees("1 create", "ended")


async def test_the_report_can_be_copied() -> None:
    begun = Begun()
    async with at_screen(FakeSource(world()), (100, 40), begun.options) as user:
        await user.press("5", "C")
        begun.all[0].may_go_on.set()
        await user.sees("measured, quick")
        await user.press("y")
        await user.until(lambda: "What does its lock cost?" in user.app.clipboard)
        assert "Messages of 1 MiB" in user.app.clipboard


async def test_a_real_one_shows_its_rows_and_leaves_no_process() -> None:
    def begin(quick: bool) -> Measuring:
        return Contest([PIPE, STREAM], Effort(3, 1, 0.002, 10.0, 600.0))

    options = ScreenOptions(begin_comparison=begin)
    async with at_screen(LiveSource(), (100, 40), options) as user:  # type: ignore[arg-type]
        await user.press("5", "C")
        await user.sees("measured, quick", "Pipe, unix stream or TCP over loopback?")
        comparer = comparer_of(user)
        assert comparer.gone.is_set()


def test_stopping_ends_the_pairs_wherever_it_stands() -> None:
    pairs: list[DemoPair] = []

    def start(case: Case, terms: Terms) -> DemoPair:
        pair = start_pair(case, terms)
        assert isinstance(pair, DemoPair)
        pairs.append(pair)
        return pair

    comparer = Comparer(True, lambda quick: Contest([PIPE, STREAM], Effort(1000, 1, 0.002, 10.0, 600.0), start))
    told: list[Compared] = []

    def tell(compared: Compared) -> None:
        told.append(compared)
        if compared.progress is not None and compared.progress.number:
            comparer.stop()

    comparer.run(tell)
    assert comparer.gone.is_set()
    assert not told[-1].is_over
    assert len(pairs) == 2
    assert_ended(*(pid for pair in pairs for pid in (pair.maker_pid, pair.sender_pid, pair.receiver_pid)))
