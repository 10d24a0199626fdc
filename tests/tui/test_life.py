"""The life of a channel as it is drawn: its events, its rate."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from ipcinspect.lifecycle.life import Event, Life, Rate
from ipcinspect.lifecycle.stages import Station
from ipcinspect.model.channel import Channel, Queue
from ipcinspect.model.words import CERTAINTIES, STAGES
from ipcinspect.tui import figures
from ipcinspect.tui.columns import columns, row_line
from ipcinspect.tui.drawing import length
from ipcinspect.tui.ends import ends_of
from ipcinspect.tui.glyphs import ASCII, UNICODE, Glyphs
from ipcinspect.tui.life_text import event_lines, event_time, life_lines
from ipcinspect.tui.movement import rate_cell, rate_text, spark_cell
from ipcinspect.tui.wording import Row
from tests.fakes import HOSTILE_NAMES, NOON, channel, endpoint, pipe, process
from tests.tui.test_stage_track import STATIONS, drawn

MAKE, TEE = process(2211, "make"), process(2212, "tee")
FULL = pipe(48213, MAKE, TEE, "full", 65536)
EVENTS = (
    Event(NOON - 130, "creation", "ends handed to make 2211, tee 2212", "fork: same file description", "inferred"),
    Event(
        NOON, "transmission", "buffer full, make 2211 sleeps", "FIONREAD 65536 of F_GETPIPE_SZ 65536", "seen", "full"
    ),
    Event(NOON, "reception", "last read by tee 2212", "rate 0 B/s since; tee sleeps in pipe_write", "told"),
)


def life(state: str = "flowing", rates: tuple[Rate, ...] = (), **changes: object) -> Life:
    usual = Life(
        state, None, first_seen=NOON - 200, since=NOON - 130, blocked_since=None, progress_at=None, rates=rates
    )
    return usual._replace(**changes)  # type: ignore[arg-type]


def test_events_stand_newest_first_with_what_shows_them() -> None:
    shown = drawn(event_lines(FULL, EVENTS, NOON, 79, UNICODE))
    assert [line[13:].split("  ")[0] for line in shown] == [event.what for event in reversed(EVENTS)]
    assert "rate 0 B/s since" in shown[0]


def test_an_event_has_the_mark_of_the_state_that_began_with_it() -> None:
    events = [Event(NOON, None, "it", "", "seen", state) for state in ("full", "flowing", "no-reader", "closed", None)]
    assert [line[11] for line in drawn(event_lines(FULL, events, NOON, 79, UNICODE))] == list("○×▲●■")
    lock = channel(1, "file-lock", "full", [endpoint("a", "waiter", MAKE)], queues=[])
    assert drawn(event_lines(lock, events[:1], NOON, 79, UNICODE))[0][11] == "▲"


def test_how_an_event_is_known_is_a_sign_and_where_there_is_room_a_word() -> None:
    for glyphs in (UNICODE, ASCII):
        narrow = drawn(event_lines(FULL, EVENTS, NOON, 79, glyphs))
        assert [line[0] for line in narrow] == [glyphs.certainties[each] for each in ("told", "seen", "inferred")]
        assert len({glyphs.certainties[each] for each in CERTAINTIES}) == 3
    wide = drawn(event_lines(FULL, EVENTS, NOON, 119, UNICODE))
    assert [line.split()[-1] for line in wide] == ["told", "seen", "inferred"]


@pytest.mark.parametrize("width", [20, 40, 62, 79, 119, 199])
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_stay_in_their_line(name: str, width: int) -> None:
    events = [Event(NOON, "reception", f"read by {name} 7", f"{name} sleeps", "seen")]
    stations = [Station(stage, "done", name) for stage in STAGES]
    for glyphs in (UNICODE, ASCII):
        lines = life_lines(FULL, life(events=tuple(events)), stations, NOON, width, glyphs)
        for line in drawn(lines):
            assert "\x1b" not in line
            assert "\n" not in line
            assert glyphs is UNICODE or line.isascii()
        assert all(length(line) <= width for line in lines[:3] + lines[-1:])


def test_an_older_event_has_its_day_not_only_its_time() -> None:
    assert event_time(NOON - 60, NOON).count(":") == 2
    assert ":" not in event_time(NOON - 3 * 86400, NOON)
    assert "2024" in event_time(NOON - 400 * 86400, NOON)
    assert event_time(1e18, NOON) == "?"
    assert all(cell_len(event_time(NOON - age, NOON)) <= 8 for age in (0, 1e5, 1e7, 1e9))


def test_a_life_says_who_waits_and_when_it_last_moved_in_one_line() -> None:
    waits = life("full", (Rate("b", 0.0, None, True),), blocked_since=NOON - 130, progress_at=NOON - 140)
    line = drawn(life_lines(FULL, waits, STATIONS, NOON, 79, UNICODE))[3]
    assert line.split("   ") == [" 0 B/s", "blocked for 2m10", "last moved 2m20 ago"]


def test_a_life_that_is_not_watched_says_so() -> None:
    assert drawn(life_lines(FULL, None, (), NOON, 79, UNICODE)) == [
        " Its life was not watched yet: the next look begins it."
    ]
    assert "Nothing happened" in drawn(life_lines(FULL, life(), STATIONS, NOON, 79, UNICODE))[-1]


@pytest.mark.parametrize(
    ("rates", "shown"),
    [
        ((Rate("b", 1234.0, None, True),), "1.2K/s"),
        ((Rate("b", 1234.0, None, False),), ">1.2K/s"),
        ((Rate("b", 0.0, None, True),), "0 B/s"),
        ((Rate("b", 0.0, None, False),), "?"),
        ((Rate("b", None, None, False),), "?"),
        ((Rate("b", None, 12.0, True),), "12 msg/s"),
        ((Rate("b", None, 12.0, False),), ">12msg/s"),
        ((Rate("b", 0.3, None, True),), "<1 B/s"),
        ((Rate("b", 0.3, None, False),), ">0 B/s"),
        ((), "?"),
    ],
)
def test_a_rate_is_what_is_known_of_it_and_a_lower_bound_is_marked(rates: tuple[Rate, ...], shown: str) -> None:
    assert rate_text(FULL, life("idle", rates)) == shown


def test_a_pair_of_which_one_direction_is_not_known_has_a_lower_bound_at_most() -> None:
    both = channel(1, "tcp", "idle", [endpoint("a", "client", MAKE, 3)], queues=[Queue("b", 0), Queue("a", 0)])
    some, more, none = Rate("b", 100.0, None, True), Rate("a", 300.0, None, True), Rate("b", 0.0, None, True)
    cases = {(some, more): "400 B/s", (some,): ">100 B/s", (none,): "?", (none, Rate("a", None, None, False)): "?"}
    assert {rates: rate_text(both, life("idle", rates)) for rates in cases} == cases


def test_movement_that_is_seen_and_not_counted_is_more_than_nothing() -> None:
    assert rate_text(FULL, life("flowing", ())) == ">0 B/s"


@pytest.mark.parametrize(
    "one",
    [
        channel(1, "sysv-shm", "idle", [endpoint("a", "attached", MAKE)]),
        channel(1, "file-lock", "holding", [endpoint("a", "holder", MAKE)]),
        channel(1, "unix", "listening", [endpoint("b", "listener", MAKE, 3)], queues=[Queue("b", None, 0)]),
    ],
)
def test_what_carries_nothing_has_no_rate(one: Channel) -> None:
    assert rate_text(one, life("idle", (Rate("b", 5.0, None, True),))) == "-"


@pytest.mark.parametrize("amount", [0, 0.1, 1, 999, 999.6, 1000, 1024.0, 102399, 10**6, 10**9, 10**12, 10**15])
def test_every_rate_fits_its_column(amount: float) -> None:
    for exact in (True, False):
        assert len(figures.rate(amount, exact)) <= 8
        assert len(figures.message_rate(amount, exact)) <= 8


def test_a_spark_is_measured_by_its_own_largest_and_blank_where_nothing_moved() -> None:
    def spark(samples: tuple[float | None, ...], glyphs: Glyphs = UNICODE) -> str:
        return "".join(span.text for span in spark_cell(FULL, life(samples=samples), 6, glyphs))

    assert spark((0.0, 1.0, 5.0)) == "   ▁▂▆"
    assert spark((9.0, 0.0, None, 2.0, 4.0, 6.0, 10.0)) == "▁ ▂▃▄▆"
    assert spark((0.0, 0.0, None)) == spark(()) == "      "
    assert spark((0.0, 1.0, 5.0), ASCII) == "   _.+"


def test_what_does_not_move_is_muted() -> None:
    still = rate_cell(FULL, life("idle", (Rate("b", 0.0, None, True),)), "text", 8, UNICODE)
    moves = rate_cell(FULL, life("flowing", (Rate("b", 10.0, None, True),)), "text", 8, UNICODE)
    assert [(span.text, span.role) for span in (*still, *moves)] == [("   0 B/s", "muted"), ("  10 B/s", "text")]


@pytest.mark.parametrize("spaces", [False, True])
def test_rates_and_sparks_have_columns_where_the_ends_keep_their_room(spaces: bool) -> None:
    for width in range(60, 240):
        placed = {one.column.title or one.column.draw.__name__: one.width for one in columns(width, spaces)}
        assert placed["FROM"] >= (13 if width >= 109 else 6)
        assert "RATE" not in placed or width >= 109
        assert "_spark" not in placed or "RATE" in placed
        if not spaces:
            assert ("RATE" in placed) == (width >= 109)
            assert ("_spark" in placed) == (width >= 110)


def test_a_row_tells_rate_and_spark() -> None:
    moving = pipe(1, MAKE, TEE, "flowing", 3)
    lived = life("flowing", (Rate("b", 2048.0, None, False),), samples=(0.0, 1024.0, 2048.0))
    line = row_line(Row(moving, NOON, NOON + 4, False, None, lived), ends_of(moving), 119, UNICODE)
    assert ">2.0K/s    ▁▃▆ make 2211/1      ━► tee 2212/0" in "".join(span.text for span in line)
