"""Unix sockets that are not of the usual kind."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ipcinspect.kernel import unix_diag
from tests.live.conftest import Start
from tests.live.subjects import asleep_in, channel_at, ends, field, inode, look, until, written_until_full

ME = os.getpid()


def listening(directory: Path, backlog: int = 8) -> tuple[socket.socket, str]:
    """A listener of ours with a path."""
    path = str(directory / "socket")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(backlog)
    return listener, path


def test_a_client_that_nobody_accepted_is_named_on_its_listener(start: Start, directory: Path) -> None:
    listener, path = listening(directory)
    with listener:
        subject = start("s = socket.socket(socket.AF_UNIX); s.connect(ARGS[0]); say(s.fileno(), ino(s)); stay()", path)
        fd, number = subject.said
        channel = channel_at(look(), "unix", number)
        assert channel.state == "waiting-accept"
        assert ends(channel, "client") == {(subject.pid, fd)}
        assert ends(channel, "listener") == {(ME, listener.fileno())}
        assert f"socket:[{number}]" in channel.aliases
        accepted, _ = listener.accept()
        with accepted:
            seen = look()
            pair = channel_at(seen, "unix", number)
            assert (ends(pair, "client"), ends(pair, "server")) == ({(subject.pid, fd)}, {(ME, accepted.fileno())})
            assert channel_at(seen, "unix", inode(listener.fileno())).state == "listening"


def test_a_thousand_clients_that_nobody_accepted_are_all_named(root: None, start: Start, directory: Path) -> None:
    subject = start(
        """
import resource
checked(LIBC.unshare(0x40000000))
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
listener = socket.socket(socket.AF_UNIX); listener.bind(ARGS[0]); listener.listen(2000)
clients = []
for _ in range(1000):
    client = socket.socket(socket.AF_UNIX); client.connect(ARGS[0]); clients.append(client)
say(ino(listener))
stay()
""",
        str(directory / "socket"),
    )
    channel = channel_at(look(), "unix", subject.said[0])
    assert (len(ends(channel, "client")), channel.queued_messages) == (1000, 1000)


def test_more_clients_than_one_message_can_name_do_not_cut_the_table(root: None, start: Start, directory: Path) -> None:
    """Beyond about 8000 waiting clients the kernel cannot put a listener's list into one message, and ends the dump."""
    subject = start(
        """
import resource
checked(LIBC.unshare(0x40000000))
resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
open("/proc/sys/net/core/somaxconn", "w").write("20000")
listener = socket.socket(socket.AF_UNIX); listener.bind(ARGS[0]); listener.listen(20000)
others = [socket.socketpair() for _ in range(50)]
clients = []
for _ in range(8500):
    client = socket.socket(socket.AF_UNIX); client.connect(ARGS[0]); clients.append(client)
say(ino(listener), [ino(one) for pair in others for one in pair])
stay()
""",
        str(directory / "socket"),
    )
    listener, others = subject.said
    seen = look()
    assert all(channel_at(seen, "unix", number).state == "idle" for number in others)
    channel = channel_at(seen, "unix", listener)
    assert (channel.state, channel.queued_messages) == ("waiting-accept", 8500)
    assert any("clients" in gap.what for gap in seen.gaps) or len(ends(channel, "client")) == 8500


def test_a_stream_after_writes_of_one_byte_is_full() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        written = written_until_full(lambda: ours.send(b"x"))
        channel = channel_at(look(), "unix", inode(ours.fileno()))
        assert (channel.state, channel.queued_bytes) == ("full", written)
        theirs.recv(written - 1)
        assert channel_at(look(), "unix", inode(ours.fileno())).state == "holding"


def test_a_full_datagram_receiver_is_full(start: Start, directory: Path) -> None:
    path = str(directory / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        subject = start(
            """
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(ARGS[0]); say(s.fileno())
while True: s.send(b"x")
""",
            path,
        )
        until(lambda: asleep_in(subject.pid, "unix", "sock"), "the sender to block")
        channel = channel_at(look(), "unix", inode(receiver.fileno()))
        assert channel.state == "full"
        assert ends(channel, "writer") == {(subject.pid, subject.said[0])}
        assert ends(channel, "reader") == {(ME, receiver.fileno())}
        assert channel.queues[0].next_message_bytes == 1
        assert channel.queued_bytes is None, "one message's size is not the size of the queue"


def test_a_sender_whose_receiver_is_gone_is_no_reader(directory: Path) -> None:
    path = str(directory / "log")
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(path)
        receiver.close()
        channel = channel_at(look(), "unix", inode(sender.fileno()))
        assert channel.state == "no-reader"
        assert ends(channel, "writer") == {(ME, sender.fileno())}
        assert (ME, sender.fileno()) not in ends(channel, "reader")


def test_a_datagram_socket_connected_to_itself_is_one_direction(directory: Path) -> None:
    path = str(directory / "self")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as both:
        both.bind(path)
        both.connect(path)
        both.send(b"x" * 100)
        channel = channel_at(look(), "unix", inode(both.fileno()))
        assert [queue.next_message_bytes for queue in channel.queues] == [100]
        assert ends(channel) == {(ME, both.fileno())}
        assert len(channel.endpoints) == 1


def test_a_sender_to_one_end_of_a_pair_is_still_listed(directory: Path) -> None:
    """A receives from B; then A and X connect to each other. B can send no more, but it has not gone."""
    a, b, x = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(3))
    with a, b, x:
        a.bind(str(directory / "a"))
        x.bind(str(directory / "x"))
        b.connect(str(directory / "a"))
        x.connect(str(directory / "a"))
        a.connect(str(directory / "x"))
        seen = look()
        assert (ME, b.fileno()) in {place for channel in seen.channels for place in ends(channel)}


def test_a_socketpair_held_by_three_processes_shows_all_their_ends(start: Start) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        fds = [ours.fileno(), theirs.fileno()]
        subjects = [start("say(); stay()", pass_fds=fds) for _ in range(2)]
        channel = channel_at(look(), "unix", inode(fds[0]))
    assert ends(channel) == {(pid, fd) for pid in (ME, *(subject.pid for subject in subjects)) for fd in fds}
    assert len({end.inode for end in channel.endpoints}) == len({end.side for end in channel.endpoints}) == 2
    assert field(channel, "type") == "seqpacket"


def test_a_stream_that_one_side_shut_is_half_closed() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.shutdown(socket.SHUT_WR)
        channel = channel_at(look(), "unix", inode(ours.fileno()))
        shut = {channel.endpoints[0].inode: "shut_a", channel.endpoints[1].inode: "shut_b"}
        assert channel.state == "half-closed"
        assert field(channel, shut[inode(ours.fileno())]) == "send"
        number = inode(theirs.fileno())
        ours.close()
        left = channel_at(look(), "unix", number)
        assert (left.state, ends(left)) == ("half-closed", {(ME, theirs.fileno())})


def test_both_ends_show_across_network_namespaces(root: None, start: Start, directory: Path) -> None:
    listener, path = listening(directory)
    with listener:
        subject = start(
            "s = socket.socket(socket.AF_UNIX); s.connect(ARGS[0]); s.send(b'hello'); say(s.fileno(), ino(s)); stay()",
            path,
            command=["unshare", "-n"],
        )
        fd, number = subject.said
        accepted, _ = listener.accept()
        with accepted:
            channel = channel_at(look(), "unix", number)
            assert ends(channel, "client") == {(subject.pid, fd)}
            assert ends(channel, "server") == {(ME, accepted.fileno())}
            assert (channel.state, channel.queued_bytes) == ("holding", 5)


def test_a_client_of_another_namespace_that_nobody_accepted_is_named(root: None, start: Start, directory: Path) -> None:
    listener, path = listening(directory)
    with listener:
        subject = start(
            "s = socket.socket(socket.AF_UNIX); s.connect(ARGS[0]); say(s.fileno()); stay()",
            path,
            command=["unshare", "-n"],
        )
        channel = channel_at(look(), "unix", inode(listener.fileno()))
        assert ends(channel, "client") == {(subject.pid, subject.said[0])}


def test_names_that_are_no_text_are_kept_exactly() -> None:
    name = b"\0ipci-\n\x1b[31m\xff(x)]" + os.urandom(6).hex().encode()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen(1)
        channel = channel_at(look(), "unix", inode(listener.fileno()))
        assert os.fsencode(channel.name or "") == b"@" + name[1:]


def test_the_usual_message_and_the_general_one_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a short way for the commonest message; both ways must tell the same."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.send(b"hello")
        short = {row.ino: row for row in _rows()}
        monkeypatch.setattr(unix_diag, "_parse_usual", lambda payload, netns: None)
        long = {row.ino: row for row in _rows()}
        mine = [inode(ours.fileno()), inode(theirs.fileno())]
    assert [short[number] for number in mine] == [long[number] for number in mine]
    assert short[mine[1]].rqueue == 5


def _rows() -> list[unix_diag.UnixSocket]:
    from ipcinspect.kernel.netlink import open_diag_socket

    with open_diag_socket() as diag:
        return unix_diag.read_unix_sockets(diag, None)
