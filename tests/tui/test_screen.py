"""The screen as its user knows it: keys, clicks, what stays where, what is told."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import Process
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.sources import Detail, Details
from ipcinspect.tui.ipc_app import IpcApp
from ipcinspect.tui.options import ScreenOptions
from ipcinspect.tui.widgets.line_list import LineList
from tests.fakes import HOSTILE_NAMES, NOON, FakeSource, channel, endpoint, pipe, process, snapshot

SH, MAKE, TEE = process(2209, "sh", ppid=1), process(2211, "make", ppid=2209), process(2212, "tee", ppid=2209)
LESS = process(2213, "less", ppid=2209)
FULL = pipe(48213, MAKE, TEE, "full", 65536)
FULL_TOO = pipe(48217, TEE, LESS, "full", 65536)
NAMED = channel(
    77,
    "unix",
    "idle",
    [endpoint("a", "client", MAKE, 5, 77), endpoint("b", "server", LESS, 6, 78, "/run/app.sock")],
    name="/run/app.sock",
)
IDLE = tuple(pipe(50000 + number, SH, LESS) for number in range(40))
EVERYTHING = (FULL, FULL_TOO, NAMED, *IDLE)
PATIENCE = 200


def world(*channels: Channel, at: float = NOON) -> Snapshot:
    return snapshot(channels or EVERYTHING, [process(1, "systemd", uid=0), SH], at=at)


class User:
    """Somebody before the screen."""

    def __init__(self, app: IpcApp, pilot: Pilot[int], source: FakeSource) -> None:
        self.app = app
        self.pilot = pilot
        self.source = source

    def line(self, y: int) -> str:
        """One line of what is drawn."""
        strips = self.app.screen._compositor.render_strips()
        return "".join(segment.text for segment in strips[y])

    def text(self) -> str:
        """All that is drawn."""
        return "\n".join(self.line(y) for y in range(self.app.size.height))

    def row(self) -> str:
        """The line with the cursor of the table in front."""
        return next(line for line in self.text().splitlines() if line.startswith("▌"))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, true: Callable[[], object]) -> None:
        """Wait for a condition; fails after a while with what is drawn."""
        for _ in range(PATIENCE):
            if true():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(self.text())

    async def sees(self, *expected: str) -> None:
        await self.until(lambda: all(each in self.text() for each in expected))

    async def sees_no(self, unexpected: str) -> None:
        await self.until(lambda: unexpected not in self.text())

    async def look(self) -> None:
        """Have the machine looked at once more, and the result shown."""
        before = self.app.view
        self.app.feed.wake(look=True)
        await self.until(lambda: self.app.view is not before and self.app.view is not None)
        await self.pilot.pause()


@asynccontextmanager
async def at_screen(
    source: FakeSource, size: tuple[int, int] = (80, 24), options: ScreenOptions | None = None
) -> AsyncIterator[User]:
    app = IpcApp(source, options or ScreenOptions(interval=1000.0, clock=lambda: NOON))
    async with app.run_test(size=size) as pilot:
        user = User(app, pilot, source)
        await user.until(lambda: app.view is not None)
        await pilot.pause()
        yield user


async def test_the_first_frame_does_not_wait_for_the_first_look() -> None:
    gate = threading.Event()
    source = FakeSource(world(), before_look=lambda: gate.wait(20))
    app = IpcApp(source, ScreenOptions(interval=1000.0))
    async with app.run_test(size=(80, 24)) as pilot:
        user = User(app, pilot, source)
        await user.sees("Looking at this machine…", "1 Channels", "q quit")
        gate.set()
        await user.sees("make 2211/1")


async def test_the_source_is_asked_only_in_the_threads_of_the_feed() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("down", "down")
        await user.until(lambda: len(user.source.asked) > 1)
        assert threading.main_thread().name not in user.source.threads


async def test_channels_stand_worst_first_with_a_headline() -> None:
    async with at_screen(FakeSource(world())) as user:
        assert "■ 2 channels are full  make 2211/1 ━┫ tee 2212/0" in user.line(2)
        assert user.line(4).startswith("▌pipe      ■ full")
        assert "enter open" in user.line(23)


async def test_the_cursor_stays_with_its_channel_through_sort_and_change() -> None:
    later = world(NAMED, FULL_TOO, *IDLE, at=NOON + 1)
    async with at_screen(FakeSource(world(), later)) as user:
        await user.press("end")
        assert "unix" in user.row()
        await user.press("s", "s", "s", "s", "s")
        await user.sees("KIND▾")
        assert "unix" in user.row()
        await user.look()
        assert "unix" in user.row()
        assert user.app.channels_page.copied() == "socket:[77]"


async def test_when_its_channel_is_gone_for_good_the_cursor_keeps_its_place() -> None:
    looks = [world(), world(FULL, NAMED, at=NOON + 1), world(FULL, NAMED, at=NOON + 30)]
    async with at_screen(FakeSource(*looks)) as user:
        await user.press("down")
        await user.look()
        assert "× closed" in user.row()
        await user.look()
        assert "unix" in user.row()


async def test_closed_channels_stay_dimmed_for_ten_seconds_and_then_go() -> None:
    looks = [world(), world(FULL, at=NOON + 1), world(FULL, at=NOON + 10), world(FULL, at=NOON + 12)]
    async with at_screen(FakeSource(*looks)) as user:
        await user.look()
        await user.sees("× closed")
        assert "1 channel " in user.line(0)
        await user.look()
        await user.sees("× closed")
        await user.look()
        await user.sees_no("× closed")


async def test_a_filter_is_typed_kept_and_cleared() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("slash", *"kind:unix")
        await user.sees("make 2211/5")
        await user.sees_no("■ full")
        await user.press("enter")
        await user.sees("/ kind:unix  1 of 43 channels")
        await user.press("escape")
        await user.sees("■ full", "2 channels are full")


async def test_a_bad_filter_is_one_line_and_nothing_else_changes() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("slash", *"kind:pip")
        await user.sees("unknown mechanism 'pip'", "■ full")
        await user.press("e")
        await user.sees_no("unknown mechanism")


async def test_a_filter_that_nothing_matches_says_how_to_go_on() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("slash", *"state:orphaned", "enter")
        await user.sees("No channel matches state:orphaned.", "43 channels without the filter: esc clears it.")
        await user.press("escape")
        await user.sees("make 2211/1")


async def test_orders_go_round_and_turn_round() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("s")
        await user.sees("▾FOR", "sorted by for")
        await user.press("s")
        await user.sees("▾QUEUED")
        assert "64.0K" in user.line(4)
        await user.press("S")
        await user.sees("▴QUEUED")
        await user.until(lambda: "64.0K" not in user.line(4))


async def test_a_click_on_a_title_sorts_and_a_click_on_a_row_chooses() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.pilot.click("#channels", offset=(3, 0))
        await user.sees("KIND▾")
        await user.pilot.click("#channels", offset=(3, 0))
        await user.sees("KIND▴")
        await user.pilot.click("#channels", offset=(10, 3))
        assert user.line(6).startswith("▌")


async def test_the_wheel_scrolls_and_the_cursor_stays() -> None:
    async with at_screen(FakeSource(world())) as user:
        table = user.app.query_one("#channels", LineList)
        chosen = table.cursor
        await user.pilot._post_mouse_events([_wheel], "#channels", offset=(10, 4), button=0)
        await user.until(lambda: table.scroll_offset.y > 0)
        assert table.cursor == chosen


async def test_pause_stops_looking_and_says_since_when() -> None:
    now = [NOON]
    options = ScreenOptions(interval=0.05, clock=lambda: now[0])
    async with at_screen(FakeSource(world()), options=options) as user:
        await user.press("space")
        await user.sees("‖ paused 0s")
        now[0] += 75
        await user.sees("‖ paused 1m15")
        looks = len(user.source.wants)
        await user.pilot.pause(0.3)
        assert len(user.source.wants) <= looks + 1
        await user.press("space")
        await user.sees("● live")
        await user.until(lambda: len(user.source.wants) > looks + 2)


async def test_the_interval_changes_by_key() -> None:
    async with at_screen(FakeSource(world()), options=ScreenOptions(interval=1.0)) as user:
        await user.press("minus")
        await user.sees("live 2s")
        await user.press("plus", "plus")
        await user.sees("live 0.5s")


@pytest.mark.parametrize("error", [OSError("no /proc here"), ValueError("a fault [/red]")])
async def test_a_failed_look_is_told_and_tried_again(error: Exception) -> None:
    options = ScreenOptions(interval=0.3)
    source = FakeSource(world(), error, error, world(FULL, at=NOON + 3))
    async with at_screen(source, options=options) as user:
        await user.sees("cannot look:", str(error), "▲ stale since", "make 2211/1")
        await user.sees("● live", "■ 1 channel is full")


async def test_the_panel_names_every_holder_and_opens_its_process() -> None:
    details = {FULL.key: Details((Detail("pipe size", 65536, "bytes", "fdinfo"),), {(2211, 1): "nonblock cloexec"})}
    async with at_screen(FakeSource(world(), details=details)) as user:
        await user.sees("Ends 2", "writer  make 2211", "nonblock cloexec", "reader  tee 2212")
        await user.press(*["right"] * 5)
        await user.sees("pipe size", "64.0K (65536)", "fdinfo")
        await user.press(*["left"] * 5, "enter", "down", "enter")
        await user.sees("sh 2209 › tee 2212", "Descriptors 2")
        await user.press("escape")
        await user.sees("Ends 2")


async def test_from_a_process_to_its_channel_and_to_the_process_at_the_other_end() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("2")
        await user.sees("sh 2209 › make 2211")
        assert "━┫" in user.row()
        await user.press("o")
        await user.sees("sh 2209 › tee 2212")
        assert "◄─" in user.row()
        await user.press("escape")
        await user.sees("sh 2209 › make 2211")
        await user.press("right_square_bracket")
        await user.sees("sh 2209 › tee 2212")
        await user.press("down", "enter")
        await user.sees("─ pipe:[48217]")
        assert "tee 2212/1" in user.row()


async def test_processes_are_filtered_by_their_words() -> None:
    async with at_screen(FakeSource(world()), (120, 40)) as user:
        await user.press("2", "slash", *"les", "enter")
        await user.sees("less 2213", "systemd 1", "/ les  1 of 5 processes")
        assert not any("tee 2212" in user.line(y) for y in range(3, 39))


async def test_the_doctor_asks_for_sights_only_while_it_is_looked_at() -> None:
    async with at_screen(FakeSource(world())) as user:
        assert user.source.wants[0].sights
        await user.look()
        assert not user.source.wants[-1].sights
        await user.press("7")
        await user.sees("What can be seen here", "Not seen in this look", "What a look costs")
        await user.until(lambda: user.source.wants[-1].sights)


async def test_it_starts_at_a_process() -> None:
    async with at_screen(FakeSource(world()), options=ScreenOptions(interval=1000.0, pid=2212)) as user:
        await user.sees("sh 2209 › tee 2212")


async def test_what_a_hidden_process_has_open_is_not_said_to_be_nothing() -> None:
    hidden = process(666, "secret", readable=False)
    source = FakeSource(snapshot([pipe(1, MAKE, TEE)], [hidden]))
    async with at_screen(source, options=ScreenOptions(interval=1000.0, pid=666)) as user:
        await user.sees("Descriptors ?")


async def test_a_channel_that_nobody_is_seen_to_hold_says_so_in_its_panel() -> None:
    left = channel(7, "posix-shm", "orphaned", [])
    async with at_screen(FakeSource(snapshot([left]))) as user:
        await user.sees("No process is seen to hold it")


async def test_a_process_that_is_not_there_is_told() -> None:
    async with at_screen(FakeSource(world()), options=ScreenOptions(interval=1000.0, pid=4)) as user:
        await user.sees("there is no process 4", "make 2211/1")


async def test_copy_takes_the_id() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("y")
        await user.sees("copied pipe:[48213]")
        assert user.app.clipboard == "pipe:[48213]"


async def test_a_copied_name_cannot_press_enter_in_a_shell() -> None:
    nasty = channel(1, "posix-shm", id="posix-shm:/x\nrm -rf ~\x1b[201~", ends=[endpoint("a", "attached", MAKE)])
    async with at_screen(FakeSource(world(nasty))) as user:
        await user.press("y")
        assert user.app.clipboard.isprintable()


async def test_the_palette_finds_channels_and_processes() -> None:
    async with at_screen(FakeSource(world())) as user:
        await user.press("ctrl+p", *"app.sock")
        await user.sees("unix /run/app.sock  make 2211/5")
        await user.press("down", "enter")
        await user.until(lambda: user.app.channels_page.copied() == "socket:[77]")


async def test_help_tells_keys_words_and_marks() -> None:
    async with at_screen(FakeSource(world()), (80, 100)) as user:
        await user.press("question_mark")
        await user.sees("Everywhere", "kind:pipe", "■", "runs into a wall")
        await user.press("escape")
        await user.sees("make 2211/1")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50), (40, 10), (20, 5)])
async def test_hostile_names_stay_text_on_every_screen(size: tuple[int, int]) -> None:
    nasty = [_nasty(number, name) for number, name in enumerate(HOSTILE_NAMES, 1)]
    async with at_screen(FakeSource(world(*nasty)), size) as user:
        for key in ("2", "7", "1"):
            await user.press(key, "down", "tab", "down")
            assert all(char.isprintable() for char in user.text().replace("\n", ""))
        if size == (200, 50):
            await user.sees("[/red]x", "\\x1b]0;owned\\x07sh", "two\\nlines", "\\u202egnp.exe", "日本語の名前")


@pytest.mark.parametrize(("size", "seen"), [((120, 40), "NAME"), ((200, 50), "─ Fields ─")])
async def test_more_room_shows_more(size: tuple[int, int], seen: str) -> None:
    async with at_screen(FakeSource(world()), size) as user:
        await user.sees(seen, "make 2211/1")


async def test_ascii_draws_nothing_else() -> None:
    options = ScreenOptions(interval=1000.0, ascii=True)
    nasty = [_nasty(number, name) for number, name in enumerate(HOSTILE_NAMES, 1)]
    async with at_screen(FakeSource(world(FULL, *nasty)), (120, 40), options) as user:
        for key in ("1", "2", "7", "question_mark"):
            await user.press(key)
            assert user.text().isascii(), user.text()
        await user.press("escape", "ctrl+p", "f")
        await user.pilot.pause(0.2)
        assert user.text().isascii(), user.text()


async def test_100_000_channels_are_moved_through_at_once() -> None:
    like = pipe(0, SH, LESS)
    many = [like._replace(key=ChannelKey("pipe", 0, n), id=f"pipe:[{n}]") for n in range(100_000)]
    async with at_screen(FakeSource(snapshot(many, [SH, LESS], descriptors={}))) as user:
        await user.press("end")
        assert "sh 2209/1" in user.row()
        await user.press("home", "pagedown")
        assert len(user.app.query_one("#channels", LineList)._strips) < 600


def _nasty(number: int, name: str) -> Channel:
    holder: Process = process(6000 + number, name, cmdline=(name, name), container=name)
    ends = [endpoint("a", "client", holder, 3, address=name), endpoint("b", "server", process(7000 + number, name), 4)]
    return channel(number, "unix", "idle", ends, name="/tmp/" + name, id="unix:/tmp/" + name)


def _wheel(**place: object) -> object:
    from textual.events import MouseScrollDown

    return MouseScrollDown(**place)  # type: ignore[arg-type]
