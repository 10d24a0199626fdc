"""What holds of every life, whatever was seen in whatever order, and however the clock went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from ipcinspect.lifecycle.changes import Changes
from ipcinspect.lifecycle.history import SAMPLES
from ipcinspect.lifecycle.life import Event, Life
from ipcinspect.lifecycle.stages import STATUSES, track
from ipcinspect.lifecycle.tracker import Tracker
from ipcinspect.model.channel import Channel, Queue
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.gap import Gap
from ipcinspect.model.snapshot import Light
from ipcinspect.model.words import CERTAINTIES, STAGES, STATES
from tests.fakes import NOON, channel, endpoint, process, snapshot

REFINED = ("flowing", "filling", "draining")
MOST_EVENTS = 32 + 12 + 20 + 3
"""Turns, moves, what processes told, and its beginning and end."""


class Look(NamedTuple):
    """One look of a history that was made up."""

    passed_s: float
    """Since the look before, by the clock; negative where it was set back."""
    channels: Sequence[Channel]
    lit: frozenset[ChannelKey]
    denied: int
    told: int | None
    """The number of a pipe of which a process reported something."""


def _maybe(values: st.SearchStrategy[float]) -> st.SearchStrategy[float | None]:
    return st.none() | values


NUMBERS = st.integers(1, 6)
TIMES = _maybe(st.floats(NOON - 20, NOON + 40) | st.sampled_from((0.0, NOON + 1e9)))
PEOPLE = [process(pid, f"p{pid}", starttime=started) for pid in (1, 2, 3) for started in (10, 20)]
QUEUES = st.builds(
    Queue,
    to=st.sampled_from("ab"),
    bytes=_maybe(st.sampled_from((0, 1, 100, 65536))),  # type: ignore[arg-type]
    messages=_maybe(st.integers(0, 3)),  # type: ignore[arg-type]
    next_message_bytes=_maybe(st.sampled_from((0, 5, 9))),  # type: ignore[arg-type]
    memory_bytes=_maybe(st.sampled_from((0, 768))),  # type: ignore[arg-type]
    moved_bytes=_maybe(st.integers(0, 1000)),  # type: ignore[arg-type]
    written_at=TIMES,
    read_at=TIMES,
)
ENDS = st.builds(
    endpoint,
    st.sampled_from("ab"),
    st.sampled_from(("reader", "writer", "both", "client", "server", "listener", "waiter", "creator")),
    st.none() | st.sampled_from(PEOPLE),
    _maybe(st.integers(0, 2)),
    st.integers(1, 9),
)
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
    st.lists(CHANNELS, max_size=5, unique_by=lambda channel: channel.key),
    st.frozensets(NUMBERS.map(lambda number: ChannelKey("pipe", 0, number)), max_size=2),
    st.integers(0, 2),
    st.none() | NUMBERS,
)


def _all_changes(history: Sequence[Look]) -> list[Changes]:
    tracker, at, told = Tracker(), NOON, []
    for look in history:
        at += look.passed_s
        seen = snapshot(look.channels, PEOPLE[::2], at=at, gaps=[Gap("x", "denied", look.denied)])
        if look.told is not None:
            tracker.tell(ChannelKey("pipe", 0, look.told), Event(at, None, "x", "y", "seen"))
        told.append(tracker.advance(replace(seen, lights={key: Light(True, False) for key in look.lit})))
    return told


@settings(max_examples=60)
@given(st.lists(LOOKS, min_size=1, max_size=10))
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
            assert closed.closed_at <= now
            assert all(event.at <= now for event in closed.record.turns)


@settings(max_examples=40)
@given(st.lists(LOOKS, min_size=1, max_size=10))
def test_nothing_is_kept_of_channels_that_went(history: list[Look]) -> None:
    for look, changes in zip(history, _all_changes(history), strict=True):
        there = {each.key for each in look.channels}
        assert set(changes.since) == there
        assert set(changes.records) <= there
        assert set(changes.first_seen) <= there
        assert set(changes.opened) <= there


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
