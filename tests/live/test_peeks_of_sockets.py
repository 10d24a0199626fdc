"""What is seen in sockets, and that nobody notices."""

from __future__ import annotations

import array
import contextlib
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcinspect.kernel import socket_copy
from ipcinspect.mechanisms import socket_contents
from ipcinspect.model.contents import Contents
from tests.live.conftest import Start
from tests.live.peeks import Looker, data_of, peeking, room_of
from tests.live.subjects import asleep_in, context_switches, inode, until, written_until_full
from tests.live.test_without_privilege import NOBODY, ROOT

LOOKS = 30
_SO_PEEK_OFF, _SO_RXQ_OVFL, _SO_TIMESTAMP = 42, 40, 29


@pytest.fixture
def looker() -> Looker:
    """A program that looks."""
    return Looker()


@pytest.fixture
def ends() -> Iterator[contextlib.ExitStack]:
    """Closes the sockets of a test."""
    with contextlib.ExitStack() as stack:
        yield stack


def _pair(ends: contextlib.ExitStack, kind: int = socket.SOCK_STREAM) -> tuple[socket.socket, socket.socket]:
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    return ends.enter_context(a), ends.enter_context(b)


def _tcp(ends: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    """(client, server)."""
    listener = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
    client = ends.enter_context(socket.create_connection(listener.getsockname()))
    return client, ends.enter_context(listener.accept()[0])


def _udp(ends: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    """(sender, receiver)."""
    receiver = ends.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind(("127.0.0.1", 0))
    sender = ends.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sender.connect(receiver.getsockname())
    return sender, receiver


def _many(looker: Looker, end: socket.socket) -> Contents:
    """The last of many looks at the channel of a socket."""
    channel = looker.channel_of(inode(end.fileno()))
    for _ in range(LOOKS):
        contents = looker.peek(channel)
    return contents


def test_both_directions_of_a_pair_are_told_with_their_receivers(looker: Looker, ends: contextlib.ExitStack) -> None:
    a, b = _pair(ends)
    a.sendall(b"to b")
    b.sendall(b"to a, longer")
    contents = _many(looker, a)
    me = f"to {Path('/proc/self/comm').read_text().strip()} {os.getpid()}"
    assert sorted((piece.data, piece.size, piece.title) for piece in contents.pieces) == [
        (b"to a, longer", 12, me),
        (b"to b", 4, me),
    ]
    assert contents.total_bytes == 16
    assert (a.recv(100), b.recv(100)) == (b"to a, longer", b"to b")


def test_what_is_left_of_a_dead_writer_is_seen(looker: Looker, ends: contextlib.ExitStack) -> None:
    a, b = _pair(ends)
    a.sendall(b"last words")
    a.close()
    assert data_of(_many(looker, b)) == b"last words"
    assert (b.recv(100), b.recv(100)) == (b"last words", b"")


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
def test_of_messages_the_first_is_seen_with_its_full_size(
    looker: Looker, ends: contextlib.ExitStack, kind: socket.SocketKind
) -> None:
    a, b = _pair(ends, kind)
    a.send(b"first message")
    a.send(b"second")
    channel = looker.channel_of(inode(b.fileno()))
    contents = looker.peek(channel, 5)
    assert [(piece.data, piece.size) for piece in contents.pieces] == [(b"first", 13)]
    assert contents.total_bytes == (19 if kind == socket.SOCK_SEQPACKET else None)
    assert contents.note is not None
    assert "first message alone" in contents.note
    assert (b.recv(100), b.recv(100)) == (b"first message", b"second")


def test_an_empty_message_is_a_message(looker: Looker, ends: contextlib.ExitStack) -> None:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        a, b = _pair(ends, kind)
        assert not _many(looker, b).pieces
        a.send(b"")
        assert [(piece.data, piece.size) for piece in _many(looker, b).pieces] == [(b"", 0)]
        b.setblocking(False)
        assert b.recv(100) == b""
        with pytest.raises(BlockingIOError):
            b.recv(100)


def test_the_sender_of_a_datagram_is_named(looker: Looker, ends: contextlib.ExitStack, directory: Path) -> None:
    sender, receiver = _udp(ends)
    sender.send(b"datagram")
    (piece,) = _many(looker, receiver).pieces
    host, port = sender.getsockname()
    assert piece.title is not None
    assert piece.title.endswith(f"from {host}:{port}")
    to = ends.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    to.bind(str(directory / "to"))
    come = ends.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    come.bind(str(directory / "from \x1b[31m"))
    come.sendto(b"hostile", str(directory / "to"))
    (piece,) = _many(looker, to).pieces
    assert piece.title is not None
    assert piece.title.endswith(f"from {directory}/from \x1b[31m")


def test_descriptors_stay_in_their_message(looker: Looker, ends: contextlib.ExitStack) -> None:
    a, b = _pair(ends)
    r, w = os.pipe()
    rights = array.array("i", [r, w])
    a.sendmsg([b"with two"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    os.close(r), os.close(w)
    before = sorted(os.listdir("/proc/self/fd"))
    contents = _many(looker, b)
    assert sorted(os.listdir("/proc/self/fd")) == before, "none was installed in us"
    assert data_of(contents) == b"with two"
    assert contents.note == "2 descriptors ride along with what waits (SCM_RIGHTS)"
    _, ancillary, flags, _ = b.recvmsg(100, socket.CMSG_SPACE(8))
    received = array.array("i", ancillary[0][2])
    assert len(received) == 2
    assert not flags & socket.MSG_CTRUNC
    assert os.write(received[1], b"x") == 1
    for fd in received:
        os.close(fd)


def test_an_error_stays_for_its_owner(looker: Looker, ends: contextlib.ExitStack) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    udp = ends.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    udp.connect(("127.0.0.1", port))
    udp.send(b"to nobody")
    until(lambda: _has_error(udp), "the refusal")
    refusal = _many(looker, udp).refusal
    assert refusal is not None
    assert "an error waits" in refusal
    with pytest.raises(ConnectionRefusedError):
        udp.recv(1, socket.MSG_DONTWAIT)


@pytest.mark.parametrize("unread", [b"", b"unread"])
def test_a_reset_stays_for_its_owner(looker: Looker, ends: contextlib.ExitStack, unread: bytes) -> None:
    client, server = _tcp(ends)
    server.sendall(unread)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    until(lambda: _has_error(client), "the reset")
    assert not _many(looker, client).pieces
    if unread:
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(100) == unread
            client.recv(100)
            pytest.fail("the reset was taken away")
    else:
        with pytest.raises(ConnectionResetError):
            client.recv(100)


def _has_error(end: socket.socket) -> bool:
    watching = select.poll()
    watching.register(end, 0)
    return any(events & select.POLLERR for _, events in watching.poll(0))


def test_an_owner_who_looks_ahead_himself_is_left_alone(looker: Looker, ends: contextlib.ExitStack) -> None:
    for a, b in (_pair(ends), _udp(ends), _pair(ends, socket.SOCK_SEQPACKET)):
        a.send(b"0123456789")
        b.setsockopt(socket.SOL_SOCKET, _SO_PEEK_OFF, 4)
        refusal = _many(looker, b).refusal
        assert refusal is not None
        assert "peek offset" in refusal
        assert b.getsockopt(socket.SOL_SOCKET, _SO_PEEK_OFF) == 4
        assert b.recv(3, socket.MSG_PEEK) == b"456"


def test_a_listener_is_refused_in_words(looker: Looker, ends: contextlib.ExitStack) -> None:
    listener = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
    ends.enter_context(socket.create_connection(listener.getsockname()))
    refusal = _many(looker, listener).refusal
    assert refusal is not None
    assert "listener" in refusal
    listener.setblocking(False)
    listener.accept()[0].close()


def test_what_stands_in_the_queue_of_a_sender_is_told(looker: Looker, ends: contextlib.ExitStack) -> None:
    client, server = _tcp(ends)
    client.setblocking(False)
    written = written_until_full(lambda: client.send(bytes(65536)))
    contents = looker.peek_at(inode(server.fileno()), 1 << 30)
    assert contents.shown_bytes < written
    assert contents.total_bytes == written
    unsent = written - contents.shown_bytes
    assert contents.note == f"{unsent:,} more bytes stand in the sender's queue, which no call copies"
    received = 0
    while received < written:
        received += len(server.recv(1 << 20))
    assert received == written


def test_a_socket_is_not_borrowed_for_a_very_long_copy(
    looker: Looker, ends: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (socket_copy, socket_contents):
        monkeypatch.setattr(module, "LONGEST_COPY", 1000)
    a, b = _pair(ends)
    a.sendall(b"x" * 3000)
    contents = looker.peek_at(inode(b.fileno()), 1 << 40)
    assert (contents.shown_bytes, contents.total_bytes) == (1000, 3000)
    assert contents.note is not None
    assert "no more than 1,000 bytes" in contents.note


def test_urgent_data_and_its_mark_stay(looker: Looker, ends: contextlib.ExitStack) -> None:
    client, server = _tcp(ends)
    client.sendall(b"before")
    client.send(b"!", socket.MSG_OOB)
    client.sendall(b"after")
    until(lambda: len(server.recv(6, socket.MSG_PEEK)) == 6, "what was sent")
    assert data_of(_many(looker, server)).startswith(b"before")
    assert server.recv(100) == b"before"
    assert server.recv(1, socket.MSG_OOB) == b"!"
    assert server.recv(100) == b"after"


def _stamp(ancillary: list[tuple[int, int, bytes]]) -> float:
    """When a datagram came, in seconds since the epoch."""
    seconds, microseconds = struct.unpack("@ll", next(data for _, kind, data in ancillary if kind == _SO_TIMESTAMP))
    return float(seconds + microseconds / 1e6)


def _is_stamped(sender: socket.socket, receiver: socket.socket) -> bool:
    """Whether a datagram is stamped when it comes, and not only when it is received."""
    sender.send(b"x")
    sent_at = time.time()
    return _stamp(receiver.recvmsg(10, 200)[1]) <= sent_at


def test_stamps_and_drop_counts_are_delivered_as_ever(looker: Looker, ends: contextlib.ExitStack) -> None:
    sender, receiver = _udp(ends)
    receiver.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMP, 1)
    until(lambda: _is_stamped(sender, receiver), "the kernel to switch stamps on, which it does in its own time")
    receiver.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    for _ in range(50):
        sender.send(b"x" * 100)
    sent_at = time.time()
    assert data_of(_many(looker, receiver)) == b"x" * 100
    _, ancillary, _, _ = receiver.recvmsg(200, 200)
    assert _stamp(ancillary) <= sent_at
    receiver.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            _, ancillary, _, _ = receiver.recvmsg(200, 200)
    sender.send(b"last")
    receiver.setblocking(True)
    _, ancillary, _, _ = receiver.recvmsg(200, 200)
    assert any(kind == _SO_RXQ_OVFL for _, kind, _ in ancillary), "the drops are told"


def test_a_low_water_mark_and_an_edge_are_not_moved(looker: Looker, ends: contextlib.ExitStack) -> None:
    client, server = _tcp(ends)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 100)
    with select.epoll() as level, select.epoll() as edge:
        level.register(server, select.EPOLLIN)
        client.sendall(b"x" * 10)
        until(lambda: len(server.recv(10, socket.MSG_PEEK)) == 10, "what was sent")
        assert len(data_of(_many(looker, server))) == 10
        assert level.poll(0) == [], "fewer than the mark"
        client.sendall(b"x" * 90)
        assert level.poll(5)
        edge.register(server, select.EPOLLIN | select.EPOLLET)
        assert len(edge.poll(0)) == 1
        _many(looker, server)
        assert edge.poll(0) == [], "no new edge"
    assert len(server.recv(1000)) == 100


def test_a_reader_who_sleeps_sleeps_on_and_ends_at_his_own_time(looker: Looker, start: Start) -> None:
    code = """
s = socket.socket(fileno=ARGS[0])
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 1, 500000))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 100)
say(); begun = time.monotonic()
try: LIBC.recv(ARGS[0], ctypes.create_string_buffer(200), 200, socket.MSG_WAITALL)
finally: say(time.monotonic() - begun)
stay()
"""
    ours, theirs = socket.socketpair()
    with ours:
        subject = start(code, theirs.fileno(), pass_fds=[theirs.fileno()])
        theirs.close()
        until(lambda: asleep_in(subject.pid, "unix_stream"), "the reader to sleep")
        channel = looker.channel_of(inode(ours.fileno()))
        before = context_switches(subject.pid)
        for _ in range(LOOKS):
            assert not looker.peek(channel).pieces
        assert context_switches(subject.pid) == before
        (waited,) = subject.hear()
        assert 1.4 < waited < 5


def test_a_second_holder_answers_for_one_who_went(looker: Looker, start: Start, ends: contextlib.ExitStack) -> None:
    a, b = _pair(ends)
    a.sendall(b"unread")
    holders = [start("say(); stay()", pass_fds=[b.fileno()]) for _ in range(2)]
    b.close()
    channel = looker.channel_of(inode(a.fileno()))
    receiving = [end for end in channel.endpoints if end.inode != inode(a.fileno())]
    assert len(receiving) == 2
    assert receiving[0].process is not None
    gone = next(holder for holder in holders if holder.pid == receiving[0].process.pid)
    gone.end()
    assert data_of(looker.peek(channel)) == b"unread"


def test_a_socket_that_is_another_by_now_is_not_looked_at(looker: Looker, ends: contextlib.ExitStack) -> None:
    a, b = _pair(ends)
    other_a, other_b = _pair(ends)
    other_a.sendall(b"of another pair")
    channel = looker.channel_of(inode(b.fileno()))
    os.dup2(other_b.fileno(), b.fileno())
    contents = room_of(channel).peek(peeking(), channel)
    assert b"another" not in data_of(contents)
    assert a.fileno() >= 0


def test_a_protocol_on_top_is_left_alone(looker: Looker, ends: contextlib.ExitStack) -> None:
    client, server = _tcp(ends)
    try:
        server.setsockopt(socket.IPPROTO_TCP, 31, b"tls")
    except OSError:
        pytest.skip("this kernel has no kTLS: modprobe tls")
    client.sendall(b"records")
    refusal = _many(looker, server).refusal
    assert refusal is not None
    assert "tls" in refusal


def test_another_user_is_told_that_he_may_not(root: None, ends: contextlib.ExitStack) -> None:
    a, b = _pair(ends)
    a.sendall(b"of root")
    code = f"""
from tests.live.peeks import Looker
contents = Looker().peek_at({inode(b.fileno())})
print(len(contents.pieces), contents.refusal)
"""
    done = subprocess.run(
        [*NOBODY, sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    if "Permission denied" in done.stderr or "No module named" in done.stderr:
        pytest.skip("another user cannot run this Python here")
    assert done.returncode == 0, done.stderr
    pieces, refusal = done.stdout.split(None, 1)
    assert pieces == "0"
    assert "nobody visible" in refusal
    assert b.recv(100) == b"of root"
