"""Eventfds of real processes: identity, counter, and a look that takes nothing."""

from __future__ import annotations

import os
from typing import Any

from ipcinspect.inspector import Inspector
from ipcinspect.model.channel import Channel
from ipcinspect.sources.live import LiveSource
from tests.live.conftest import Start
from tests.live.subjects import ends, field, look

MAKE = """
def made(count, flags=0):
    return checked(LIBC.eventfd(count, flags))
def count(fd):
    return open(f"/proc/self/fdinfo/{fd}").read().split("eventfd-count:")[1].split()[0]
def sid(fd):
    text = open(f"/proc/self/fdinfo/{fd}").read()
    return next(int(line.split(":")[1]) for line in text.splitlines() if line.startswith("eventfd-id"))
"""


def eventfd(number: int, snapshot: Any = None) -> Channel:
    """The one with that id."""
    found = [one for one in (snapshot or look()).channels if one.id == f"eventfd:[{number}]"]
    assert len(found) == 1
    return found[0]


def test_one_counter_shared_by_fork_dup_and_message_is_one_channel(start: Start) -> None:
    subject = start(
        MAKE
        + """
fd = made(0); one, other = socket.socketpair()
child = os.fork()
if child == 0:
    os.close(fd); data, ancillary, *_ = other.recvmsg(1, 64)
    got = array.array("i", ancillary[0][2])[0]
    os.write(other.fileno(), struct.pack("i", got)); stay(); os._exit(0)
one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
got = struct.unpack("i", one.recv(4))[0]
say(sid(fd), os.getpid(), fd, os.dup(fd), child, got); stay()
"""
    )
    number, pid, fd, duplicate, child, got = subject.said
    channel = eventfd(number)
    assert ends(channel, "both") == {(pid, fd), (pid, duplicate), (child, got)}
    assert {end.side for end in channel.endpoints if end.process and end.process.pid == pid} == {"a"}
    assert {end.side for end in channel.endpoints if end.process and end.process.pid == child} == {"b"}


def test_two_counters_of_one_process_are_two_channels(start: Start) -> None:
    subject = start(MAKE + "a, b = made(1), made(2); say(sid(a), sid(b)); stay()")
    assert [field(eventfd(number), "counter") for number in subject.said] == [1, 2]


def test_the_counter_is_read_as_hexadecimal_and_its_states_follow(start: Start) -> None:
    subject = start(
        MAKE
        + """
none, some, most = made(0), made(42), made(0)
os.write(most, struct.pack("Q", 2**64 - 2)); say(*map(sid, (none, some, most))); stay()
"""
    )
    snapshot = look()
    seen = [eventfd(number, snapshot) for number in subject.said]
    assert [field(one, "counter") for one in seen] == [0, 42, 2**64 - 2]
    assert [one.state for one in seen] == ["idle", "holding", "full"]


def test_a_look_inside_tells_what_a_read_would_give_and_takes_nothing(start: Start) -> None:
    subject = start(
        MAKE
        + """
plain, counts = made(42), made(3, 1); say(sid(plain), sid(counts))
while True:
    order(); say(*[count(fd) for fd in (plain, counts)])
"""
    )
    plain, counts = subject.said
    inspector = Inspector(LiveSource())
    snapshot = inspector.observe().snapshot
    told = [inspector.peek(eventfd(number, snapshot).key, 64) for number in (plain, counts)]
    assert [int.from_bytes(one.pieces[0].data, "little") for one in told if one is not None] == [42, 1]
    assert [one.pieces[0].title for one in told if one is not None] == ["counter 42", "counter 3"]
    assert subject.ask() == ["2a", "3"]


def test_peeking_at_a_counter_that_is_gone_is_refused(start: Start) -> None:
    subject = start(MAKE + "a = made(7); say(sid(a)); stay()")
    inspector = Inspector(LiveSource())
    channel = eventfd(subject.said[0], inspector.observe().snapshot)
    subject.end()
    contents = inspector.peek(channel.key, 64)
    assert contents is not None
    assert contents.refusal
    assert not contents.pieces


def test_an_eventfd_is_found_by_its_id_and_by_a_descriptor(start: Start) -> None:
    from ipcinspect.selection.addresses import find

    subject = start(MAKE + "a = made(7); say(sid(a), os.getpid(), a); stay()")
    number, pid, fd = subject.said
    snapshot = look()
    for text in (f"eventfd:[{number}]", f"{pid}/{fd}"):
        assert [one.id for one in find(text, snapshot)] == [f"eventfd:[{number}]"]
    assert os.getpid() != pid
