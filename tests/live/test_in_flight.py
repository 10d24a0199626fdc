"""Descriptors that are in flight in unix sockets: held by nobody, and yet open."""

from __future__ import annotations

import array
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ipcinspect.kernel.unix_diag import UnixSocket
from ipcinspect.mechanisms.in_flight import InFlight, read_in_flight
from ipcinspect.mechanisms.loans import SocketHolder
from ipcinspect.model.snapshot import Snapshot
from tests.fakes import process
from tests.live.subjects import channel_at, ends, field, inode, look
from tests.live.test_without_privilege import NOBODY, looks, nobody

__all__ = ["nobody"]

GAP = "descriptors in flight in unix sockets"


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Closes what a test opens."""
    with ExitStack() as stack:
        yield stack


def pair(stack: ExitStack, kind: int = socket.SOCK_STREAM) -> tuple[socket.socket, socket.socket]:
    """Two connected sockets of ours."""
    one, other = socket.socketpair(socket.AF_UNIX, kind)
    return stack.enter_context(one), stack.enter_context(other)


def send(through: socket.socket, fds: list[int], data: bytes = b"x") -> None:
    """Descriptors, on their way."""
    through.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def in_gaps(seen: Snapshot) -> int:
    """How many the look says are in flight; other tests may have some of their own."""
    return sum(gap.count or 0 for gap in seen.gaps if gap.what == GAP)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM])
def test_descriptors_on_their_way_are_counted_where_they_wait(opened: ExitStack, kind: int) -> None:
    ours, theirs = pair(opened, kind)
    ends_of_pipe = os.pipe()
    send(ours, list(ends_of_pipe))
    for fd in ends_of_pipe:
        os.close(fd)
    seen = look()
    assert field(channel_at(seen, "unix", inode(ours.fileno())), "in_flight") == 2
    assert in_gaps(seen) >= 2
    theirs.recv(1)
    assert field(channel_at(look(), "unix", inode(ours.fileno())), "in_flight") == 0


def test_a_message_without_a_byte_can_carry_descriptors(opened: ExitStack) -> None:
    ours, _ = pair(opened, socket.SOCK_DGRAM)
    send(ours, [0], b"")
    assert field(channel_at(look(), "unix", inode(ours.fileno())), "in_flight") == 1


def test_a_sender_without_a_connection_reaches_a_receiver_with_a_name(opened: ExitStack, directory: Path) -> None:
    receiver = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    receiver.bind(str(directory / "socket"))
    sender = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))]
    sender.sendmsg([b""], rights, 0, str(directory / "socket"))
    assert field(channel_at(look(), "unix", inode(receiver.fileno())), "in_flight") == 1


def test_a_pipe_whose_reader_is_in_flight_is_not_said_to_have_none(opened: ExitStack) -> None:
    ours, _ = pair(opened)
    reads, writes = os.pipe()
    try:
        send(ours, [reads])
        os.close(reads)
        channel = channel_at(look(), "pipe", inode(writes))
        assert channel.state == "idle"
        assert ends(channel, "reader") == {(None, None)}
    finally:
        os.close(writes)


TELLS = """
import json
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
seen = LiveSource().take(Want())
print(json.dumps({
    "in_flight": [
        one.fields[-1] for one in seen.channels if any(end.inode == INODE for end in one.endpoints)
    ],
    "hidden": sum(gap.count or 0 for gap in seen.gaps if gap.what == "descriptors of processes"),
}))
"""


def test_an_ordinary_user_is_told_nothing_of_what_cannot_be_asked(nobody: None, opened: ExitStack) -> None:
    ours, _ = pair(opened)
    send(ours, [0])
    found = looks(NOBODY, TELLS.replace("INODE", str(inode(ours.fileno()))))
    assert found["in_flight"] == [None]
    assert found["hidden"] >= 1


def row(ino: int, **told: object) -> UnixSocket:
    """A connected stream socket in which nothing waits."""
    usual = UnixSocket(ino, socket.SOCK_STREAM, 1, None, None, None, None, (), 0, 0, 0, 212992, 0, 212992, 0, 0, 1)
    return usual._replace(**told)  # type: ignore[arg-type]


def test_only_sockets_in_which_something_waits_are_asked() -> None:
    rows = {ino: row(ino, peer=ino ^ 1) for ino in range(2, 24_002)}
    rows[100] = row(100, peer=101, rqueue=1)
    holder = SocketHolder(process(), 3)
    asked = []

    def read(asking: SocketHolder) -> bytes:
        asked.append(asking)
        return b"ino:\t100\nscm_fds: 3\n"

    told = read_in_flight(rows, {ino: [holder] for ino in rows}, read)
    assert (told.counts, told.known, told.may_be) == ({100: 3}, 3, True)
    assert asked == [holder]


def test_very_many_are_not_all_asked() -> None:
    rows = {ino: row(ino, peer=ino ^ 1, rqueue=1) for ino in range(2, 5002)}
    holders = {ino: [SocketHolder(process(), ino)] for ino in rows}
    told = read_in_flight(rows, holders, lambda asking: b"ino:\t%d\nscm_fds: 0\n" % asking.fd)
    assert (told.unasked, told.known, told.may_be) == (5000 - 1024, 0, True)
    assert list(told.counts.values()) == [None] * told.unasked


def of_one(text: bytes | None) -> InFlight:
    """What is told of one socket in which something waits, whose fdinfo is this."""
    return read_in_flight({7: row(7, rqueue=1)}, {7: [SocketHolder(process(), 3)]}, lambda asking: text)


def test_a_count_of_another_socket_is_not_believed() -> None:
    told = of_one(b"ino:\t8\nscm_fds: 3\n")
    assert (told.counts, told.known, told.may_be) == ({7: None}, 0, False)


def test_a_kernel_that_does_not_say_whose_count_it_is_tells_nothing() -> None:
    for text in (b"scm_fds: 3\n", b"ino:\t7\n"):
        told = of_one(text)
        assert (told.counts, told.untold, told.may_be) == ({7: None}, 1, True)


def test_a_descriptor_that_is_gone_by_now_leaves_it_open() -> None:
    assert of_one(None) == InFlight({7: None}, 0, 0, 0)


def test_what_was_sent_before_it_was_accepted_may_carry_descriptors() -> None:
    told = read_in_flight({7: row(7, peer=0, wmem_alloc=768)}, {}, lambda asking: None)
    assert (told.unaccepted, told.may_be) == (1, True)


def test_a_table_read_as_text_has_nothing_to_tell() -> None:
    text = row(7, rqueue=None, wqueue=None, wmem_alloc=None, shutdown=None)
    assert read_in_flight({7: text}, {}, lambda asking: None) == InFlight({}, 0, 0, 0)
