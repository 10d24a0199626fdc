"""The life of a channel over several looks, told from snapshots that were made by hand."""

from __future__ import annotations

from collections.abc import Sequence

from ipcinspect.lifecycle.changes import Changes
from ipcinspect.lifecycle.interfaces import INTERFACES
from ipcinspect.lifecycle.life import Life, Rate
from ipcinspect.lifecycle.stages import STATUSES, Station, track
from ipcinspect.lifecycle.tracker import Tracker
from ipcinspect.lifecycle.waiting import Waiting
from ipcinspect.model.channel import Channel, Queue
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.gap import Gap
from ipcinspect.model.snapshot import Light, Snapshot
from ipcinspect.model.words import MECHANISMS, STAGES
from tests.fakes import NOON, channel, endpoint, pipe, process, snapshot

MAKE, TEE = process(2211, "make"), process(2212, "tee")
KEY = ChannelKey("pipe", 0, 1)


def looks(*channels: Channel | Sequence[Channel], every: float = 1.0) -> list[Changes]:
    """What each of these looks in turn told."""
    tracker = Tracker()
    told = []
    for turn, seen in enumerate(channels):
        each = [seen] if isinstance(seen, Channel) else seen
        told.append(tracker.advance(snapshot(each, at=NOON + turn * every)))
    return told


def life(told: Sequence[Changes], key: ChannelKey = KEY) -> Life:
    return told[-1].life(key)


def words(lived: Life) -> list[str]:
    return [event.what for event in lived.events]


def queue(**figures: object) -> Channel:
    """A pipe whose one queue has these figures."""
    usual = Queue("b", 0)._replace(**figures)  # type: ignore[arg-type]
    return channel(1, state="holding" if usual.bytes else "idle", queues=(usual,))


def test_one_look_says_that_nothing_flows() -> None:
    lived = life(looks(pipe(1, MAKE, TEE, "holding", 100)))
    assert (lived.state, lived.stage, lived.rates, lived.samples) == ("holding", "delivery", (), ())
    assert words(lived) == ["first seen"]


def test_a_queue_that_grew_is_filling_at_least_so_fast() -> None:
    told = looks(queue(bytes=100), queue(bytes=300), every=2.0)
    lived = life(told)
    assert (lived.state, lived.stage) == ("filling", "transmission")
    assert lived.rates == (Rate("b", 100.0, None, False),)
    assert lived.samples == (100.0,)
    assert told[-1].snapshot.channels[0].state == "filling"
    assert told[-1].since[KEY] == NOON + 2


def test_a_queue_that_shrank_is_draining_and_one_that_did_both_is_flowing() -> None:
    assert life(looks(queue(bytes=300), queue(bytes=100))).state == "draining"
    assert life(looks(queue(bytes=100), queue(bytes=300), queue(bytes=200))).state == "flowing"


def test_what_stands_still_after_it_moved_is_as_one_look_shows_it() -> None:
    told = looks(queue(bytes=100), queue(bytes=300), queue(bytes=300), queue(bytes=300))
    lived = life(told)
    assert (lived.state, lived.since, lived.progress_at) == ("holding", NOON + 2, NOON + 1)
    assert lived.samples == (200.0, None, None)


def test_an_equal_fill_tells_no_rate() -> None:
    lived = life(looks(queue(bytes=100), queue(bytes=100)))
    assert (lived.state, lived.rates, lived.samples, lived.progress_at) == ("holding", (), (None,), None)


def test_what_the_kernel_counts_is_exact_also_when_it_is_zero() -> None:
    lived = life(looks(queue(moved_bytes=5), queue(moved_bytes=5)))
    assert (lived.state, lived.rates) == ("idle", (Rate("b", 0.0, None, True),))
    lived = life(looks(queue(moved_bytes=5), queue(moved_bytes=1005)))
    assert (lived.state, lived.rates, lived.stage) == ("flowing", (Rate("b", 1000.0, None, True),), "reception")


def test_bytes_that_arrived_and_wait_at_the_receiver_are_not_proof_of_a_reader() -> None:
    assert life(looks(queue(moved_bytes=0), queue(bytes=50, moved_bytes=50))).state == "filling"
    assert life(looks(queue(moved_bytes=0), queue(bytes=50, moved_bytes=51))).state == "flowing"


def test_a_count_that_fell_is_another_socket_and_tells_nothing() -> None:
    lived = life(looks(queue(moved_bytes=500), queue(moved_bytes=3)))
    assert (lived.state, lived.rates) == ("idle", ())


def test_times_that_moved_prove_a_write_and_a_read() -> None:
    lived = life(
        looks(queue(written_at=NOON - 9.5, read_at=NOON - 9.5), queue(written_at=NOON + 0.5, read_at=NOON + 0.6))
    )
    assert (lived.state, lived.progress_at) == ("flowing", NOON + 0.6)


def test_what_was_written_and_is_not_there_was_read() -> None:
    assert life(looks(queue(written_at=NOON - 9.5), queue(written_at=NOON + 0.5))).state == "flowing"


def test_a_time_of_the_future_or_of_the_look_before_proves_nothing() -> None:
    for written in (NOON + 1e6, NOON + 0.001):
        lived = life(looks(queue(written_at=NOON - 9.5), queue(written_at=written)))
        assert lived.state == "idle"
        assert lived.progress_at is None or lived.progress_at <= NOON + 1


def test_times_that_stood_say_that_nothing_moved() -> None:
    still = queue(bytes=5, written_at=NOON - 5, read_at=NOON - 6)
    lived = life(looks(still, still))
    assert (lived.state, lived.rates) == ("holding", (Rate("b", 0.0, 0.0, True),))
    fresh = queue(bytes=5, written_at=NOON, read_at=NOON - 6)
    assert life(looks(fresh, fresh)).rates == ()


def test_a_message_that_was_replaced_by_another_flowed() -> None:
    assert life(looks(queue(bytes=10, messages=1), queue(bytes=20, messages=1))).state == "flowing"
    assert life(looks(queue(bytes=10, messages=1), queue(bytes=10, messages=2))).state == "filling"


def _lit(*lights: Light) -> Life:
    tracker = Tracker()
    seen = pipe(1, MAKE, TEE, "idle", 0)
    tracker.advance(snapshot([seen], at=NOON))
    for turn, light in enumerate(lights, 1):
        lit = snapshot([seen], at=NOON + turn)
        told = tracker.advance(Snapshot(**{**vars(lit), "lights": {KEY: light}}))
    return told.life(KEY)


def test_a_light_shows_what_an_always_empty_pipe_does() -> None:
    lived = _lit(Light(True, True))
    assert (lived.state, lived.rates, lived.progress_at) == ("flowing", (), NOON + 1)
    lived = _lit(Light(True, True), Light(False, False))
    assert (lived.state, lived.rates[0].bytes_per_s, lived.samples) == ("idle", 0.0, (None, 0.0))


def test_a_full_pipe_stays_full_while_it_moves_and_is_blocked_since_it_moved_last() -> None:
    def full(moved: int) -> Channel:
        return channel(1, state="full", queues=(Queue("b", 65536, moved_bytes=moved),))

    lived = life(looks(full(0), full(0), full(9), full(9)))
    assert (lived.state, lived.since, lived.blocked_since) == ("full", NOON, NOON + 2)


def test_a_buffer_that_fills_is_told_with_who_would_wait() -> None:
    lived = life(looks(pipe(1, MAKE, TEE, "holding", 100), pipe(1, MAKE, TEE, "full", 65536)))
    event = lived.events[-1]
    assert (event.what, event.stage, event.certainty) == (
        "buffer full: a write of make 2211 would wait", "transmission", "seen",
    )  # fmt: skip
    assert event.evidence == "65536 of 65536 bytes (FIONREAD and poll)"


def test_a_pause_is_told_with_its_length() -> None:
    told = looks(queue(bytes=100), queue(bytes=100), queue(bytes=40), every=4.0)
    assert "moved again after 8s" in words(life(told))


def test_movement_against_the_movement_before_is_a_response() -> None:
    def pair(there: int, back: int) -> Channel:
        queues = (Queue("b", 0, moved_bytes=there), Queue("a", 0, moved_bytes=back))
        return channel(1, "tcp", "idle", queues=queues)

    key = ChannelKey("socket", 0, 1)
    told = looks(pair(0, 0), pair(5, 0), pair(5, 5), pair(5, 9))
    assert [each.stage(each.snapshot.channels[0]) for each in told] == [None, "reception", "response", "reception"]
    assert life(told, key).response_at == NOON + 2


def test_who_comes_to_an_end_and_who_leaves_it_is_told() -> None:
    child = process(2300, "cc1", ppid=2211)
    two = pipe(1, MAKE, TEE)
    three = two._replace(endpoints=(*two.endpoints, endpoint("a", "writer", child, 1, 1)))
    events = life(looks(two, three, two)).events
    assert [event.what for event in events[1:]] == [
        "cc1 2300 has the writer end at fd 1",
        "cc1 2300 ended and left the writer end",
    ]
    assert "inherited by fork from make 2211" in events[1].evidence
    assert events[1].certainty == "inferred"


def test_a_reused_pid_is_another_process() -> None:
    other = MAKE._replace(starttime=99, comm="evil")
    told = looks(pipe(1, MAKE, TEE), pipe(1, other, TEE))
    assert any("evil 2211 has the writer end" in what for what in words(life(told)))
    assert any("make 2211" in what and "ended" in what for what in words(life(told)))


def test_a_process_that_cannot_be_read_any_more_did_not_let_go() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([pipe(1, MAKE, TEE)], at=1))
    told = tracker.advance(snapshot([pipe(1, None, TEE)], [MAKE._replace(readable=False)], at=2))
    assert words(told.life(KEY))[-1] == "make 2211 is out of sight"


def test_a_channel_that_went_while_less_could_be_seen_is_out_of_sight() -> None:
    for gaps, what in (((), "closed"), ((Gap("pipe (timed out)", "timed out", None),), "out of sight")):
        tracker = Tracker()
        tracker.advance(snapshot([pipe(1, MAKE, TEE)], at=1))
        lived = tracker.advance(snapshot([], [MAKE, TEE], at=2, gaps=gaps)).life(KEY)
        assert (lived.state, lived.since, words(lived)[-1]) == ("closed", 2, what)


def test_a_client_that_was_accepted_was_waiting_before() -> None:
    listener = channel(5, "unix", "waiting-accept", name="/run/app", aliases=("socket:[7]",))
    told = looks([listener], [listener], [channel(5, "unix", "listening"), channel(7, "unix", aliases=("socket:[9]",))])
    lived = life(told, ChannelKey("socket", 0, 9))
    assert (lived.first_seen, words(lived)[-1]) == (NOON, "accepted after 2.0s".replace("2.0s", "2s"))


def test_the_life_goes_on_under_the_key_of_the_other_socket() -> None:
    before = channel(7, "unix", "holding", aliases=("socket:[9]",), queued=5)
    told = looks(before, before._replace(queues=(Queue("b", 9),)), [channel(9, "unix", "half-closed", queued=9)])
    lived = life(told, ChannelKey("socket", 0, 9))
    assert (lived.first_seen, lived.progress_at) == (NOON, NOON + 1)
    assert words(lived)[-1] == "half-closed: one side is shut"


def test_a_channel_that_comes_back_under_its_id_begins_a_new_life() -> None:
    told = looks(queue(bytes=1), queue(bytes=5), [], queue(bytes=5))
    lived = life(told)
    assert (lived.first_seen, lived.progress_at, words(lived)) == (NOON + 3, None, ["appeared"])


def test_a_clock_that_goes_back_tells_no_rate_and_no_time_to_come() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([queue(bytes=1)], at=NOON))
    tracker.advance(snapshot([queue(bytes=9)], at=NOON + 1))
    changes = tracker.advance(snapshot([queue(bytes=5)], at=NOON - 1000))
    lived = changes.life(KEY)
    assert lived.rates == ()
    assert lived.first_seen <= lived.since <= NOON - 1000
    assert lived.progress_at is not None
    assert lived.progress_at <= NOON - 1000


def test_every_mechanism_has_its_interfaces() -> None:
    assert set(INTERFACES) == set(MECHANISMS)


def _track(seen: Channel, *more: Channel, shape: str | None = None) -> dict[str, Station]:
    told = looks(seen, *more)
    now = told[-1].snapshot.taken_at
    last = told[-1].snapshot.channels[0]
    stations = track(last, told[-1].life(last.key), now, shape)
    assert [station.stage for station in stations] == list(STAGES)
    assert all(station.status in STATUSES and len(station.fact) <= 11 for station in stations)
    return {station.stage: station for station in stations}


def test_the_track_of_a_full_pipe_stands_at_transmission() -> None:
    full = pipe(1, MAKE, TEE, "full", 65536)
    stations = _track(full, full, full)
    assert [(each.status, each.fact) for each in stations.values()] == [
        ("done", "over 2s"), ("none", "not peeked"), ("stuck", "full 2s"), ("ahead", "none seen"),
        ("ahead", "none seen"), ("none", "one way"), ("ahead", "1+1 open"),
    ]  # fmt: skip


def test_the_track_tells_the_shape_of_what_was_looked_into() -> None:
    assert _track(queue(bytes=5), shape="JSON")["preparation"] == Station("preparation", "done", "JSON")


def test_a_lock_has_no_stages_in_which_data_moves() -> None:
    ends = [endpoint("a", "waiter", MAKE), endpoint("b", "holder", TEE)]
    stations = _track(channel(1, "file-lock", "full", ends, queues=()))
    assert stations["transmission"].status == "stuck"
    assert {stations[stage].status for stage in ("delivery", "reception", "response")} == {"none"}


def test_facts_of_the_track_fit_their_step_however_long_it_takes() -> None:
    for seconds in (0.0, 0.4, 59, 130, 43_500, 86_400 * 700):
        for state in ("opening", "waiting-accept", "full", "idle"):
            told = looks(channel(1, state=state), channel(1, state=state), every=seconds)
            last = told[-1]
            facts = [each.fact for each in track(channel(1, state=state), last.life(KEY), last.snapshot.taken_at)]
            assert all(len(fact) <= 11 and "0.0s" not in fact for fact in facts), facts


def test_what_happened_within_the_last_second_is_just_now() -> None:
    assert _track(queue(bytes=0), queue(bytes=9), queue(bytes=0))["delivery"].fact == "just now"


def test_nothing_that_happened_is_to_come_after_the_clock_was_set_back() -> None:
    tracker = Tracker()
    for at, seen in ((NOON, queue(bytes=0)), (NOON + 1, queue(bytes=9)), (NOON - 500, queue(bytes=9))):
        changes = tracker.advance(snapshot([seen._replace(created_at=NOON - 1)], at=at))
    lived = changes.life(KEY)
    assert [event.at for event in lived.events] == [NOON - 500] * 2
    assert changes.progress_at(KEY) == NOON - 500
    assert (lived.born_at, words(lived)) == (None, ["first seen", "data comes in: 9 B queued"])


def test_a_client_that_waited_at_the_first_look_is_older_than_that() -> None:
    listener = channel(5, "unix", "waiting-accept", name="/run/app", aliases=("socket:[7]",))
    pair = channel(7, "unix", name="/run/app", aliases=("socket:[9]",))
    told = looks([listener], [channel(5, "unix", "listening", name="/run/app"), pair])
    lived = told[-1].life(pair.key)
    assert (lived.born_at, lived.first_seen) == (None, NOON)
    assert words(lived) == ["first seen", "accepted after 1s"]
    assert track(pair, lived, NOON + 1)[0].fact == "over 1s"


def _accepted(listener: Channel, pair: Channel) -> tuple[Life, Changes]:
    empty = listener._replace(state="listening", aliases=(), endpoints=listener.endpoints[-1:])
    told = looks([empty], [listener], [listener], [empty, pair])
    return told[-1].life(pair.key), told[-1]


def test_a_number_that_came_to_mean_another_socket_was_not_accepted() -> None:
    ends = [endpoint("a", "client", MAKE, 3, 7), endpoint("b", "listener", TEE, 4, 5)]
    listener = channel(5, "unix", "waiting-accept", ends, name="/run/app", aliases=("socket:[7]",))
    mine = [endpoint("a", "client", MAKE, 3, 7), endpoint("b", "server", TEE, 5, 9)]
    pair = channel(7, "unix", ends=mine, name="/run/app", aliases=("socket:[9]",))
    lived, changes = _accepted(listener, pair)
    assert (words(lived)[-1], changes.opened) == ("accepted after 2s", ())
    other = endpoint("a", "client", process(77), 3, 7)
    for reused in (
        pair._replace(endpoints=(other, mine[1])),
        pair._replace(name="/run/other"),
        pair._replace(mechanism="tcp", name="127.0.0.1:80"),
    ):
        lived, changes = _accepted(listener, reused)
        assert (words(lived), changes.opened, lived.first_seen) == (["appeared"], (pair.key,), NOON + 3)


def test_a_client_of_all_addresses_was_accepted_at_one_of_them() -> None:
    listener = channel(5, "tcp", "waiting-accept", name="0.0.0.0:80", aliases=("socket:[7]",))
    pair = channel(7, "tcp", name="127.0.0.1:80", aliases=("socket:[9]",))
    assert words(_accepted(listener, pair)[0])[-1] == "accepted after 2s"


def test_clients_that_wait_no_more_are_forgotten_and_never_more_than_a_number_is_remembered() -> None:
    waiting = Waiting()
    crowd = tuple(f"socket:[{number}]" for number in range(30_000))
    listeners = [channel(number, "unix", "waiting-accept", aliases=crowd) for number in (100_001, 100_002)]
    waiting.look(listeners, (), NOON, False)
    assert len(waiting) == 20_000
    waiting.look([channel(100_001, "unix", "listening")], listeners[1:], NOON + 1, False)
    assert len(waiting) == 0


def test_a_listener_that_went_with_its_client_accepted_is_closed() -> None:
    pair = channel(7, "unix", aliases=("socket:[9]",))
    for ends in ([endpoint("b", "listener", TEE, 4, 5)], []):
        listener = channel(5, "unix", "waiting-accept", ends, aliases=("socket:[7]",))
        told = looks([listener], [pair], [pair])
        assert [[closed.channel.id for closed in each.closed] for each in told] == [[], ["socket:[5]"], ["socket:[5]"]]
        assert "accepted after 1s" in words(told[-1].life(pair.key))


def test_an_end_that_parted_from_its_pair_did_not_appear() -> None:
    pair = channel(7, "unix", aliases=("socket:[9]",))
    told = looks([pair], [channel(7, "unix"), channel(9, "unix")])
    lived = told[-1].life(ChannelKey("socket", 0, 9))
    assert (lived.born_at, lived.first_seen, words(lived)) == (None, NOON, ["first seen", "parted from socket:[7]"])
    assert told[-1].opened == ()
    other = channel(9, "tcp")
    told = looks([pair], [channel(7, "unix"), other])
    assert (words(told[-1].life(other.key)), told[-1].opened) == (["appeared"], (other.key,))


def test_a_channel_whose_fields_alone_changed_gets_no_record() -> None:
    told = looks(pipe(1, MAKE, TEE), pipe(1, MAKE, TEE)._replace(fields=(2, 2)))
    assert told[-1].records == {}


def test_quiet_since_is_the_last_movement_where_any_is_known() -> None:
    told = looks(queue(bytes=1), queue(bytes=5), queue(bytes=5))
    seen = told[-1].snapshot.channels[0]
    assert (told[-1].quiet_since(seen), told[-1].since[KEY]) == (NOON + 1, NOON + 2)
    kept = looks(queue(bytes=5, written_at=NOON - 60, read_at=NOON + 1e6))
    assert kept[-1].quiet_since(kept[-1].snapshot.channels[0]) == NOON - 60
    assert looks(queue(bytes=5))[-1].quiet_since(queue(bytes=5)) == NOON
    assert looks(queue(bytes=5))[-1].quiet_since(channel(2)) is None
