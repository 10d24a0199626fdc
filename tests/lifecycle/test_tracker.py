"""The tracker says what opened, what closed and since when, and holds no more than it must."""

from __future__ import annotations

import gc
import itertools

from hypothesis import given
from hypothesis import strategies as st

from ipcinspect.lifecycle.changes import Changes
from ipcinspect.lifecycle.tracker import Tracker
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from tests.fakes import NOON, channel, snapshot

STATES = ("idle", "holding", "full")


def _closed(changes: Changes) -> list[str]:
    return [closed.channel.id for closed in changes.closed]


def test_the_first_snapshot_opens_nothing_because_nobody_looked_before() -> None:
    changes = Tracker().advance(snapshot([channel(1)]))
    assert changes.opened == ()
    assert changes.closed == ()


def test_a_channel_that_was_not_there_before_is_opened_once() -> None:
    tracker = Tracker()
    tracker.advance(snapshot(at=1))
    assert tracker.advance(snapshot([channel(1)], at=2)).opened == (ChannelKey("pipe", 0, 1),)
    assert tracker.advance(snapshot([channel(1)], at=3)).opened == ()


def test_a_closed_channel_lingers_for_ten_seconds_as_it_was_last_seen() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([channel(1, state="full")], at=1))
    gone = tracker.advance(snapshot(at=2)).closed
    assert [(closed.channel.id, closed.channel.state, closed.closed_at) for closed in gone] == [
        ("pipe:[1]", "closed", 2)
    ]
    assert _closed(tracker.advance(snapshot(at=11.9))) == ["pipe:[1]"]
    assert _closed(tracker.advance(snapshot(at=12))) == []


def test_a_channel_that_comes_back_under_the_same_id_no_longer_lingers() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([channel(1)], at=1))
    tracker.advance(snapshot(at=2))
    changes = tracker.advance(snapshot([channel(1)], at=3))
    assert _closed(changes) == []
    assert changes.opened == (ChannelKey("pipe", 0, 1),)


def test_since_stands_while_the_state_does_and_starts_anew_with_each_change() -> None:
    tracker = Tracker()
    key = ChannelKey("pipe", 0, 1)
    seen = [
        tracker.advance(snapshot([channel(1, state=state)], at=at)).since[key]
        for at, state in enumerate(("idle", "idle", "full", "full", "idle"))
    ]
    assert seen == [0, 0, 2, 2, 4]


def test_a_waiting_client_that_becomes_a_pair_was_neither_opened_nor_closed() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([channel(7, "unix", "waiting-accept")], at=1))
    changes = tracker.advance(snapshot([channel(7, "unix", "idle", aliases=("socket:[9]",))], at=2))
    assert (changes.opened, _closed(changes)) == ((), [])


def test_an_accepted_end_that_was_listed_alone_and_joins_its_pair_is_not_closed() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([channel(9, "unix")], at=1))
    pair = channel(7, "unix", aliases=("socket:[9]",))
    changes = tracker.advance(snapshot([pair], at=2))
    assert (changes.opened, _closed(changes)) == ((), [])
    assert changes.since[pair.key] == 1


def test_a_pair_that_loses_the_end_it_was_named_after_is_not_closed() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([channel(7, "unix", aliases=("socket:[9]",))], at=1))
    changes = tracker.advance(snapshot([channel(9, "unix", "half-closed")], at=2))
    assert (changes.opened, _closed(changes)) == ((), [])


def test_a_listener_keeps_its_own_life_while_its_clients_become_pairs() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([channel(5, "unix", "waiting-accept", aliases=("socket:[7]",))], at=1))
    pair = channel(7, "unix", aliases=("socket:[9]",))
    changes = tracker.advance(snapshot([channel(5, "unix", "listening"), pair], at=2))
    assert _closed(changes) == []
    assert changes.since[ChannelKey("socket", 0, 5)] == 2


def test_a_channel_that_lingers_under_one_id_stops_when_it_is_seen_under_another() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([channel(7, "unix", aliases=("socket:[9]",))], at=1))
    assert _closed(tracker.advance(snapshot(at=2))) == ["socket:[7]"]
    assert _closed(tracker.advance(snapshot([channel(9, "unix")], at=3))) == []


def test_a_channel_that_lingers_stops_when_one_that_stayed_is_seen_to_be_its_other_end() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([channel(7, "unix"), channel(9, "unix")], at=1))
    assert _closed(tracker.advance(snapshot([channel(9, "unix")], at=2))) == ["socket:[7]"]
    assert _closed(tracker.advance(snapshot([channel(9, "unix", "holding")], at=3))) == ["socket:[7]"]
    assert _closed(tracker.advance(snapshot([channel(9, "unix", aliases=("socket:[7]",))], at=4))) == []


def test_two_snapshots_of_the_same_instant_are_still_two() -> None:
    tracker = Tracker()
    tracker.advance(snapshot(at=1))
    assert tracker.advance(snapshot([channel(1)], at=1)).opened == (ChannelKey("pipe", 0, 1),)


def test_a_clock_that_is_set_back_does_not_keep_closed_channels_for_ever() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([channel(1)], at=100_000))
    tracker.advance(snapshot(at=100_001))
    for at in range(30):
        changes = tracker.advance(snapshot(at=at))
    assert _closed(changes) == []


def test_a_clock_that_stands_still_does_not_keep_closed_channels_for_ever() -> None:
    tracker = Tracker()
    for turn in range(8):
        changes = tracker.advance(snapshot([channel(turn * 2000 + number) for number in range(2000)], at=5))
    assert len(changes.closed) == 12_000, "those of the last look, and of the looks before no more than a limit"
    assert [one.channel.key.number for one in changes.closed] == list(range(2000, 14_000))


def test_a_thousand_generations_of_short_lived_channels_leave_nothing_behind() -> None:
    tracker = Tracker()
    numbers = itertools.count()

    def generation(at: int) -> Changes:
        return tracker.advance(snapshot([channel(next(numbers)) for _ in range(10)], at=at))

    for at in range(100):
        generation(at)
    early = _live_channels()
    for at in range(100, 1100):
        changes = generation(at)
    assert len(changes.closed) <= 10 * 10
    assert _live_channels() <= early + 10


def test_the_events_of_all_channels_together_have_a_limit() -> None:
    tracker = Tracker()
    numbers = range(2000)
    for turn in range(14):
        state = "full" if turn % 2 else "idle"
        changes = tracker.advance(snapshot([channel(number, state=state) for number in numbers], at=NOON + turn))
        assert sum(record.events for record in changes.records.values()) <= 20_000
    assert changes.life(ChannelKey("pipe", 0, 1)).events[-1].what.startswith("buffer full")


@given(
    st.lists(
        st.dictionaries(st.integers(1, 6), st.sampled_from(STATES), max_size=6),
        min_size=1,
        max_size=12,
    )
)
def test_what_is_told_adds_up_over_any_history(history: list[dict[int, str]]) -> None:
    tracker = Tracker()
    before: set[int] | None = None
    for at, states in enumerate(history):
        changes = tracker.advance(snapshot([channel(n, state=state) for n, state in states.items()], at=at))
        now = set(states)
        assert {key.number for key in changes.opened} == (now - before if before is not None else set())
        assert {key.number for key in changes.since} == now
        assert all(0 <= since <= at for since in changes.since.values())
        assert not {closed.channel.key.number for closed in changes.closed} & now
        if before is not None:
            assert before - now <= {closed.channel.key.number for closed in changes.closed}
        assert len(_closed(changes)) == len(set(_closed(changes)))
        before = now


def _live_channels() -> int:
    gc.collect()
    return sum(1 for thing in gc.get_objects() if type(thing) is Channel)
