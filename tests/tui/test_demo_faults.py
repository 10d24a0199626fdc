"""A fault on the Demo screen: its words are true, it can be read in full, and what it does is seen in the picture."""

from __future__ import annotations

import re

import pytest

from ipcinspect.demo.checking import filled
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.telling import Told
from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.tui import demo_choices
from ipcinspect.tui.demo_calls import call_lines, call_text
from ipcinspect.tui.demo_choices import DEMOS
from ipcinspect.tui.demo_fault_words import fault_words
from ipcinspect.tui.demo_page_text import demo_lines
from ipcinspect.tui.demo_scene import Scene, slept_until, stations
from ipcinspect.tui.drawing import Line, clause
from ipcinspect.tui.glyphs import ASCII, UNICODE, Glyphs
from ipcinspect.tui.options import ScreenOptions
from tests.demo.test_faults import BY_LOCK, ENDINGS
from tests.fakes import NOON, FakeSource, channel
from tests.tui.frozen_walk import CAST, EPIPE, PIPE, begin_frozen, call, look, payloads, walk
from tests.tui.test_screen import User, at_screen, world

KILLED = PIPE._replace(fault="receiver-killed")
OPTIONS = ScreenOptions(interval=1000.0, clock=lambda: NOON, begin_demo=begin_frozen)


def scene_of(plan: Plan, lines: list[Told], is_over: bool = False) -> Scene:
    demo = DEMOS[plan.mechanism]
    return Scene(filled(plan, demo), demo, tuple(lines), CAST, payloads(), is_over)


def until_fault(plan: Plan = KILLED) -> list[Told]:
    lines = walk(plan)
    return lines[: next(place for place, told in enumerate(lines) if told.fault) + 1]


def text_of(lines: list[Line]) -> str:
    return "\n".join("".join(span.text for span in line) for line in lines)


def drawn(scene: Scene, width: int = 80, height: int = 20, glyphs: Glyphs = UNICODE) -> str:
    return text_of(demo_lines(scene, width, height, glyphs))


def in_one_line(text: str) -> str:
    return " ".join(text.split())


KINDS = [(fault, *kind.split(), ending.says) for fault, endings in ENDINGS.items() for kind, ending in endings.items()]


@pytest.mark.parametrize(("fault", "mechanism", "variant", "says"), KINDS)
def test_what_is_said_of_a_fault_beforehand_is_how_it_ends(fault: str, mechanism: str, variant: str, says: str) -> None:
    demo = DEMOS[mechanism]
    for lock in demo.locks if fault == "owner-dies" else (None,):
        words = fault_words(fault, filled(Plan(mechanism, variant, fault=fault, lock=lock), demo), demo)
        ends = BY_LOCK[lock] if lock is not None else says
        named = ends.removesuffix(", ")
        assert len(words) <= 58
        assert re.findall(r"\bE[A-Z]{3,}\b", words) == ([named] if named.isupper() else [])
        assert ("end of file" in words) == ends.startswith("0 bytes, end of file")
        assert ("nobody tells" in words) == (fault.endswith("-killed") and ends.startswith("no error"))
        assert ("it stays" in words) == ends.startswith("both processes are gone")


async def chosen(user: User, fault: str) -> None:
    await user.press("x")
    await user.sees("What shall go wrong with pipe")
    words = [choice.word for choice in demo_choices.faults(user.app.demo_page.plan)]
    await user.press(*["down"] * words.index(fault), "enter")


async def test_a_chosen_fault_is_told_marked_shown_looked_back_over_and_run_again() -> None:
    async with at_screen(FakeSource(world()), options=OPTIONS) as user:
        await user.press("5")
        await chosen(user, "receiver-killed")
        await user.sees("fault receiver-killed", "■ receiver-killed", "the sender hears EPIPE")
        await user.press("n", "n", "n")
        await user.sees("■┈┈┈┈", "Fault", "write(4, 512 bytes) EPIPE", "× killed", "━┫", "─×")
        assert EPIPE in in_one_line(user.text())
        await user.press("b")
        await user.sees_no("Fault ")
        assert "killed" not in user.text().replace("receiver-killed", "")
        await user.press("n")
        await user.sees("Fault ")
        await user.press("n")
        await user.sees("ended", "× no channel")
        assert EPIPE in in_one_line(user.text()), "it can still be read"
        await user.press("R")
        await user.sees("× killed", "━┫")


async def test_a_run_stops_where_the_fault_shows_and_then_goes_on_to_its_end() -> None:
    async with at_screen(FakeSource(world()), options=OPTIONS) as user:
        await user.press("5")
        user.app.demo_page.choose(KILLED)
        await user.press("r")
        await user.sees("Fault ", "step 14  n next")
        await user.press("r")
        await user.sees("ended", "nothing is left")


async def test_a_fault_that_another_mechanism_or_variant_cannot_have_is_left_out_and_that_is_said() -> None:
    async with at_screen(FakeSource(world()), options=OPTIONS) as user:
        await user.press("5")
        user.app.demo_page.choose(Plan("unix", "dgram", fault="too-big"))
        await user.press("v", "v")
        assert user.app.demo_page.plan.fault is None
        await user.sees("unix abstract cannot have the fault too-big: it is left out")
        user.app.demo_page.choose(Plan("pipe", fault="full"))
        user.app.open_demo("sysv-shm")
        await user.sees("sysv-shm segment cannot have the fault full: it is left out")


@pytest.mark.parametrize(
    ("plan", "key", "told"),
    [
        (PIPE._replace(fault="corrupt", format="struct", byte_order="big"), "f", "needs a format that can tell"),
        (KILLED._replace(messages=1), None, "needs 3 messages or more, not 1"),
        (PIPE._replace(size=16384, messages=8), None, "8 messages of 16384 bytes do not fit at once"),
    ],
)
async def test_a_plan_that_is_not_possible_is_told_before_it_runs_and_when_it_is_run(
    plan: Plan, key: str | None, told: str
) -> None:
    async with at_screen(FakeSource(world()), options=ScreenOptions(interval=1000.0, clock=lambda: NOON)) as user:
        await user.press("5")
        user.app.demo_page.choose(plan)
        await user.press(*([key] if key else []))
        await user.until(lambda: told in in_one_line(user.text()))
        await user.press("r")
        await user.until(lambda: user.app.demo_page._is_over)
        await user.until(lambda: told in in_one_line(user.text()))


def test_a_fault_can_be_read_in_full_beside_its_call_on_the_smallest_screen() -> None:
    for fault in (EPIPE, "both processes are gone, and nobody has removed what they used " + "/dev/shm/name " * 20):
        *before, last = until_fault()
        scene = scene_of(KILLED, [*before, last._replace(says=fault.strip())])
        shown = drawn(scene)
        assert len(shown.splitlines()) <= 20
        assert fault.strip() in in_one_line(shown)
        assert "EPIPE" in shown.partition("RECEIVER 7002")[2].partition("Kernel")[0]


def test_the_stage_of_a_fault_is_stuck_and_tells_the_error() -> None:
    (stuck,) = [station for station in stations(scene_of(KILLED, until_fault())) if station.status == "stuck"]
    assert (stuck.stage, stuck.fact) == ("transmission", "EPIPE")


def test_a_full_channel_is_drawn_full_and_one_of_which_that_is_not_known_is_not() -> None:
    lines = walk(PIPE)
    end = next(place for place, told in enumerate(lines) if told.stage == "delivery")
    seen = look("full", 2048)
    assert seen.channel is not None
    full = [*lines[: end - 1], lines[end - 1]._replace(evidence=seen)]
    assert "█" * 19 in drawn(scene_of(PIPE, full))
    unknown = seen._replace(channel=channel(1, "unix", "holding", queued=None, capacity=None))
    plan = Plan("unix", size=512)
    shown = drawn(scene_of(plan, [*full[:-1], full[-1]._replace(evidence=unknown, sent=500)]))
    assert "█" * 19 not in shown


def test_a_receiver_sleeps_in_the_picture_until_something_is_sent() -> None:
    lines = walk(PIPE)
    begun = next(place for place, told in enumerate(lines) if told.side == "b" and told.stage == "transmission")
    asleep, woken = scene_of(PIPE, lines[: begun + 1]), scene_of(PIPE, lines[: begun + 2])
    assert (slept_until(asleep, "b"), slept_until(woken, "b"), slept_until(woken, "a")) == (False, True, None)
    assert "read(3, 512) …" in drawn(asleep)
    assert "asleep" in drawn(asleep)
    assert "1 taken · woken" in drawn(woken)


def test_a_call_that_failed_outside_of_the_kernel_does_not_sleep() -> None:
    failed = call("reception", "b", 0.2, "json.loads", ("512 bytes",), None)
    assert failed.report is not None
    assert call_text(failed.report) == "json.loads(512 bytes) …"
    back = failed._replace(report=failed.report._replace(took_s=0.001, message="not JSON"))
    assert back.report is not None
    assert call_text(back.report) == "json.loads(512 bytes) failed"
    shown = call_lines(scene_of(PIPE, [*walk(PIPE)[:10], back]), 80, 3, UNICODE)[-1]
    assert [span.role for span in shown if "failed" in span.text] == ["error"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0.000"),
        (3.723723, "3723.723"),
        (12.3456789, "12345.68"),
        (123.4567891, "123456.8"),
        (99999.5, "99999500"),
    ],
)
def test_a_time_is_never_cut(seconds: float, shown: str) -> None:
    told = call("creation", "maker", seconds, "pipe2", ("0",), "[3, 4]")
    (line,) = call_lines(scene_of(PIPE, [told]), 80, 3, UNICODE)
    assert line[2].text.strip() == shown


def test_of_a_semaphore_set_the_one_that_counts_is_drawn_and_the_others_are_named() -> None:
    plan = Plan("sysv-sem")
    demo = DEMOS["sysv-sem"]
    one = channel(7, "sysv-sem", "idle", queues=(), capacity=None, fields=(0, 0, 0, 0, 3, "1 1 3"))
    seen = look("idle", 0)._replace(channel=one, seen="sysv-sem:7 idle, values 1 1 3")
    scene = Scene(filled(plan, demo), demo, (Told("transmission", None, 0.1, evidence=seen, sent=4),), CAST)
    shown = drawn(scene, 120, 36)
    assert "value 3 ● ● ●" in shown
    assert "both are there" in shown
    assert "Payload" not in shown, "it carries none"


def test_in_ascii_nothing_else_is_drawn_of_a_fault() -> None:
    for lines, is_over in ((until_fault(), False), (walk(KILLED), True)):
        assert drawn(scene_of(KILLED, lines, is_over), glyphs=ASCII).isascii()


@pytest.mark.parametrize(
    ("name", "args", "result", "width", "shown"),
    [
        ("write", ("4", "512 bytes"), "512", 30, "write(4, 512 bytes) = 512"),
        ("write", ("4", "512 bytes"), "512", 19, "write(4, …) = 512"),
        ("semop", ("7", "[0: -1 SEM_UNDO]", "unlock"), "0", 30, "semop(7, …, unlock) = 0"),
        ("semop", ("1234567", "[0: -1 SEM_UNDO]", "unlock"), "0", 20, "semop(…, unlock) = 0"),
        ("sem_open", ("/name", "O_CREAT"), "0x7f1208adf000", 19, "sem_open(…)"),
        ("json.loads", ("512 bytes",), 'number 1, text "one"', 19, 'json.loads(…) = number 1, text "one"'),
    ],
)
def test_a_call_is_shortened_so_that_no_number_of_it_is_cut(
    name: str, args: tuple[str, ...], result: str, width: int, shown: str
) -> None:
    assert call_text(Report(name, args, 0.0, 0.001, result), width) == shown


def test_of_a_failed_call_the_error_is_always_whole() -> None:
    refused = Report("sem_timedwait", ("/name", "3 s", "lock"), 0.0, 3.0, None, "ETIMEDOUT")
    assert call_text(refused, 19) == "sem_time… ETIMEDOUT"


def test_of_a_sentence_that_is_too_long_whole_clauses_are_shown() -> None:
    assert clause("bytes in order, one way, between processes (pipe(7))", 30) == "bytes in order, one way"
    assert clause("memory with a name (shm_overview(7))", 20) == "memory with a name"
    assert clause("nothing to cut at", 5) == "nothing to cut at"
