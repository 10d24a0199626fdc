"""TCP sockets that are not of the usual kind."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.live.conftest import Start
from tests.live.subjects import asleep_in, channel_at, ends, field, inode, look, until

ME = os.getpid()
Connect = Callable[..., tuple[socket.socket, socket.socket, socket.socket]]


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """Closes after the test whatever is entered."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def connect(closing: ExitStack) -> Connect:
    """(listener, client, accepted) on a free port."""

    def connecting(bind: str = "127.0.0.1", to: str = "127.0.0.1"):
        six, to_six = (socket.AF_INET6 if ":" in address else socket.AF_INET for address in (bind, to))
        listener = closing.enter_context(socket.create_server((bind, 0), family=six, dualstack_ipv6=bind == "::"))
        client = closing.enter_context(socket.socket(to_six))
        client.connect((to, listener.getsockname()[1]))
        accepted = closing.enter_context(listener.accept()[0])
        return listener, client, accepted

    return connecting


@pytest.mark.parametrize(("bind", "to"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1")])
def test_both_ends_on_this_machine_are_one_channel(connect: Connect, bind: str, to: str) -> None:
    """Also where the one end says 127.0.0.1 and the other ::ffff:127.0.0.1."""
    listener, client, accepted = connect(bind, to)
    seen = look()
    channel = channel_at(seen, "tcp", inode(client.fileno()))
    assert channel is channel_at(seen, "tcp", inode(accepted.fileno()))
    assert (ends(channel, "client"), ends(channel, "server")) == (
        {(ME, client.fileno())},
        {(ME, accepted.fileno())},
    )
    assert channel.state == "idle"
    assert ends(channel_at(seen, "tcp", inode(listener.fileno()))) == {(ME, listener.fileno())}


def test_a_client_that_nobody_accepted_is_named_on_its_listener(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        subject = start(
            "s = socket.create_connection(('127.0.0.1', ARGS[0])); say(s.fileno(), ino(s)); stay()",
            listener.getsockname()[1],
        )
        fd, number = subject.said
        channel = channel_at(look(), "tcp", number)
        assert channel.state == "waiting-accept"
        assert ends(channel, "client") == {(subject.pid, fd)}
        assert ends(channel, "listener") == {(ME, listener.fileno())}
        assert (field(channel, "pending"), channel.queued_messages) == (1, 1)


def test_megabytes_unread_count_both_queues_and_are_full(start: Start) -> None:
    """The writer sleeps in send(2); acknowledgements may have freed memory since, but not enough to wake it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        subject = start(
            """
s = socket.create_connection(("127.0.0.1", ARGS[0])); say(ino(s))
while True: s.send(b"x" * 65536)
""",
            listener.getsockname()[1],
        )
        with listener.accept()[0] as accepted:
            until(lambda: asleep_in(subject.pid, "wait_woken", "sk_stream"), "the writer to block")
            channel = channel_at(look(), "tcp", subject.said[0])
            to_server = next(queue for queue in channel.queues if queue.to == "b")
            sent, arrived = field(channel, "send_queue_a"), field(channel, "receive_queue_b")
            assert (to_server.bytes, to_server.bytes) == (sent + arrived, channel.queued_bytes)
            assert min(sent, arrived) > 0
            assert sent + arrived > 1 << 20
            assert channel.state == "full"
            assert ends(channel, "server") == {(ME, accepted.fileno())}


def _when(channel, queued: int):
    return channel if channel.queued_bytes == queued else None


def test_a_socket_connected_to_itself_is_one_direction_of_one_end() -> None:
    with socket.socket() as both:
        both.bind(("127.0.0.1", 0))
        both.connect(both.getsockname())
        both.send(b"x" * 1000)
        channel = until(lambda: _when(channel_at(look(), "tcp", inode(both.fileno())), 1000), "1000 bytes to arrive", 5)
        assert [end.role for end in channel.endpoints] == ["both"]
        assert ends(channel) == {(ME, both.fileno())}


def test_listeners_that_share_a_port_are_a_channel_each(start: Start, closing: ExitStack) -> None:
    listeners = []
    port = 0
    for _ in range(2):
        listener = closing.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        port = listener.getsockname()[1]
        listeners.append(listener)
    client = closing.enter_context(socket.create_connection(("127.0.0.1", port)))
    seen = look()
    channels = [channel_at(seen, "tcp", inode(listener.fileno())) for listener in listeners]
    assert [ends(channel, "listener") for channel in channels] == [{(ME, listener.fileno())} for listener in listeners]
    assert sorted(channel.state for channel in channels) == ["listening", "waiting-accept"]
    waiting = channel_at(seen, "tcp", inode(client.fileno()))
    assert waiting.state == "waiting-accept"
    assert ends(waiting, "client") == {(ME, client.fileno())}, "whose client it is, the kernel does not tell"


def test_an_end_shut_for_writing_is_half_closed_and_queues_nothing(connect: Connect) -> None:
    _, client, accepted = connect()
    client.shutdown(socket.SHUT_WR)
    channel = until(lambda: _in_state(channel_at(look(), "tcp", inode(client.fileno())), "CLOSE_WAIT"), "CLOSE_WAIT")
    assert channel.state == "half-closed"
    assert (field(channel, "state_a"), field(channel, "state_b")) == ("FIN_WAIT2", "CLOSE_WAIT")
    assert channel.queued_bytes == 0, "a FIN is no data"
    accepted.send(b"still")
    until(lambda: channel_at(look(), "tcp", inode(client.fileno())).queued_bytes == 5, "five bytes the other way")


def test_an_end_left_in_close_wait_is_half_closed_with_what_is_unread(connect: Connect) -> None:
    _, client, accepted = connect()
    client.send(b"last words")
    client.close()
    channel = until(lambda: _in_state(channel_at(look(), "tcp", inode(accepted.fileno())), "CLOSE_WAIT"), "CLOSE_WAIT")
    assert (channel.state, channel.queued_bytes) == ("half-closed", 10)
    assert ends(channel, "server") == {(ME, accepted.fileno())}
    assert ends(channel, "client") == {(None, None)}


def _in_state(channel, state: str):
    return channel if field(channel, "state_b") == state else None


def test_a_connection_that_is_being_made_queues_nothing(closing: ExitStack) -> None:
    """The kernel drops what knocks at a full backlog; such a client waits in SYN_SENT, its SYN counted as a byte."""
    listener = closing.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    clients = [closing.enter_context(socket.socket()) for _ in range(4)]
    for client in clients:
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
    seen = look()
    opening = [channel for channel in seen.channels if channel.state == "opening" and ends(channel) & _places(clients)]
    assert opening
    assert {channel.queued_bytes for channel in opening} == {0}
    assert {end.role for channel in opening for end in channel.endpoints if end.process} == {"client"}


def _places(sockets: list[socket.socket]) -> set[tuple[int | None, int | None]]:
    return {(ME, one.fileno()) for one in sockets}


def test_a_socket_that_is_not_connected_is_no_connection(closing: ExitStack) -> None:
    fresh = closing.enter_context(socket.socket())
    bound = closing.enter_context(socket.socket())
    bound.bind(("127.0.0.1", 0))
    seen = look()
    for one in (fresh, bound):
        channel = channel_at(seen, "tcp", inode(one.fileno()))
        assert ends(channel) >= {(ME, one.fileno())}
        assert {place for place in ends(channel) if place[0]} == {(ME, one.fileno())}
        assert channel.state in ("idle", "unknown")


def test_equal_addresses_in_two_network_namespaces_are_two_pairs(root: None, start: Start, connect: Connect) -> None:
    code = """
import subprocess
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
l = socket.create_server(("127.0.0.1", ARGS[0]))
c = socket.socket(); c.bind(("127.0.0.1", ARGS[1])); c.connect(("127.0.0.1", ARGS[0])); a, _ = l.accept()
say(ino(c), ino(a), c.fileno(), a.fileno()); stay()
"""
    listener, client, accepted = connect()
    ports = listener.getsockname()[1], client.getsockname()[1]
    subject = start(code, *ports, command=["unshare", "-n"])
    client_inode, accepted_inode, client_fd, accepted_fd = subject.said
    seen = look()
    theirs = channel_at(seen, "tcp", client_inode)
    assert theirs is channel_at(seen, "tcp", accepted_inode)
    assert ends(theirs) == {(subject.pid, client_fd), (subject.pid, accepted_fd)}
    ours = channel_at(seen, "tcp", inode(client.fileno()))
    assert ends(ours) == {(ME, client.fileno()), (ME, accepted.fileno())}


def test_a_client_of_another_machine_that_nobody_accepted_is_named_by_its_address(root: None, start: Start) -> None:
    """The other machine is a network namespace behind a pair of virtual cables: no row of ours has its end."""
    subject = start(
        """
import subprocess
def run(*words): subprocess.run(words, check=True)
r, w = os.pipe(); ready_r, ready_w = os.pipe()
remote = os.fork()
if not remote:
    checked(LIBC.unshare(0x40000000)); os.write(ready_w, b"x"); os.read(r, 1)
    run("ip", "addr", "add", "10.99.0.2/24", "dev", "far"); run("ip", "link", "set", "far", "up")
    client = socket.create_connection(("10.99.0.1", 7)); os.write(ready_w, client.getsockname()[1].to_bytes(2, "big"))
    signal.pause()
try:
    os.read(ready_r, 1)
    try: run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(remote))
    except subprocess.CalledProcessError: say(0, 0); sys.exit()
    run("ip", "addr", "add", "10.99.0.1/24", "dev", "near"); run("ip", "link", "set", "near", "up")
    listener = socket.create_server(("10.99.0.1", 7))
    os.write(w, b"x")
    say(ino(listener), int.from_bytes(os.read(ready_r, 2), "big"))
    stay()
finally:
    os.kill(remote, signal.SIGKILL)
""",
        command=["unshare", "-n"],
    )
    listener, port = subject.said
    if not listener:
        pytest.skip("this kernel has no veth: modprobe veth")
    channel = channel_at(look(), "tcp", listener)
    assert (channel.state, field(channel, "pending")) == ("waiting-accept", 1)
    assert [(end.process, end.address) for end in channel.endpoints if end.role == "client"] == [
        (None, f"10.99.0.2:{port}")
    ]
