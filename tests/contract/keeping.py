"""The contract of a mechanism, as checks over one demo pair."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from ipcinspect.demo import DemoPair
from ipcinspect.export.json_document import channels_document
from ipcinspect.inspector import Inspector
from ipcinspect.model import words
from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.model.contents import Contents
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.sources.live import LiveSource
from tests.contract.expectations import GONE, possible_ends, state_after_death

PAYLOAD = b"what is said must arrive, \0 and \xff too"
MOST = 65536
"""Bytes of a look inside."""
_WITHIN_S = 5.0


class Watched:
    """A pair, and what the program says of it. The test is its runner: the program leaves that one out."""

    def __init__(self, pair: DemoPair) -> None:
        self.pair = pair
        self.room, self.variant = pair.room, pair.variant
        assert pair.room.DEMO is not None
        self.carries_payload = pair.room.DEMO.carries_payload
        self._inspector = Inspector(LiveSource())

    def look(self) -> Snapshot:
        """Now, by one who never looked before: what a single look tells."""
        self._inspector = Inspector(LiveSource())
        return self._inspector.observe().snapshot

    def peek(self, channel: Channel, most: int = MOST) -> Contents:
        """What is in a channel of the last look."""
        contents = self._inspector.peek(channel.key, most)
        assert contents is not None
        return contents

    def only_channel(self) -> tuple[Snapshot, Channel]:
        """The one channel that has exactly these two processes as its right ends."""
        snapshot = self.look()
        found = [channel for channel in snapshot.channels if self._is_theirs(channel)]
        assert len(found) == 1, (found, [channel for channel in snapshot.channels if self._touches(channel)])
        return snapshot, found[0]

    def strangers(self, snapshot: Snapshot) -> list[Channel]:
        """What the two processes have beside their mechanism."""
        return [c for c in snapshot.channels if self._touches(c) and c.mechanism != self.room.NAME]

    def _is_theirs(self, channel: Channel) -> bool:
        ends = self.ends_of(channel)
        return (
            channel.mechanism == self.room.NAME
            and ends is not None
            and any(expected.fit(*ends) for expected in possible_ends(self.room.NAME, self.variant))
        )

    def ends_of(self, channel: Channel) -> tuple[Endpoint, Endpoint] | None:
        """The sender's and the receiver's end, where these two are all beside who made the object."""
        others = [end for end in channel.endpoints if end.process is None or end.process.pid != self.pair.maker_pid]
        ends = {end.process.pid: end for end in others if end.process is not None}
        if len(others) != 2 or set(ends) != {self.pair.sender_pid, self.pair.receiver_pid}:
            return None
        return ends[self.pair.sender_pid], ends[self.pair.receiver_pid]

    def sightings(self, snapshot: Snapshot, channel: Channel) -> list[Channel]:
        """What the channel is now; one that others alone hold got the number of it, as terminals and files do."""
        same = [one for one in snapshot.channels if {one.id, *one.aliases} & {channel.id, *channel.aliases}]
        ours = {self.pair.sender_pid, self.pair.receiver_pid, self.pair.maker_pid}
        return [one for one in same if not _pids(one) or _pids(one) & ours]

    def _touches(self, channel: Channel) -> bool:
        return bool(_pids(channel) & {self.pair.sender_pid, self.pair.receiver_pid})


def check_transfer(watched: Watched) -> Channel:
    """A channel with both ends; what is sent waits in it and arrives equal. The channel, before anything was sent."""
    snapshot, idle = watched.only_channel()
    assert watched.strangers(snapshot) == []
    check_nouns(watched, snapshot, idle)
    check_json(watched, snapshot, idle)
    assert idle.state == "idle"
    assert idle.queued_bytes in (0, None)
    watched.pair.send(PAYLOAD)
    snapshot, sent = watched.only_channel()
    assert (sent.key, sent.id) == (idle.key, idle.id)
    check_depth(watched, sent)
    check_json(watched, snapshot, sent)
    check_peek(watched, sent)
    assert watched.pair.receive() == (PAYLOAD if watched.carries_payload else b"")
    _, after = watched.only_channel()
    assert (after.state, after.queued_bytes) == ("idle", idle.queued_bytes)
    return idle


def check_nouns(watched: Watched, snapshot: Snapshot, channel: Channel) -> None:
    """Values, words and ids are what the model says they are."""
    assert len(channel.fields) == len(watched.room.FIELDS)
    assert channel.state in words.STATES
    assert channel.relation in watched.room.TELLS.relations
    assert {end.role for end in channel.endpoints} <= set(words.ROLES)
    assert channel.exposure is None or channel.exposure.reach in words.REACHES
    assert {queue.to for queue in channel.queues} <= {"a", "b"}
    ids = [one.id for one in snapshot.channels]
    assert len(ids) == len(set(ids))
    assert len(snapshot.channels_by_key) == len(ids)
    sender, receiver = watched.ends_of(channel) or channel.endpoints[:2]
    if sender.role == "both" and sender.inode != receiver.inode:
        assert (sender.side == "a") == ((sender.inode or 0) < (receiver.inode or 0))


def check_depth(watched: Watched, channel: Channel) -> None:
    """What was sent stands in the direction of the receiver, in every figure that the kernel tells, and nowhere else.

    Memory holds it without a queue; a semaphore has nothing to hold.
    """
    ends = watched.ends_of(channel)
    assert ends is not None
    if not channel.queues:
        assert not watched.carries_payload or (channel.capacity_bytes or 0) >= len(PAYLOAD)
        return
    waiting = [queue for queue in channel.queues if queue.to == ends[1].side]
    back = [queue for queue in channel.queues if queue.to != ends[1].side]
    assert len(waiting) == 1
    figures = (waiting[0].bytes, waiting[0].next_message_bytes)
    assert set(figures) - {None} == {len(PAYLOAD)}
    assert waiting[0].messages in (1, None)
    assert waiting[0].memory_bytes is None or waiting[0].memory_bytes >= len(PAYLOAD)
    assert all(queue.bytes == 0 for queue in back)
    assert channel.state == "holding"


def check_peek(watched: Watched, channel: Channel) -> None:
    """A look inside finds what was sent and leaves all of it there; or one line says why there is none."""
    contents = watched.peek(channel)
    if watched.room.TELLS.peek is None:
        assert not contents.pieces
        assert contents.refusal
        assert "\n" not in contents.refusal
        return
    assert contents.refusal is None
    assert contents.by
    whole = b"".join(piece.data for piece in contents.pieces)
    if watched.carries_payload:
        assert PAYLOAD in whole if not channel.queues else whole == PAYLOAD
        assert contents.total_bytes is None or contents.total_bytes >= len(PAYLOAD)
    assert whole, "a counter that was raised shows as what a read would give"
    assert contents.shown_bytes == len(whole)
    assert watched.peek(channel) == contents, "the second look finds the same"
    less = watched.peek(channel, 3)
    assert less.refusal is not None or less.shown_bytes <= 3
    if channel.queues:
        assert b"".join(piece.data for piece in less.pieces) == PAYLOAD[:3]
    _, after = watched.only_channel()
    assert after.queues == channel.queues
    assert after.state == channel.state


def check_json(watched: Watched, snapshot: Snapshot, channel: Channel) -> None:
    """The exported document has every field by name, and both processes."""
    document = json.loads("".join(channels_document(snapshot, [channel])))
    (told,) = document["channels"]
    assert told["id"] == channel.id
    assert told["mechanism"] == watched.room.NAME
    assert list(told["fields"]) == [field.name for field in watched.room.FIELDS]
    halves = {watched.pair.sender_pid, watched.pair.receiver_pid}
    assert {end["pid"] for end in told["endpoints"]} - {watched.pair.maker_pid} == halves


def check_death(watched: Watched, channel: Channel, of_sender: bool) -> None:
    """The kernel closes what the killed one held, and the program sees it."""
    pid = watched.pair.sender_pid if of_sender else watched.pair.receiver_pid
    expected = state_after_death(watched.room.NAME, watched.variant, of_sender)
    (watched.pair.kill_sender if of_sender else watched.pair.kill_receiver)()

    def is_seen() -> bool:
        snapshot = watched.look()
        ends = [end for one in snapshot.channels for end in one.endpoints]
        left = watched.sightings(snapshot, channel)
        state = left[0].state if left else GONE
        return pid not in {end.process.pid for end in ends if end.process} and expected in (state, None)

    wait_until(is_seen, f"{watched.room.NAME} is {expected} after the death")


def check_nothing_is_left(watched: Watched, channel: Channel) -> None:
    """After the end."""
    pids = {watched.pair.sender_pid, watched.pair.receiver_pid}

    def is_gone() -> bool:
        snapshot = watched.look()
        return not watched.sightings(snapshot, channel) and not pids & set(snapshot.processes)

    wait_until(is_gone, "processes and channel are gone")


def wait_until(condition: Callable[[], bool], claim: str) -> None:
    """Raises AssertionError where the condition does not come true in time."""
    deadline = time.monotonic() + _WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"never: {claim}"
        time.sleep(0.01)


def _pids(channel: Channel) -> set[int]:
    return {end.process.pid for end in channel.endpoints if end.process is not None}
