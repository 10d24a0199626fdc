"""The tab Life on the screen: where it stands, what it asks for, and that what rests is not drawn again."""

from __future__ import annotations

import pytest

from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot
from tests.fakes import HOSTILE_NAMES, NOON, FakeSource, channel, endpoint, pipe, process, snapshot
from tests.tui.test_screen import at_screen

MAKE, TEE, LESS = process(2211, "make"), process(2212, "tee"), process(2213, "less")
NAMED = channel(
    77,
    "unix",
    "idle",
    [endpoint("a", "client", MAKE, 5, 77), endpoint("b", "server", LESS, 6, 78, "/run/app.sock")],
    name="/run/app.sock",
)


def looks(*states: tuple[str, int]) -> list[Snapshot]:
    """A pipe in these states with so much in it, looked at every ten seconds, beside a connection that rests."""
    return [
        snapshot([pipe(48213, MAKE, TEE, state, queued), NAMED], at=NOON + 10 * number)
        for number, (state, queued) in enumerate(states)
    ]


async def test_life_is_the_second_tab_and_tells_all_stages() -> None:
    async with at_screen(FakeSource(*looks(("idle", 0)))) as user:
        await user.press("right")
        await user.sees("1 create   2 prepare  3 transmit 4 deliver  5 receive  6 respond  7 close")


async def test_what_happens_comes_to_the_top_of_the_tab() -> None:
    async with at_screen(FakeSource(*looks(("idle", 0), ("full", 65536)))) as user:
        await user.press("right")
        before = user.line(20)
        await user.look()
        await user.until(lambda: user.line(20) != before)
        assert "full" in user.line(20)


async def test_what_flows_has_a_heavy_wire_a_rate_and_a_spark() -> None:
    source = FakeSource(*looks(("holding", 1000), ("holding", 31_000), ("holding", 1000)))
    async with at_screen(source, (120, 40)) as user:
        await user.look()
        await user.sees("● filling", ">2.9K/s")
        await user.look()
        await user.sees("● flowing", "make 2211/1      ━► tee 2212/0", ">2.9K/s     ▆▆")


async def test_a_channel_that_closed_still_tells_its_life_while_it_fades() -> None:
    gone = snapshot([NAMED], [MAKE, TEE], at=NOON + 20)
    async with at_screen(FakeSource(*looks(("idle", 0), ("full", 65536)), gone)) as user:
        await user.look()
        await user.press("right")
        await user.look()
        await user.sees("× closed", "closed", "buffer full")
        assert user.line(20)[11] == "×"


@pytest.mark.parametrize(("size", "lists"), [((80, 24), 1), ((120, 40), 2), ((200, 50), 4), ((160, 30), 4)])
async def test_where_there_is_room_life_stands_below_the_ends(size: tuple[int, int], lists: int) -> None:
    async with at_screen(FakeSource(*looks(("idle", 0))), size) as user:
        shown = [f"#panel-{place}" for place in range(4) if user.app.query_one(f"#panel-{place}").display]
        assert shown == ["#panel-0", "#panel-1", "#panel-2", "#panel-3"][:lists]
        assert ("transm" in user.text()) == (lists > 1)


async def test_the_other_tabs_have_the_panel_for_themselves() -> None:
    async with at_screen(FakeSource(*looks(("idle", 0))), (120, 40)) as user:
        await user.press("right", "right")
        await user.sees_no("3 transmission")
        await user.press("right", "right", "right", "right")
        await user.sees("3 transmission")


async def test_who_clicks_into_life_below_the_ends_opens_it() -> None:
    async with at_screen(FakeSource(*looks(("idle", 0))), (120, 40)) as user:
        y = next(y for y in range(40) if "3 transmission" in user.line(y))
        await user.pilot.click(offset=(5, y))
        await user.until(lambda: not user.app.query_one("#panel-0").display)
        await user.press("escape")
        assert user.app.channels_page.table.has_focus


async def test_lights_are_asked_for_of_the_chosen_pipe_alone() -> None:
    async with at_screen(FakeSource(*looks(("full", 65536)))) as user:
        await user.until(lambda: user.app.page.is_informed)
        await user.look()
        assert user.source.wants[-1].lights == (user.app.channels_page.chosen_key(),)
        await user.press("down")
        await user.until(lambda: user.app.page.is_informed)
        await user.look()
        assert user.app.channels_page.chosen_key() == NAMED.key
        assert user.source.wants[-1].lights == ()
        await user.press("up", "2")
        await user.until(lambda: user.app.page.is_informed)
        await user.look()
        assert user.source.wants[-1].lights == ()


async def test_rates_are_an_order_of_their_own() -> None:
    async with at_screen(FakeSource(*looks(("idle", 0))), (120, 40)) as user:
        await user.press("s", "s", "s", "s")
        await user.sees("▾RATE", "sorted by rate")
        await user.press("S")
        await user.sees("▴RATE")


async def test_the_palette_opens_life() -> None:
    async with at_screen(FakeSource(*looks(("idle", 0)))) as user:
        await user.press("ctrl+p", *"life of", "enter")
        await user.sees("3 transmit")


async def test_help_explains_stages_and_certainties() -> None:
    async with at_screen(FakeSource(*looks(("idle", 0))), (120, 100)) as user:
        await user.press("question_mark")
        await user.sees("≈ inferred", "◉  ", ">1.2K/s")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_hostile_names_stay_text_in_a_life(size: tuple[int, int]) -> None:
    def world(at: float, state: str) -> list[Channel]:
        return [
            pipe(100 + place, process(10 + place, name), TEE, state, 65536 if state == "full" else 0)
            for place, name in enumerate(HOSTILE_NAMES)
        ]

    source = FakeSource(snapshot(world(NOON, "idle")), snapshot(world(NOON + 1, "full"), at=NOON + 1))
    async with at_screen(source, size) as user:
        await user.press("right")
        await user.look()
        for _ in HOSTILE_NAMES:
            await user.press("down")
            text = user.text()
            assert "\x1b" not in text
            assert "\u202e" not in text
            assert len(text.splitlines()) == size[1]
