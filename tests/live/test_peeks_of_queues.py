"""What is seen in System V queues, and that they keep no trace of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from ipcinspect.kernel import sysv
from ipcinspect.model.channel import Channel, Namespaces
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents
from tests.live import oracles
from tests.live.conftest import Start
from tests.live.peeks import Looker, peeking, room_of
from tests.live.subjects import asleep_in, context_switches, system_v, until
from tests.live.test_without_privilege import NOBODY, ROOT

_ANY_TYPE = """
LIBC.msgrcv.restype = ctypes.c_ssize_t
def receive(kind): return checked(LIBC.msgrcv(ARGS[0], ctypes.create_string_buffer(100), 90, ctypes.c_long(kind), 0))
"""


@pytest.fixture
def queue() -> Iterator[int]:
    """A queue of ours."""
    number = sysv.create_queue()
    yield number
    sysv.remove_queue(number)


def _channel(number: int) -> tuple[Looker, Channel]:
    looker = Looker()
    return looker, system_v(looker.look(), "sysv-msg", number)


def _peek(number: int, most: int = 65536) -> Contents:
    looker, channel = _channel(number)
    return looker.peek(channel, most)


def _row(number: int) -> dict[str, str]:
    return next(row for row in oracles.sysvipc("msg") if row["msqid"] == str(number))


def test_messages_are_seen_in_their_order_with_types_and_sizes(queue: int) -> None:
    for payload in (b"first", b"", b"x" * 8192):
        sysv.send_message(queue, payload)
    contents = _peek(queue)
    assert [(piece.data, piece.size, piece.title) for piece in contents.pieces] == [
        (b"first", 5, "type 1"),
        (b"", 0, "type 1"),
        (b"x" * 8192, 8192, "type 1"),
    ]
    assert (contents.total_bytes, contents.total_messages, contents.note) == (8197, 3, None)
    less = _peek(queue, 7)
    assert [(piece.data, piece.size) for piece in less.pieces] == [(b"first", 5), (b"", 0), (b"x", 8192)]
    assert [sysv.receive_message(queue, 8192) for _ in range(3)] == [b"first", b"", b"x" * 8192]
    empty = _peek(queue)
    assert (empty.pieces, empty.total_bytes, empty.total_messages, empty.refusal) == ((), 0, 0, None)


def test_no_record_of_the_queue_moves_and_nobody_wakes(queue: int, start: Start) -> None:
    sysv.send_message(queue, b"of type 1")
    waiting = start(_ANY_TYPE + "say(); receive(7); say('woke'); stay()", queue)
    until(lambda: asleep_in(waiting.pid, "msgrcv"), "the receiver to sleep")
    before, slept = _row(queue), context_switches(waiting.pid)
    looker, channel = _channel(queue)
    for _ in range(100):
        assert looker.peek(channel).pieces
    assert _row(queue) == before
    assert context_switches(waiting.pid) == slept


def test_a_queue_that_is_gone_is_said_to_be_gone(queue: int) -> None:
    other = sysv.create_queue()
    looker, channel = _channel(other)
    sysv.remove_queue(other)
    refusal = looker.peek(channel).refusal
    assert refusal is not None
    assert "gone" in refusal


def test_a_queue_that_moves_is_copied_without_a_hole_or_says_that_one_may_be_there(queue: int) -> None:
    over = threading.Event()

    def keep_moving() -> None:
        sent = 0
        while not over.is_set():
            sysv.send_message(queue, b"%08d" % sent)
            sent += 1
            if sent > 20:
                sysv.receive_message(queue, 8)

    moving = threading.Thread(target=keep_moving)
    moving.start()
    try:
        _, channel = _channel(queue)
        room, request = room_of(channel), peeking()
        for _ in range(500):
            contents = room.peek(request, channel)
            numbers = [int(piece.data) for piece in contents.pieces]
            if not (contents.note and "moved" in contents.note):
                assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
            assert numbers == sorted(numbers)
    finally:
        over.set()
        moving.join()


_FILLS = """
LIBC.msgget.restype = ctypes.c_int
open("/proc/sys/kernel/msgmnb", "w").write("1000000"); open("/proc/sys/kernel/msgmax", "w").write("400000")
many = checked(LIBC.msgget(0, 0o1600)); large = checked(LIBC.msgget(0, 0o1600))
for n in range(100000): checked(LIBC.msgsnd(many, struct.pack("@l", n % 7 + 1) + b"%05d" % n, 5, 0))
checked(LIBC.msgsnd(large, struct.pack("@l", 3) + b"L" * 300000, ctypes.c_size_t(300000), 0))
say(many, large, os.stat("/proc/self/ns/ipc").st_ino, os.getpid())
order(); open("/proc/sys/kernel/msgmax", "w").write("8192"); say(); stay()
"""


def test_a_hundred_thousand_messages_of_another_namespace_are_bounded(root: None, start: Start) -> None:
    """And a message larger than usual is seen: the limits belong to the namespace."""
    subject = start(_FILLS, command=["unshare", "-i"])
    many, large, namespace, pid = subject.said
    _, sample = _any_queue()
    begun = time.monotonic()
    contents = _in(namespace, pid, sample, many, 1 << 24)
    assert time.monotonic() - begun < 5.0
    assert contents.refusal is None
    assert [piece.data for piece in contents.pieces] == [b"%05d" % n for n in range(1000)]
    assert [piece.title for piece in contents.pieces[:8]] == [f"type {n % 7 + 1}" for n in range(8)]
    assert (contents.total_messages, contents.total_bytes) == (100_000, 500_000)
    assert contents.note == "the first 1,000 of 100,000 messages"
    big = _in(namespace, pid, sample, large, 100)
    assert big.refusal is None
    (piece,) = big.pieces
    assert (piece.data, piece.size, piece.title) == (b"L" * 100, 300_000, "type 3")
    subject.ask()
    refusal = _in(namespace, pid, sample, large, 100).refusal
    assert refusal is not None
    assert "msgmax" in refusal


def _any_queue() -> tuple[Looker, Channel]:
    number = sysv.create_queue()
    try:
        return _channel(number)
    finally:
        sysv.remove_queue(number)


def _in(namespace: int, pid: int, sample: Channel, number: int, most: int) -> Contents:
    channel = sample._replace(
        key=ChannelKey("sysv-msg", namespace, number), namespaces=Namespaces(ipc=namespace), id=f"sysv-msg:{number}"
    )
    return room_of(channel).peek(peeking(most, [(namespace, pid)]), channel)


def test_a_queue_that_this_user_may_not_read_is_refused(root: None, queue: int) -> None:
    sysv.send_message(queue, b"of root")
    code = f"""
from tests.live.peeks import Looker
from tests.live.subjects import system_v
looker = Looker()
contents = looker.peek(system_v(looker.look(), "sysv-msg", {queue}))
print(len(contents.pieces), contents.refusal_why, contents.refusal)
"""
    done = subprocess.run(
        [*NOBODY, sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    if "Permission denied" in done.stderr or "No module named" in done.stderr:
        pytest.skip("another user cannot run this Python here")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(None, 2) == [
        "0",
        "denied",
        f"the kernel denies this user a look through message queue {queue}\n",
    ]
    assert os.geteuid() == 0
