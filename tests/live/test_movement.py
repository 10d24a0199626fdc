"""What real channels do between two looks: TCP is counted, System V queues keep times, a pipe fills and drains."""

from __future__ import annotations

from ipcinspect.inspector import Inspector, Observation
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Want
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
