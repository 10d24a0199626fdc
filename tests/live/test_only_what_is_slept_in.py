"""A quick look at who waits leaves out what nobody sleeps in, and nothing that the answer needs."""

from __future__ import annotations

from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.sources.live import LiveSource
from tests.live.conftest import Start
from tests.live.subjects import Subject, channels_at, field, until

SLEEPS_IN_SOME = """
asleep, idle = os.pipe(), os.pipe()
one, other = socket.socketpair()
left, right = socket.socketpair()
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
accepted, _ = server.accept()
carrier, carried = socket.socketpair()
array_of_fds = array.array("i", [idle[0]])
carrier.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array_of_fds)])
memory = mmap.mmap(-1, 4096)
watch = select.epoll()
watch.register(right, select.EPOLLIN)
event, unwatched = os.eventfd(0), os.eventfd(0)
for wait in (lambda: os.read(asleep[0], 1), lambda: one.recv(1), lambda: watch.poll(), lambda: os.read(event, 8)):
    threading.Thread(target=wait, daemon=True).start()
say([ino(asleep[0]), ino(idle[0])], [ino(one), ino(right), ino(carrier)], ino(client), event)
stay()
"""


def quick(subject: Subject) -> Snapshot:
    """What a look at the sleepers alone tells, once all four threads sleep."""

    def found() -> Snapshot | None:
        seen = LiveSource().take(Want(waits=True, only_waited=True))
        process = seen.processes[subject.pid]
        calls = {wait.call for wait in seen.waits[process.key].waits}
        awaited = [one for wait in seen.waits[process.key].waits for one in wait.awaited if one.channel is not None]
        return seen if {"read", "recvfrom", "epoll_wait"} <= calls and len(awaited) >= 4 else None

    seen = until(found, "all threads to sleep")
    assert seen is not None
    return seen


def held_by(seen: Snapshot, subject: Subject) -> list[Channel]:
    """The channels of which a subject has an end."""
    return [
        channel
        for channel in seen.channels
        if any(end.process is not None and end.process.pid == subject.pid for end in channel.endpoints)
    ]


def test_pipes_and_connections_in_which_somebody_sleeps_are_told_whole_and_others_left_out(start: Start) -> None:
    subject = start(SLEEPS_IN_SOME)
    (asleep, idle), (slept_in, watched, carrier), client, event = subject.said
    seen = quick(subject)
    pipe = channels_at(seen, "pipe", asleep)[0]
    assert pipe.queued_bytes == 0
    assert pipe.state == "idle"
    assert {end.role for end in pipe.endpoints} == {"reader", "writer"}
    assert channels_at(seen, "pipe", idle) == []
    assert channels_at(seen, "tcp", client) == []
    assert len(channels_at(seen, "unix", slept_in)) == 1
    assert len(channels_at(seen, "unix", watched)) == 1, "what is watched through an epoll is slept in"
    eventfds = [channel for channel in held_by(seen, subject) if channel.mechanism == "eventfd"]
    assert any(end.fd == event for channel in eventfds for end in channel.endpoints)
    assert field(channels_at(seen, "unix", carrier)[0], "in_flight") == 1, "an end of anything may be in it"


def test_mechanisms_on_which_nobody_can_sleep_are_left_out(start: Start) -> None:
    subject = start(SLEEPS_IN_SOME)
    without_waits = {room.NAME for room in MECHANISMS if not room.WAITS}
    assert "shared-anon" in without_waits
    assert {channel.mechanism for channel in held_by(quick(subject), subject)} & without_waits == set()
    whole = LiveSource().take(Want(waits=True))
    assert "shared-anon" in {channel.mechanism for channel in held_by(whole, subject)}
