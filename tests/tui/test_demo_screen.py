"""Screen 5: a real pair is chosen, run, stepped through and looked back at; nothing of it outlives the program."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcinspect.demo.checking import PlanError
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.telling import Cast, Told
from ipcinspect.sources.live import LiveSource
from ipcinspect.tui.options import ScreenOptions
from ipcinspect.tui.screens.demo import DemoPage
from ipcinspect.tui.walker import Script, Stepped, Walker
from tests.fakes import NOON, FakeSource
from tests.tui.test_screen import User, at_screen, world

STATIONS = ("1 create", "2 prepare", "3 transmit", "4 deliver", "5 receive", "6 respond", "7 close")


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids_of(user: User) -> set[int]:
    cast = user.app.query_one(DemoPage).scene().cast
    return set() if cast is None else set(cast)


async def test_it_says_what_it_is_before_anything_runs() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("5")
        await user.sees("No pair is running.", "A demo is two processes", "enter run it")
        assert pids_of(user) == set()


async def test_one_key_goes_on_by_a_stage_and_another_looks_back() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("5", "n")
        await user.sees("sender", "receiver", *STATIONS)
        await user.press("n")
        await user.press("n")
        await user.sees("2.0K sent", "1536 of 65536 bytes queued")
        assert all(map(is_there, pids_of(user)))
        await user.press("b")
        await user.sees("looking back step")
        await user.press("n")
        await user.sees("2.0K sent")


async def test_a_run_ends_by_itself_and_leaves_nothing() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("5", "n")
        await user.sees(*STATIONS)
        pids = pids_of(user)
        assert len(pids) == 3
        for _ in range(6):
            await user.press("n")
        await user.sees("ended", "nothing left")
        await user.until(lambda: not any(map(is_there, pids)))


async def test_what_the_processes_say_stands_in_the_life_of_their_channel() -> None:
    options = ScreenOptions(interval=0.2)
    async with at_screen(LiveSource(), (110, 40), options) as user:  # type: ignore[arg-type]
        await user.press("5", "n")
        await user.sees("1 creation", "sender")
        await user.press("n", "n")
        await user.sees("2.0K sent")
        await user.press("c", "right")
        await user.sees("demo-sender", "write(", "told")
        await user.press("tab", "end")
        await user.sees("demo-keeper", "made it: pipe2(0)", "created")


async def test_leaving_the_program_ends_the_pair() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("5", "n")
        await user.sees(*STATIONS)
        pids = pids_of(user)
        assert all(map(is_there, pids))
        page = user.app.query_one(DemoPage)
        walker = page._walker
    assert walker is not None
    assert walker.gone.wait(10)
    assert not any(map(is_there, pids))


async def test_another_mechanism_ends_the_pair_before_it() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("5", "n")
        await user.sees(*STATIONS)
        before = pids_of(user)
        await user.press("m")
        await user.sees("Demo of which mechanism", "posix-mq")
        await user.press("down", "enter")
        await user.sees("fifo   format JSON", "No pair is running.")
        await user.until(lambda: not any(map(is_there, before)))


async def test_keys_typed_in_one_burst_are_for_the_page_that_the_first_one_opened() -> None:
    async with at_screen(FakeSource(world())) as user:
        for key in ("5", "f", "v"):
            user.app.simulate_key(key)
        await user.sees("packet", "format struct")
        for key in ("1", "5", "enter"):
            user.app.simulate_key(key)
        await user.sees(*STATIONS)


async def test_format_and_variant_are_keys() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("5", "f")
        await user.sees("format struct")
        await user.press("v")
        await user.sees("packet")


async def test_a_plan_that_is_not_possible_is_a_sentence() -> None:
    def begin(plan: Plan) -> Script:
        raise PlanError("a size of 512 bytes is too big")

    options = ScreenOptions(interval=1000.0, clock=lambda: NOON, begin_demo=begin)
    async with at_screen(FakeSource(world()), options=options) as user:
        await user.press("5", "r")
        await user.sees("a size of 512 bytes is too big")


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (200, 50)])
async def test_it_fits_every_terminal(size: tuple[int, int]) -> None:
    async with at_screen(FakeSource(world()), size) as user:
        await user.press("5", "n")
        await user.until(lambda: pids_of(user))
        await user.press("n")
        assert len(user.text().splitlines()) == size[1]


async def test_ascii_draws_nothing_else() -> None:
    options = ScreenOptions(interval=1000.0, clock=lambda: NOON, ascii=True)
    async with at_screen(FakeSource(world()), options=options) as user:
        await user.press("5", "n")
        await user.until(lambda: pids_of(user))
        await user.press("n", "n")
        await user.sees("2.0K sent")
        assert re.sub(r"[\x20-\x7e\n]", "", user.text()) == ""


class Endless:
    """A walk that never ends; counts how often it is closed."""

    cast: Cast | None = None
    payloads: tuple[bytes, ...] = ()

    def __init__(self) -> None:
        self.closed = 0

    def __next__(self) -> Told:
        return Told("creation", None, 0.0, says="again")

    def rest_of_stage(self) -> Iterator[Told]:
        yield next(self)

    def close(self) -> None:
        self.closed += 1


class Hanging(Endless):
    """A walk whose processes do not answer until they are let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let = threading.Event(), threading.Event()

    def __next__(self) -> Told:
        self.asked.set()
        self.let.wait(20)
        return super().__next__()


async def test_keys_are_answered_while_the_processes_of_a_walk_do_not_answer() -> None:
    script = Hanging()
    options = ScreenOptions(interval=1000.0, clock=lambda: NOON, begin_demo=lambda plan: script)
    async with at_screen(FakeSource(world()), options=options) as user:
        try:
            await user.press("5", "n")
            await user.until(script.asked.is_set)
            await user.press("question_mark")
            await user.sees("Everywhere")
            await user.press("escape", "f")
            await user.sees("format struct")
            assert not script.closed, "it still hangs"
        finally:
            script.let.set()
        await user.until(lambda: script.closed)


def test_a_walker_that_is_stopped_closes_its_walk_and_says_that_it_is_gone() -> None:
    script, told = Endless(), list[Stepped]()
    walker = Walker(Plan("pipe"), lambda plan: script, pace_s=0.001)
    thread = threading.Thread(target=walker.run, args=(told.append,))
    thread.start()
    walker.wish("end")
    walker.stop()
    thread.join(10)
    assert walker.gone.is_set()
    assert script.closed == 1
