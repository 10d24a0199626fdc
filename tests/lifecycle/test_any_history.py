"""What holds of every life, whatever was seen in whatever order, and however the clock went."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from ipcinspect.lifecycle.changes import Changes
from ipcinspect.lifecycle.history import SAMPLES
from ipcinspect.lifecycle.interfaces import INTERFACES
from ipcinspect.lifecycle.life import Event, Life
from ipcinspect.lifecycle.stages import STATUSES, track
from ipcinspect.lifecycle.tracker import Tracker
from ipcinspect.lifecycle.waiting import is_listener
from ipcinspect.model.channel import Channel, Queue
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.gap import Gap
from ipcinspect.model.snapshot import Light
from ipcinspect.model.words import CERTAINTIES, STAGES, STATES
from tests.fakes import NOON, channel, endpoint, process, snapshot

REFINED = ("flowing", "filling", "draining")
REPORTED = "wrote 64 bytes"
CONCLUDED = re.compile("appeared|out of sight|parted from|has the | let go of | waits( no more)?$|more ends came")
"""Words of what two looks let one conclude."""
MOST_EVENTS = 32 + 12 + 20 + 3
"""Turns, moves, what processes told, and its beginning and end."""


class Look(NamedTuple):
    """One look of a history that was made up."""

    passed_s: float
    """Since the look before, by the clock; negative where it was set back."""
    channels: Sequence[Channel]
    lit: frozenset[ChannelKey]
    denied: int
    told: tuple[int, float] | None
    """The number of a pipe of which a process reported something, and how long after the look began it was."""
    others_stay: bool
    """Whether the channels of the look before stay as they were."""


def _any(chosen: random.Random, *values: Any) -> Any:
    return chosen.choice((None, *values))


def _queue(chosen: random.Random, to: str) -> Queue:
    times = (NOON + chosen.uniform(-20, 40), 0.0, NOON + 1e9)
    return Queue(
        to,
        bytes=_any(chosen, 0, 1, 100, 65536),
        messages=_any(chosen, 0, 1, 2, 3),
        next_message_bytes=_any(chosen, 0, 5, 9),
        memory_bytes=_any(chosen, 0, 768),
        moved_bytes=_any(chosen, 0, 1, 500, 1000),
        written_at=_any(chosen, *times),
        read_at=_any(chosen, *times),
    )


NUMBERS = st.integers(1, 6)
PEOPLE = [process(pid, f"p{started}", starttime=started) for pid in (1, 2, 3) for started in (10, 20)]
ROLES = ("reader", "writer", "both", "client", "server", "listener", "waiter", "creator")
QUEUES = st.sampled_from([_queue(random.Random(number), to) for number in range(100) for to in "ab"])
ENDS = st.sampled_from(
    [
        endpoint(side, role, who, fd, inode)
        for side, role, who, fd, inode in itertools.product("ab", ROLES, (None, *PEOPLE), (None, 0), (1, 4, 7))
    ]
)
TIMES = st.sampled_from((None, NOON - 20, NOON + 1.5, NOON + 40, 0.0, NOON + 1e9))
CHANNELS = st.builds(
    channel,
    NUMBERS,
    st.sampled_from(("pipe", "unix", "tcp", "sysv-msg", "file-lock", "fifo")),
    st.sampled_from([state for state in STATES if state not in REFINED]),
    st.lists(ENDS, max_size=3),
    queues=st.lists(QUEUES, max_size=2, unique_by=lambda queue: queue.to),
    aliases=st.lists(st.integers(1, 9).map("socket:[{}]".format), max_size=2, unique=True),
    created_at=TIMES,
)
LOOKS = st.builds(
    Look,
    st.sampled_from((1, 0, 5, 30, -100, 0.001)),
    st.lists(CHANNELS, max_size=4, unique_by=lambda channel: channel.key),
    st.frozensets(NUMBERS.map(lambda number: ChannelKey("pipe", 0, number)), max_size=2),
    st.integers(0, 2),
    st.none() | st.tuples(NUMBERS, st.sampled_from((0, -0.5, 0.1, 1e6))),
    st.booleans(),
)


def _carried_on(looks: list[Look]) -> list[Look]:
    """The same, with the channels that stayed."""
    told = looks[:1]
    for look in looks[1:]:
        there = {each.key for each in look.channels}
        stayed = [each for each in told[-1].channels if each.key not in there] if look.others_stay else []
        told.append(look._replace(channels=[*stayed, *look.channels]))
    return told


HISTORIES = st.lists(LOOKS, min_size=2, max_size=10).map(_carried_on)


def _all_changes(history: Sequence[Look]) -> list[Changes]:
    tracker, at, told = Tracker(), NOON, []
    for look in history:
        at += look.passed_s
        seen = snapshot(look.channels, PEOPLE[::2], at=at, gaps=[Gap("x", "denied", look.denied)])
        if look.told is not None:
            number, later_s = look.told
            tracker.tell(ChannelKey("pipe", 0, number), Event(at + later_s, None, REPORTED, "y", "seen"))
        told.append(tracker.advance(replace(seen, lights={key: Light(True, False) for key in look.lit})))
    return told


@settings(max_examples=50)
@given(HISTORIES)
def test_a_life_says_nothing_that_cannot_be(history: list[Look]) -> None:
    for turn, (look, changes) in enumerate(zip(history, _all_changes(history), strict=True)):
        now, alone = changes.snapshot.taken_at, {each.key: each.state for each in look.channels}
        for each in changes.snapshot.channels:
            assert each.state == alone[each.key] or (turn and alone[each.key] in ("idle", "holding", "unknown"))
            life = changes.life(each.key)
            assert (life.state, life.stage) == (each.state, changes.stage(each))
            _check_times(life, now)
            _check_words(life)
            _check_track(each, life, now)
            assert (changes.progress_at(each.key) or now) <= now
            assert (changes.quiet_since(each) or now) <= now
        for closed in changes.closed:
            life = changes.life(closed.channel.key)
            assert (life.state, life.stage, life.since) == ("closed", "termination", closed.closed_at)
            _check_times(life, now)
            _check_words(life)
            _check_track(closed.channel, life, now)


@settings(max_examples=50)
@given(HISTORIES)
def test_nothing_is_kept_of_channels_that_went(history: list[Look]) -> None:
    for look, changes in zip(history, _all_changes(history), strict=True):
        there = {each.key for each in look.channels}
        assert set(changes.since) == there
        assert set(changes.records) <= there
        assert set(changes.first_seen) <= there
        assert set(changes.opened) <= there


@settings(max_examples=50)
@given(HISTORIES)
def test_what_went_is_closed_once_or_lives_on_under_another_key(history: list[Look]) -> None:
    all_changes = _all_changes(history)
    for before, changes in itertools.pairwise(all_changes):
        there = changes.snapshot.channels_by_key
        then = before.snapshot.channels_by_key
        closed = [one.channel.key for one in changes.closed]
        assert len(closed) == len(set(closed))
        assert not set(closed) & set(there)
        fresh = [one for one in changes.closed if one.channel.key in then]
        assert all(one.closed_at == changes.snapshot.taken_at for one in fresh)
        names = {name for each in changes.snapshot.channels for name in (each.id, *each.aliases)}
        gone = {key for key in then if key not in there}
        lives_on = {key for key in gone if not names.isdisjoint(_own_names(then[key]))}
        assert {one.channel.key for one in fresh} == gone - lives_on
        for one in changes.closed:
            assert names.isdisjoint((one.channel.id, *one.channel.aliases)), "it came back"
            ends = [event for event in changes.life(one.channel.key).events if event.what in ("closed", "out of sight")]
            assert [event.what for event in ends] == ["closed" if one.is_sure else "out of sight"]


def _own_names(seen: Channel) -> tuple[str, ...]:
    """Of a listener its own alone: what else it has are its clients'."""
    return (seen.id,) if is_listener(seen) else (seen.id, *seen.aliases)


@settings(max_examples=50)
@given(HISTORIES)
def test_only_what_the_kernel_shows_is_told_as_seen(history: list[Look]) -> None:
    for look, changes in zip(history, _all_changes(history), strict=True):
        now = changes.snapshot.taken_at
        living = [(each.mechanism, changes.life(each.key)) for each in changes.snapshot.channels]
        gone = [(one.channel.mechanism, changes.life(one.channel.key)) for one in changes.closed]
        there = {f"{each.comm} {each.pid}" for each in changes.snapshot.processes.values()}
        for mechanism, life in living + gone:
            for event in life.events:
                assert (event.certainty == "told") == (event.what == REPORTED)
                if event.certainty == "seen":
                    assert not CONCLUDED.search(event.what)
                    assert event.what != "closed" or INTERFACES[mechanism].listed
                    assert "waited at" not in event.evidence
                if event.at == now and look.passed_s and " ended and left " in event.what:
                    assert event.what.split(" ended")[0] not in there


def _check_times(life: Life, now: float) -> None:
    assert life.first_seen <= life.since <= now
    for at in (life.progress_at, life.response_at, life.born_at, life.blocked_since):
        assert at is None or at <= now
    times = [event.at for event in life.events]
    assert times == sorted(times)
    assert all(at <= now for at in times)


def _check_words(life: Life) -> None:
    assert len(life.samples) <= SAMPLES
    assert len(life.events) <= MOST_EVENTS
    assert all(rate.bytes_per_s is None or rate.bytes_per_s >= 0 for rate in life.rates)
    assert all(sample is None or sample >= 0 for sample in life.samples)
    assert all(event.certainty in CERTAINTIES and event.stage in (*STAGES, None) for event in life.events)


def _check_track(seen: Channel, life: Life, now: float) -> None:
    stations = track(seen, life, now)
    assert [station.stage for station in stations] == list(STAGES)
    assert all(station.status in STATUSES for station in stations)
    assert all(len(station.fact) <= 11 and not station.fact.startswith("-") for station in stations)
