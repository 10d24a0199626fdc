"""The Contents tab: it says what it will do, does it once when asked, and shows what came, whatever it is."""

from __future__ import annotations

import threading
import time

import pytest
from textual.widgets import ContentSwitcher

from ipcinspect.model.contents import Contents, Piece, refused
from ipcinspect.tui import inside
from ipcinspect.tui.feed import PeekWish
from ipcinspect.tui.glyphs import ASCII, UNICODE
from ipcinspect.tui.inside import MORE_BYTES, answered
from ipcinspect.tui.options import ScreenOptions
from ipcinspect.tui.widgets.panel import CONTENTS
from tests.fakes import HOSTILE_NAMES, NOON, FakeSource, channel, endpoint, pipe, process, snapshot
from tests.tui.test_screen import at_screen

MAKE, TEE, LESS = process(2211, "make"), process(2212, "tee"), process(2213, "less")
FULL, HELD, SHUT = pipe(1, MAKE, TEE, "full", 65536), pipe(2, TEE, LESS, "holding", 300), pipe(3, MAKE, LESS)
BY = "tee(2) through descriptor 0 of tee 2212"
TEXT = Contents((Piece(b"one\ntwo\n", 4096),), BY, 65536)
JSON = Contents((Piece(b'{"a":[1,{}],"a":1e999}', 22),), BY, 22)
WITHIN_A_KEY_S = 5.0
"""Far above the 50 ms that are promised: the machine of the test is shared."""


def source(**changes: Contents) -> FakeSource:
    contents = {FULL.key: TEXT, HELD.key: JSON, SHUT.key: refused("process 2211 (denied)", "denied")}
    if "full" in changes:
        contents[FULL.key] = changes["full"]
    return FakeSource(snapshot([FULL, HELD, SHUT]), contents=contents)


async def test_nothing_is_looked_into_before_the_user_has_read_what_it_does() -> None:
    async with at_screen(source()) as user:
        await user.press("right", "right")
        await user.sees("Press p to copy the first 4.0K.", "It copies the first bytes with tee(2)")
        await user.press("left", "left")
        await user.press("p")
        await user.sees("Press p to copy the first 4.0K.")
        await user.look()
        assert user.source.peeked == []
        await user.press("p")
        await user.sees("one", "two", "shown 8 B of 64.0K, 64.0K more", BY)
        assert user.source.peeked == [(FULL.key, 4096)]


async def test_each_key_asks_once_and_later_looks_change_nothing() -> None:
    async with at_screen(source()) as user:
        await user.press("p", "p")
        await user.sees("shown 8 B")
        before = user.text()
        await user.look()
        await user.look()
        assert user.text() == before
        assert len(user.source.peeked) == 1
        await user.press("P")
        await user.until(lambda: len(user.source.peeked) == 2)
        assert user.source.peeked[1] == (FULL.key, MORE_BYTES)


async def test_another_channel_is_another_request() -> None:
    async with at_screen(source()) as user:
        await user.press("p", "p")
        await user.sees("shown 8 B")
        await user.press("down")
        await user.sees("Press p to copy")
        await user.sees_no("shown 8 B")
        await user.press("p")
        await user.sees('"a": [', "shown all 22 B")
        await user.press("tab", "end")
        await user.sees('"a": 1e999')
        assert [key for key, _ in user.source.peeked] == [FULL.key, HELD.key]


async def test_while_it_waits_it_says_so_and_keys_are_answered() -> None:
    gate = threading.Event()

    class Slow(FakeSource):
        def peek(self, key, most):  # type: ignore[no-untyped-def]
            gate.wait(20)
            return super().peek(key, most)

    slow = Slow(snapshot([FULL, HELD, SHUT]), contents={FULL.key: TEXT})
    async with at_screen(slow) as user:
        await user.press("p", "p")
        await user.sees("Copying the first 4.0K…")
        start = time.monotonic()
        await user.press("down")
        await user.sees("▌pipe      ● holding")
        assert time.monotonic() - start < WITHIN_A_KEY_S
        await user.press("up", "p", "p")
        await user.sees("Copying the first 4.0K…")
        gate.set()
        await user.sees("shown 8 B of 64.0K")
        assert len(user.source.peeked) == 1


async def test_an_answer_that_is_no_longer_waited_for_is_dropped() -> None:
    async with at_screen(source()) as user:
        page = user.app.channels_page
        page.open_contents(answered(HELD.key, 4096, JSON, NOON))
        await user.press("p")
        await user.press("down")
        await user.sees("Press p to copy")
        assert "1e999" not in user.text()


async def test_it_works_while_paused() -> None:
    async with at_screen(source()) as user:
        await user.press("space", "p", "p")
        await user.sees("shown 8 B of 64.0K", "paused")


async def test_who_is_denied_reads_the_reason_and_the_capability() -> None:
    async with at_screen(source()) as user:
        await user.press("end", "p", "p")
        await user.sees("cannot look inside: process 2211 (denied): it takes", "CAP_SYS_PTRACE, run as root")


async def test_what_is_empty_says_so_and_when() -> None:
    async with at_screen(source(full=Contents((), BY, 0))) as user:
        await user.press("p", "p")
        await user.sees("It was empty: nothing waited in it.", "p looks again")


async def test_a_source_that_cannot_look_inside_is_told() -> None:
    async with at_screen(FakeSource(snapshot([FULL]))) as user:
        await user.press("p", "p")
        await user.sees("cannot look inside")


async def test_a_mechanism_that_nothing_looks_into_says_so_at_once() -> None:
    socket = channel(9, "netlink")
    async with at_screen(FakeSource(snapshot([socket]))) as user:
        await user.press("p")
        await user.sees("There is no way to look inside a netlink")


@pytest.mark.parametrize("mechanism", ["unix", "tcp"])
async def test_a_listener_promises_no_contents(mechanism: str) -> None:
    listener = channel(9, mechanism, "listening", [endpoint("b", "listener", MAKE, 3)])
    async with at_screen(FakeSource(snapshot([listener]))) as user:
        await user.press("p")
        await user.sees("A listener has no contents of its own")
        assert "MSG_PEEK" not in user.text()
        assert "to copy the first" not in user.text()


async def test_a_source_that_fails_leaves_the_screen_alive() -> None:
    class Broken(FakeSource):
        def peek(self, key, most):  # type: ignore[no-untyped-def]
            raise OSError("the disk is gone")

    async with at_screen(Broken(snapshot([FULL]))) as user:
        await user.press("p", "p")
        await user.sees("cannot look inside: the disk is gone")
        await user.look()


async def test_x_goes_through_the_forms() -> None:
    async with at_screen(source()) as user:
        await user.press("x")
        await user.sees("nothing was copied from this channel")
        await user.press("down", "p", "p")
        await user.sees('"a": [', "x hex")
        await user.press("x")
        await user.sees("00000000  7b 22 61 22 3a 5b", "x text")
        await user.press("x")
        await user.sees('{"a":[1,{}],"a":1e999}', "x as it is")
        await user.press("x")
        await user.sees('"a": [', "x hex")


@pytest.mark.parametrize(
    ("size", "options"),
    [
        *(((width, height), {}) for width, height in ((80, 24), (200, 50), (40, 10))),
        *(((80, 24), options) for options in ({"ascii": True}, {"no_color": True}, {"theme": "ansi-light"})),
    ],
    ids=str,
)
async def test_hostile_contents_are_lines_like_any_other(size: tuple[int, int], options: dict[str, object]) -> None:
    data = "\n".join(HOSTILE_NAMES).encode("utf-8", "surrogateescape") + b"\n" + "e\u0301\u0301\u0301".encode() * 200
    pieces = (Piece(data, None, HOSTILE_NAMES[0]), Piece(b"[" * 2000, None, HOSTILE_NAMES[5]))
    hostile = Contents(pieces, HOSTILE_NAMES[4], None, note=HOSTILE_NAMES[2])
    given = ScreenOptions(interval=1000.0, clock=lambda: NOON, **options)  # type: ignore[arg-type]
    async with at_screen(source(full=hostile), size, given) as user:
        await user.press("p", "p")
        await user.until(lambda: user.source.peeked)
        for key in ("tab", "x", "end", "x", "home", "x", "pagedown"):
            await user.press(key)
        lines = user.text().splitlines()
        assert all(line.isprintable() for line in lines)
        assert not options.get("ascii") or "\n".join(lines).isascii()


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_every_byte_of_a_long_line_can_be_reached(size: tuple[int, int]) -> None:
    data = b"".join(b"%05d," % number for number in range(3000)) + "日本".encode() * 500
    async with at_screen(source(full=Contents((Piece(data, None),), BY, None)), size) as user:
        await user.press("p", "p")
        await user.sees("00000,00001")
        lines = user.app.channels_page.panel.query_one(f"#panel-{CONTENTS}")
        rows, width = lines.rows, lines.scrollable_content_region.width  # type: ignore[attr-defined]
        drawn = ["".join(span.text for span in rows.line(row, width, False, UNICODE)[2:]) for row in range(len(rows))]
        assert data.decode() in "".join(drawn[2:])


async def test_64_kib_of_hexadecimal_scroll_without_being_drawn_before() -> None:
    big = Contents((Piece(bytes(range(256)) * 256, 65536),), BY, 65536)
    async with at_screen(source(full=big)) as user:
        await user.press("p", "p")
        await user.sees("00000000  00 01 02")
        await user.press("tab", "end")
        await user.sees("0000fff0  f0 f1")
        start = time.monotonic()
        for _ in range(5):
            await user.press("pageup")
        assert time.monotonic() - start < 5 * WITHIN_A_KEY_S


async def test_what_takes_long_to_lay_out_holds_up_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, threads = threading.Event(), set[str]()
    lay_out = inside._lay_out

    def slowly(*details: object) -> object:
        threads.add(threading.current_thread().name)
        gate.wait(20)
        return lay_out(*details)  # type: ignore[arg-type]

    monkeypatch.setattr(inside, "_lay_out", slowly)
    pieces = tuple(Piece(b"\n" * 16, 16, f"type {number}") for number in range(4096))
    async with at_screen(source(full=Contents(pieces, BY, 65536))) as user:
        await user.press("p", "P")
        await user.sees("Laying out 64.0K…")
        await user.press("down")
        await user.sees("▌pipe      ● holding")
        await user.press("up")
        await user.sees("Laying out 64.0K…")
        gate.set()
        await user.sees("shown all 64.0K", "type 0: 16 B, text")
        await user.press("x")
        await user.sees("00000000  0a 0a")
        await user.press("tab", "end")
        await user.sees("type 4095")
        assert threading.main_thread().name not in threads


async def test_a_new_size_lays_it_out_anew() -> None:
    async with at_screen(source(full=Contents((Piece(b"\xff" * 64, 64),), BY, 64)), (120, 40)) as user:
        await user.press("p", "p")
        await user.sees("00000030  ff")
        await user.pilot.resize_terminal(60, 24)
        await user.press("tab", "end")
        await user.sees("00000038  ff ff ff ff ff ff ff ff  |........|")


async def test_the_palette_and_the_help_know_it() -> None:
    async with at_screen(source()) as user:
        user.app.look_inside()
        await user.sees("Press p to copy")
        assert user.app.query_one("#pages", ContentSwitcher).current == "channels-page"
        await user.press("question_mark")
        await user.sees("look inside: the first 4 KiB, 64 KiB")


def test_rows_are_made_in_the_room_that_ascii_escapes_need() -> None:
    peek = answered(FULL.key, 4096, Contents((Piece("日本語".encode() * 50, 450),), BY, 450), NOON)
    rows = peek.rows("usual", 80, ASCII)
    drawn = ["".join(span.text for span in rows.line(row, 80, False, ASCII)) for row in range(len(rows))]
    assert all(len(line) <= 80 and line.isascii() for line in drawn)
    assert "".join(line[1:].strip() for line in drawn).count("\\u65e5\\u672c\\u8a9e") == 50


def test_two_requests_for_one_channel_are_two_wishes() -> None:
    assert PeekWish(FULL.key, 1, 0) != PeekWish(FULL.key, 1, 1)
