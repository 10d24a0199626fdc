"""Every mechanism walks through all seven stages in every format, and sender, kernel and receiver tell the same."""

from __future__ import annotations

import contextlib
import errno
import re

import pytest

from ipcinspect.demo import DemoPair
from ipcinspect.demo.checking import check, queues_at_once
from ipcinspect.demo.plan import FORMATS, Plan
from ipcinspect.demo.process import Hear
from ipcinspect.demo.telling import Told
from ipcinspect.demo.walk import Walk
from ipcinspect.inspector import Inspector
from ipcinspect.mechanisms import MECHANISMS, field_of
from ipcinspect.mechanisms.room import Demo, Room
from ipcinspect.model.channel import Channel
from ipcinspect.model.words import STAGES
from ipcinspect.sources.live import LiveSource

ROOMS = {room.NAME: room for room in MECHANISMS if room.DEMO is not None}
SENDS = {"write", "send", "mq_send", "msgsnd"}
"""Calls that tell how many bytes they took."""


def demo_of(room: Room) -> Demo:
    assert room.DEMO is not None
    return room.DEMO


def walked(plan: Plan) -> tuple[Plan, list[Told], Walk]:
    """A whole walk; skips where this machine lacks the family of addresses."""
    room = ROOMS[plan.mechanism]
    plan = check(plan, room)

    def start(plan: Plan, hear: Hear) -> DemoPair:
        try:
            return DemoPair.start(room, plan, hear=hear)
        except OSError as error:
            if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                pytest.skip(f"{room.NAME} {plan.variant}: {error}")
            raise

    with contextlib.closing(Walk(start, plan, Inspector(LiveSource()))) as walk:
        return plan, list(walk), walk


def check_whole(lines: list[Told], walk: Walk) -> None:
    """All seven stages, in their order; nothing failed, and nothing is left."""
    assert walk.failure is None, walk.failure
    assert tuple(dict.fromkeys(told.stage for told in lines)) == STAGES
    assert [told.stage for told in lines] == sorted((told.stage for told in lines), key=STAGES.index)
    assert not any(told.failed for told in lines)
    assert (lines[-1].says or "").startswith("nothing is left")


def check_sleep(lines: list[Told]) -> None:
    """The receiver is told to sleep before anything is sent; what its call brought, at delivery."""
    called = [(told, told.report) for told in lines if told.report is not None]
    asleep, begun = next((told, report) for told, report in called if report.took_s is None)
    first = next(told for told, _ in called if told.stage == "transmission" and told.side == "a")
    assert (asleep.stage, asleep.side, asleep.sent) == ("transmission", "b", 0)
    assert lines.index(asleep) < lines.index(first)
    same_call = [told for told, report in called if (told.side, report.began_at) == ("b", begun.began_at)]
    assert [told.stage for told in same_call] == ["transmission", "delivery"]


def check_counts(demo: Demo, lines: list[Told]) -> None:
    """Where its object has several numbers, each is explained, and no other walk explains any."""
    for one in lines:
        if one.evidence is not None and one.evidence.channel is not None:
            values = str(field_of(one.evidence.channel, "values") or "").split()
            assert len(values) == len(demo.counts)
            assert not values or f"values {' '.join(values)} ({', '.join(demo.counts)})" in one.evidence.seen


def channels(lines: list[Told], stage: str) -> list[Channel]:
    return [one.evidence.channel for one in lines if one.stage == stage and one.evidence and one.evidence.channel]


def pids_at(channel: Channel) -> set[int]:
    return {end.process.pid for end in channel.endpoints if end.process is not None}


FORMS = [
    (name, form) for name, room in ROOMS.items() for form in FORMATS[: None if demo_of(room).carries_payload else 1]
]
"""Where nothing is carried, nothing has a format."""


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_what_the_sender_says_the_kernel_shows_and_the_receiver_says_agree(name: str, form: str) -> None:
    plan, lines, walk = walked(Plan(name, format=form, messages=3 if form == "json" else 1))
    check_whole(lines, walk)
    if plan.messages > 1:
        check_sleep(lines)
    demo, cast = demo_of(ROOMS[name]), walk.cast
    assert cast is not None
    (made,) = channels(lines, "creation")
    assert pids_at(made) - {cast.maker} == {cast.sender, cast.receiver}, "both ends are seen"
    after = channels(lines, "transmission")[-1]
    assert after.key == made.key
    if demo.carries_payload and not after.queues:
        seen = [one.evidence.seen for one in lines if one.stage == "transmission" and one.evidence][-1]
        assert f"a look inside finds {plan.messages} of {plan.messages} messages" in seen, "it is in this very memory"
    if not demo.carries_payload:
        check_counts(demo, lines)
        return
    told = [one for one in lines if one.stage == "transmission" and one.side == "a" and one.report]
    counted = [int(one.report.result or 0) for one in told if one.report and one.report.call in SENDS]
    assert not counted or sum(counted) in (plan.messages * plan.size, 0), "what the sender's calls accepted"
    waiting = queues_at_once(plan)
    if after.queues and after.queued_bytes is not None:
        assert after.queued_bytes == waiting * plan.size, "what is sent and not received is what the kernel shows"
    if after.queues and after.queued_messages is not None:
        assert after.queued_messages == waiting
    equal = [one.says for one in lines if one.stage == "reception" and "equal to what was sent" in (one.says or "")]
    assert len(equal) == plan.messages, "each message is decoded to what it was"
    for before, now in zip(*[iter(channels(lines, "reception"))] * 2, strict=False):
        assert before.queued_bytes is None or now.queued_bytes is None or now.queued_bytes <= before.queued_bytes


VARIANTS = [
    ("pipe", "packet"),
    ("unix", "seqpacket"),
    ("unix", "socketpair"),
    ("tcp", "ipv6"),
    ("eventfd", "semaphore"),
]
"""Those that walk in a way of their own; the contract opens, fills and ends every variant."""
NOTIFICATIONS = [(name, how) for name in ("pipe", "posix-mq") for how in demo_of(ROOMS[name]).notifications[1:]]
"""`test_halves.py` has every mechanism told in every way."""
RESPONSES = [(name, how) for name, room in ROOMS.items() for how in demo_of(room).responses[1:]]


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_variants_walk(name: str, variant: str) -> None:
    _, lines, walk = walked(Plan(name, variant=variant, messages=2))
    check_whole(lines, walk)


@pytest.mark.parametrize(("name", "how"), NOTIFICATIONS)
def test_delivery_tells_how_the_receiver_was_told(name: str, how: str) -> None:
    _, lines, walk = walked(Plan(name, notification=how, messages=2))
    check_whole(lines, walk)
    told = " ".join(one.says or "" for one in lines if one.stage == "delivery")
    assert f"told by {how} while it slept" in told
    check_sleep(lines)
    assert re.search(r"\d+ µs after the sender began", told)


@pytest.mark.parametrize(("name", "response"), RESPONSES)
def test_the_answer_takes_the_way_that_was_asked_for(name: str, response: str) -> None:
    _, lines, walk = walked(Plan(name, response=response, messages=2))
    check_whole(lines, walk)
    backs = [one.evidence.back for one in lines if one.stage == "response" and one.evidence]
    assert all((back is not None) == (response == "second") for back in backs)


@pytest.mark.parametrize("name", ["pipe", "tcp", "sysv-msg", "posix-sem"])
def test_a_walk_whose_calls_do_not_sleep_shows_eagain(name: str) -> None:
    _, lines, walk = walked(Plan(name, blocking=False, messages=2))
    check_whole(lines, walk)
    refusal = "ENOMSG" if name == "sysv-msg" else "EAGAIN"
    assert refusal in {one.report.errno for one in lines if one.report}


def test_a_walk_that_is_closed_in_the_middle_leaves_nothing() -> None:
    room = ROOMS["fifo"]

    def start(plan: Plan, hear: Hear) -> DemoPair:
        return DemoPair.start(room, plan, hear=hear)

    inspector = Inspector(LiveSource())
    walk = Walk(start, check(Plan("fifo"), room), inspector)
    seen = next(told.evidence.channel for told in walk if told.evidence is not None and told.evidence.channel)
    walk.close()
    now = inspector.observe().snapshot.channels_by_key.get(seen.key)
    assert now is None or not pids_at(now) & pids_at(seen), "another FIFO may have got the number"


def test_a_rate_and_a_slow_receiver_take_their_time() -> None:
    _, lines, walk = walked(Plan("pipe", messages=3, rate=20.0, reading_s=0.05))
    check_whole(lines, walk)
    sent = [one.at_s for one in lines if one.stage == "transmission" and one.report and one.report.call == "write"]
    assert sent[-1] - sent[0] >= 2 / 20.0
