"""UDP sockets: who receives from whom is known only where it is certain."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.live.subjects import channel_at, ends, inode, look

ME = os.getpid()


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """Closes after the test whatever is entered."""
    with ExitStack() as stack:
        yield stack


def bound(closing: ExitStack, host: str, port: int = 0, only_six: bool = False) -> socket.socket:
    """A UDP socket that receives."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    receiver = closing.enter_context(socket.socket(family, socket.SOCK_DGRAM))
    if family == socket.AF_INET6:
        receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_six)
    receiver.bind((host, port))
    return receiver


def connected(closing: ExitStack, host: str, port: int) -> socket.socket:
    """A UDP socket that sends to one address."""
    sender = closing.enter_context(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM))
    sender.connect((host, port))
    return sender


@pytest.mark.parametrize(("host", "to"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1")])
def test_a_connected_sender_is_named_at_its_receiver(closing: ExitStack, host: str, to: str) -> None:
    receiver = bound(closing, host)
    sender = connected(closing, to, receiver.getsockname()[1])
    sender.send(b"x" * 17)
    seen = look()
    channel = next(channel for channel in seen.channels if channel.key.number == inode(receiver.fileno()))
    assert ends(channel, "writer") == {(ME, sender.fileno())}
    assert ends(channel, "reader") == {(ME, receiver.fileno())}
    assert (channel.state, channel.queued_bytes) == ("holding", None)
    assert channel.queues[0].next_message_bytes == 17


def test_a_receiver_for_ipv6_alone_gets_nothing_from_ipv4(closing: ExitStack) -> None:
    receiver = bound(closing, "::", only_six=True)
    sender = connected(closing, "127.0.0.1", receiver.getsockname()[1])
    seen = look()
    assert ends(channel_at(seen, "udp", inode(receiver.fileno()))) == {(ME, receiver.fileno())}
    assert (ME, receiver.fileno()) not in ends(channel_at(seen, "udp", inode(sender.fileno())))


def test_two_sockets_connected_to_each_other_are_a_pair(closing: ExitStack) -> None:
    one, other = bound(closing, "127.0.0.1"), bound(closing, "127.0.0.1")
    one.connect(other.getsockname())
    other.connect(one.getsockname())
    channel = channel_at(look(), "udp", inode(one.fileno()))
    assert ends(channel, "both") == {(ME, one.fileno()), (ME, other.fileno())}
    assert {end.inode for end in channel.endpoints} == {inode(one.fileno()), inode(other.fileno())}


def test_a_socket_connected_to_itself_is_its_own_writer(closing: ExitStack) -> None:
    one = bound(closing, "127.0.0.1")
    one.connect(one.getsockname())
    one.send(b"x" * 9)
    channel = channel_at(look(), "udp", inode(one.fileno()))
    assert (ends(channel, "writer"), ends(channel, "reader")) == ({(ME, one.fileno())}, {(ME, one.fileno())})
    assert len(channel.queues) == 1


def test_receivers_that_share_a_port_are_not_guessed(closing: ExitStack) -> None:
    receivers = []
    port = 0
    for _ in range(2):
        receiver = closing.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        receiver.bind(("127.0.0.1", port))
        port = receiver.getsockname()[1]
        receivers.append(receiver)
    sender = connected(closing, "127.0.0.1", port)
    seen = look()
    for receiver in receivers:
        assert (ME, sender.fileno()) not in ends(channel_at(seen, "udp", inode(receiver.fileno())))


def test_a_receiver_connected_to_somebody_else_takes_nothing_from_this_one(closing: ExitStack) -> None:
    elsewhere = bound(closing, "127.0.0.1")
    receiver = bound(closing, "127.0.0.1")
    port = receiver.getsockname()[1]
    receiver.connect(elsewhere.getsockname())
    sender = connected(closing, "127.0.0.1", port)
    channel = channel_at(look(), "udp", inode(sender.fileno()))
    assert (ME, receiver.fileno()) not in ends(channel)
