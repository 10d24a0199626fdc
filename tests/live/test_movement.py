"""What real channels do between two looks: TCP is counted, System V queues keep times, a pipe fills and drains."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from ipcinspect.inspector import Inspector, Observation
from ipcinspect.lifecycle.life import Life
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.sources import Details
from ipcinspect.sources.live import LiveSource
from tests.live.conftest import Start
from tests.live.subjects import until

SENDS_BY_ORDER = """
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
say(ino(client))
while True:
    size = order()
    client.sendall(b"x" * size)
    taken = 0
    while taken < size: taken += len(server.recv(size))
    say(taken)
"""

QUEUES_BY_ORDER = """
msqid = checked(LIBC.msgget(0, 0o600))
message = struct.pack("@l", 1) + b"x" * 8
buffer = ctypes.create_string_buffer(64)
try:
    say(msqid)
    while True:
        order()
        checked(LIBC.msgsnd(msqid, message, 8, 0))
        checked(LIBC.msgrcv(msqid, buffer, 8, 0, 0))
        say("done")
finally:
    LIBC.msgctl(msqid, 0, None)
"""

FILLS_AND_DRAINS = """
r, w = os.pipe()
say(ino(r))
while True:
    what, size = order()
    if what == "write": os.write(w, bytes(size))
    else: os.read(r, size)
    say(size)
"""


PAIR_BY_ORDER = """
if ARGS[0] == "unix":
    mine, other = socket.socketpair()
else:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    mine = socket.create_connection(listener.getsockname())
    other, _ = listener.accept()
say(ino(mine))
order()
mine.shutdown(socket.SHUT_WR)
say("shut")
order()
mine.close()
other.close()
say("closed")
stay()
"""


TAKES_A_NAME = """
with open("/proc/self/comm", "wb") as comm: comm.write(bytes(ARGS[0]))
say("named")
stay()
"""


def one(observation: Observation, name: str) -> Channel:
    return next(c for c in observation.snapshot.channels if name in (c.id, *c.aliases))


def test_bytes_through_a_tcp_connection_are_counted_though_its_queues_are_always_empty(start: Start) -> None:
    subject = start(SENDS_BY_ORDER)
    name = f"socket:[{subject.said[0]}]"
    inspector = Inspector(LiveSource())
    want = Want(counts=True)
    first = one(inspector.observe(want), name)
    assert subject.ask(300_000) == [300_000]
    observation = inspector.observe(want)
    channel = one(observation, name)
    before = {queue.to: queue.moved_bytes for queue in first.queues}
    after = {queue.to: queue.moved_bytes for queue in channel.queues}
    assert {to: (after[to] or 0) - (before[to] or 0) for to in after} == {"b": 300_000, "a": 0}
    assert channel.state == "flowing"
    life = observation.changes.life(channel.key)
    rates = {rate.to: rate for rate in life.rates}
    assert rates["b"].exact
    assert rates["b"].bytes_per_s
    still = inspector.observe(want)
    assert one(still, name).state == "idle"
    assert {rate.bytes_per_s for rate in still.changes.life(channel.key).rates} == {0.0}


def test_a_look_that_does_not_want_counts_has_none(start: Start) -> None:
    subject = start(SENDS_BY_ORDER)
    channel = one(Inspector(LiveSource()).observe(), f"socket:[{subject.said[0]}]")
    assert {queue.moved_bytes for queue in channel.queues} == {None}


def test_a_system_v_queue_that_is_always_empty_flows_by_its_times(start: Start) -> None:
    subject = start(QUEUES_BY_ORDER)
    name = f"sysv-msg:{subject.said[0]}"
    inspector = Inspector(LiveSource())
    one(inspector.observe(), name)

    def flows() -> bool:
        assert subject.ask("go") == ["done"]
        return one(inspector.observe(), name).state == "flowing"

    until(flows, "a later second: the kernel's times have whole ones")


def test_a_pipe_fills_and_drains(start: Start) -> None:
    subject = start(FILLS_AND_DRAINS)
    name = f"pipe:[{subject.said[0]}]"
    inspector = Inspector(LiveSource())
    assert one(inspector.observe(), name).state == "idle"
    states = []
    for what, size in (("write", 4000), ("write", 4000), ("read", 1000), ("read", 7000)):
        subject.ask([what, size])
        states.append(one(inspector.observe(), name).state)
    assert states == ["filling", "filling", "flowing", "draining"], "what goes in and out flows"
    assert one(inspector.observe(), name).state == "idle"


@pytest.mark.alone  # where somebody hides beside it, what went is out of sight and not known to be closed
@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_a_direction_that_is_shut_is_told_as_it_ends_and_then_the_end_of_all(start: Start, kind: str) -> None:
    subject = start(PAIR_BY_ORDER, kind)
    name = f"socket:[{subject.said[0]}]"
    inspector = Inspector(LiveSource())
    first = one(inspector.observe(), name)
    key = first.key
    assert first.state == "idle"
    subject.ask("shut")

    def half_closed() -> Life | None:
        observation = inspector.observe()
        seen = one(observation, name)
        return observation.changes.life(seen.key) if seen.state == "half-closed" else None

    life = until(half_closed, "the end of the stream to arrive")
    event = life.events[-1]
    assert (event.what, event.stage, event.state) == ("half-closed: one side is shut", "termination", "half-closed")
    assert "sock_diag" in event.evidence
    assert (life.stage, life.events[0].what) == ("termination", "first seen")
    subject.ask("close")

    def ended() -> Life | None:
        life = inspector.observe().changes.life(key)
        return life if life.state == "closed" else None

    last = until(ended, "the socket to go").events[-1]
    assert (last.what, last.stage, last.certainty) == ("closed", "termination", "seen")


class _LaterClock:
    """Looks at this machine, by a clock that a test sets on: nobody has to wait for a pause to pass."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self._live = LiveSource()

    def take(self, want: Want) -> Snapshot:
        seen = self._live.take(want)
        return replace(seen, taken_at=seen.taken_at + self.ahead_s)

    def details(self, key: ProcessKey | ChannelKey) -> Details | None:
        return self._live.details(key)

    def peek(self, key: ChannelKey, most: int) -> Contents | None:
        return self._live.peek(key, most)


def test_a_writer_that_goes_on_after_a_pause_is_told_with_the_length_of_the_pause(start: Start) -> None:
    subject = start(FILLS_AND_DRAINS)
    name = f"pipe:[{subject.said[0]}]"
    source = _LaterClock()
    inspector = Inspector(source)
    inspector.observe()
    subject.ask(["write", 1000])
    inspector.observe()
    source.ahead_s = 130.0
    inspector.observe()
    subject.ask(["write", 500])
    observation = inspector.observe()
    seen = one(observation, name)
    assert seen.state == "filling"
    paused = [event for event in observation.changes.life(seen.key).events if "moved again" in event.what]
    assert [event.what.startswith("moved again after 2m1") for event in paused] == [True]
    assert paused[0].evidence.startswith("1000 of 65536 bytes at the look before, 1500 of 65536 bytes now")


def test_a_full_pipe_is_blocked_until_somebody_reads_and_what_moved_last_is_that(start: Start) -> None:
    subject = start(FILLS_AND_DRAINS)
    name = f"pipe:[{subject.said[0]}]"
    inspector = Inspector(LiveSource())
    key = one(inspector.observe(), name).key
    subject.ask(["write", 65536])
    full = [observation.changes.life(key) for observation in (inspector.observe(), inspector.observe())]
    assert full[0].blocked_since == full[1].blocked_since == full[0].progress_at
    subject.ask(["read", 8192])
    observation = inspector.observe()
    life = observation.changes.life(key)
    assert (life.state, life.blocked_since, life.progress_at) == ("draining", None, observation.snapshot.taken_at)


@pytest.mark.parametrize("name", [b"\x1b]0;x\x07", b"[/red]", b"two\nlines", b"bad\xff", "日本".encode()])
def test_a_hostile_name_stands_exactly_in_what_is_told(start: Start, name: bytes) -> None:
    reading, writing = os.pipe()
    try:
        inode = f"pipe:[{os.fstat(reading).st_ino}]"
        inspector = Inspector(LiveSource(), show_self=True)
        one(inspector.observe(), inode)
        subject = start(TAKES_A_NAME, list(name), pass_fds=(writing,))
        observation = inspector.observe()
        key = one(observation, inode).key
        told = [event.what for event in observation.changes.life(key).events]
        assert f"{os.fsdecode(name)} {subject.pid} has the writer end at fd {writing}" in told
    finally:
        os.close(reading)
        os.close(writing)


def test_a_process_that_is_as_it_was_is_the_same_object_at_the_next_look(start: Start) -> None:
    subject = start(FILLS_AND_DRAINS)
    name = f"pipe:[{subject.said[0]}]"
    source = LiveSource()
    first, second = source.take(Want()), source.take(Want())
    assert second.processes[subject.pid] is first.processes[subject.pid]
    before, after = (next(each for each in seen.channels if each.id == name) for seen in (first, second))
    assert after.queues is before.queues
    assert after.endpoints[0].process is before.endpoints[0].process
    assert source.take(Want(cmdlines=True)).processes[subject.pid].cmdline is not None
