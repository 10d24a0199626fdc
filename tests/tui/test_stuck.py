"""The screens Stuck and Findings, the headline and the badges: who is stuck, on whom, and what is told of it where."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from ipcinspect.diagnosis.chains import Chain, Hop
from ipcinspect.diagnosis.wait_graph import WaitGraph
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.wait import Awaited
from ipcinspect.tui import feed
from ipcinspect.tui.chain_text import chain_lines
from ipcinspect.tui.glyphs import ASCII, UNICODE, Glyphs
from ipcinspect.tui.ipc_app import IpcApp
from ipcinspect.tui.options import ScreenOptions
from tests.diagnosis.builders import look, reads, thread, wait, writes
from tests.fakes import HOSTILE_NAMES, NOON, FakeSource, channel, endpoint, pipe, process
from tests.tui.test_screen import User, at_screen

ONE, OTHER = process(3301, "python3"), process(3302, "python3")
THERE = pipe(50112, ONE, OTHER, "full", 65536)
BACK = pipe(50114, OTHER, ONE, "full", 65536)
MAKE, TEE, LESS = process(2211, "make"), process(2212, "tee"), process(2213, "less")
FIRST, SECOND = pipe(48213, MAKE, TEE, "full", 65536), pipe(48217, TEE, LESS, "full", 65536)
QUIET = pipe(7, process(77, "calm"), process(78, "calm"))


def deadlock(at: float = NOON) -> Snapshot:
    waits = [writes(ONE, THERE, 1), writes(OTHER, BACK, 1), reads(process(78, "calm"), QUIET, 0)]
    return replace(look([QUIET, THERE, BACK], waits), taken_at=at)


def pipeline(at: float = NOON) -> Snapshot:
    """`make | tee | less`, and less waits for a key."""
    terminal = channel(5, "pty", "idle", [endpoint("b", "slave", LESS, 3), endpoint("a", "master", None)])
    waits = [writes(MAKE, FIRST, 1), writes(TEE, SECOND, 1), reads(LESS, terminal, 3)]
    steady = [each._replace(switches=3) for each in waits]
    return replace(look([QUIET, FIRST, SECOND, terminal], steady), taken_at=at)


def calm(at: float = NOON) -> Snapshot:
    return replace(look([QUIET], [reads(process(78, "calm"), QUIET, 0)]), taken_at=at)


@pytest.fixture
def each_look_reads_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """However fast one follows the other."""
    monkeypatch.setattr(feed, "WAITS_EVERY_S", 0.0)


async def test_a_deadlock_stands_in_the_headline_the_badges_and_on_top_of_the_channels() -> None:
    async with at_screen(FakeSource(deadlock())) as user:
        assert "■ 1 knot, 2 processes stuck  python3 3301 and python3 3302 wait for each other" in user.line(2)
        assert "3 Stuck ■1" in user.line(1)
        assert "4 Findings ■1" in user.line(1)
        assert "■ deadlock" in user.line(4)
        assert "■ deadlock" in user.line(5)
        assert "━┫" in user.line(4)


async def test_a_full_channel_is_full_since_its_writer_sleeps_also_where_that_was_before_the_screen_began() -> None:
    waits = [writes(MAKE, FIRST, 1)._replace(since=NOON - 130), reads(process(78, "calm"), QUIET, 0)]
    seen = replace(look([QUIET, FIRST], waits, [TEE], others=[TEE]), taken_at=NOON)
    async with at_screen(FakeSource(seen)) as user:
        assert user.line(4).rstrip().endswith("2m10")
        assert "make 2211" in user.line(4)


async def test_what_nobody_is_stuck_in_is_calm_and_has_no_badge() -> None:
    async with at_screen(FakeSource(calm())) as user:
        assert "● nothing is stuck" in user.line(2)
        assert "3 Stuck  4 Findings  5 Demo" in user.line(1)
        await user.press("3")
        await user.sees(
            "● nothing is stuck   checked", "No process waits for something that cannot happen.", "1 channel"
        )
        await user.press("4")
        await user.sees("● nothing is wrong", "No rule finds anything wrong.", "self-held-write-end", "1 look")
        await user.press("1", "w")
        await user.sees("○ why       calm 78 waits, in the end for calm 77", "◆ calm 77", "it runs")


async def test_without_waits_nothing_is_said_of_who_is_stuck() -> None:
    async with at_screen(FakeSource(replace(deadlock(), waits={}))) as user:
        assert "2 channels are full" in user.line(2)
        await user.press("3")
        await user.sees("What threads wait for is not known yet.")


async def test_a_circle_is_drawn_with_what_it_means_and_leads_to_channel_and_process() -> None:
    async with at_screen(FakeSource(deadlock())) as user:
        await user.press("w")
        await user.sees(
            "╭► ■ python3 3301", "until python3 3302 reads fd 0 of pipe:[50112]", "CYCLE   back to python3 33"
        )
        await user.sees("In short", "Evidence", "proc_pid_syscall(5)", "Remedy", "kill 3302")
        await user.press("enter")
        await user.sees("─ pipe:[50112]", "Waits 1", "Findings 1")
        await user.press("escape", "o")
        await user.sees("Descriptors 2")
        assert user.app.page.id == "processes-page"


@pytest.mark.usefixtures("each_look_reads_waits")
async def test_who_holds_others_up_for_long_is_the_root_of_a_chain() -> None:
    async with at_screen(FakeSource(pipeline(), pipeline(NOON + 30))) as user:
        assert "● nothing is stuck" in user.line(2)
        await user.look()
        await user.sees("▲ less 2213 holds up 2 others for 30s")
        await user.press("3")
        await user.sees(
            "▲ chain     make 2211 and tee 2212 wait for less 2213", "◆ less 2213", "ROOT", "waits for a key"
        )


async def test_of_a_process_stands_what_its_threads_wait_for() -> None:
    async with at_screen(FakeSource(deadlock())) as user:
        await user.press("2")
        user.app.open_process(ONE.key)
        await user.sees("─ Threads asleep 1 ─", "■ python3 3301", "python3 3302 reads", "─ Descriptors 2 ─")


async def test_w_tells_also_of_a_process_that_is_not_stuck_what_it_waits_for() -> None:
    async with at_screen(FakeSource(pipeline())) as user:
        await user.press("2")
        user.app.open_process(LESS.key)
        await user.press("w")
        await user.sees("○ why       less 2213 waits for a key at pty:[5]")
        await user.press("escape", "3")
        await user.sees("nothing is stuck")


@pytest.mark.usefixtures("each_look_reads_waits")
async def test_a_new_deadlock_is_told_once_wherever_the_user_is() -> None:
    source = FakeSource(calm(), calm(NOON + 1), deadlock(NOON + 2), deadlock(NOON + 3))
    app = IpcApp(source, ScreenOptions(interval=1000.0, clock=lambda: NOON))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        user = User(app, pilot, source)
        await user.until(lambda: app.view is not None)
        await user.press("2")
        for _ in range(3):
            await user.look()
        await user.sees("New deadlock", "python3 3301 and python3 3302 wait")
        assert user.text().count("New deadlock") == 1


async def test_findings_tell_what_shows_them_and_what_the_rule_means() -> None:
    async with at_screen(FakeSource(deadlock()), (120, 40)) as user:
        await user.press("4")
        await user.sees("▌■ deadlock", "─ deadlock  error", "Evidence", "Remedy", "Means", "Seen by")
        await user.press("y")
        await user.sees("copied the report")
        assert "Means" in user.app.clipboard


async def test_the_tabs_of_a_channel_tell_who_sleeps_on_it_and_what_is_wrong_with_it() -> None:
    async with at_screen(FakeSource(deadlock()), (120, 40)) as user:
        await user.press("right", "right", "right")
        await user.sees("WAITS IN", "python3 3301 write()", "python3 3302 reads")
        await user.press("right")
        await user.sees("■ deadlock", "kill 3302 ends it")
        await user.press("end", "left")
        await user.sees("calm 78", "calm 77 writes or closes its end")


@pytest.mark.parametrize("options", [ScreenOptions(interval=1000.0), ScreenOptions(interval=1000.0, ascii=True)])
async def test_hostile_names_stay_text_on_stuck_and_findings(options: ScreenOptions) -> None:
    nasty = [process(6000 + number, name) for number, name in enumerate(HOSTILE_NAMES)]
    pairs = list(zip(nasty, nasty[1:] + nasty[:1], strict=True))
    pipes = [pipe(100 + number, one, other, "full", 65536) for number, (one, other) in enumerate(pairs)]
    waits = [writes(one, each, 1) for (one, _), each in zip(pairs, pipes, strict=True)]
    async with at_screen(FakeSource(look(pipes, waits)), (120, 40), options) as user:
        for key in ("3", "4"):
            await user.press(key)
            text = user.text()
            assert "\x1b" not in text
            assert "\u202e" not in text
            assert "deadlock" in text
            assert not options.ascii or text.isascii()


async def test_looks_that_follow_fast_do_not_all_read_waits() -> None:
    async with at_screen(FakeSource(calm(), calm(NOON + 1))) as user:
        await user.look()
        assert [want.waits for want in user.source.wants] == [True, False]
        assert [want.limits for want in user.source.wants] == [True, False], "the rules about limits ran"
        assert "● nothing is stuck" in user.line(2)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("back_to", [None, 0, 1, 5])
def test_of_a_long_chain_the_first_two_and_the_last_three_are_drawn(glyphs: Glyphs, back_to: int | None) -> None:
    people = [process(500 + number, "hop") for number in range(12)]
    waits = [wait(thread(one), "write", Awaited("room")) for one in people]
    graph = WaitGraph(look([], waits, people))
    hops = tuple(Hop(each.thread, each, each.awaited[0], graph.helpers(each)[0][1]) for each in waits)
    lines = chain_lines(graph, Chain(hops, back_to, None), "error", 79, glyphs)
    text = ["".join(span.text for span in line) for line in lines]
    drawn = [row for row in text if "CYCLE" not in row]
    assert [number for number in range(12) if any(f"hop {500 + number}" in row for row in drawn)] == [0, 1, 9, 10, 11]
    assert sum("7 more" in row for row in drawn) == 1
    assert any(glyphs.rail[0] in row for row in text) == (back_to is not None)
    assert all(sum(cell_len(span.text) for span in line) <= 79 for line in lines)
