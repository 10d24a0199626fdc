"""A real TCP connection on this machine, one end in each of two processes."""

from __future__ import annotations

import socket

from ipcinspect.kernel.errors import Unsupported
from ipcinspect.mechanisms import demo_attach, demo_sockets
from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.demo_part import Making, Part
from ipcinspect.mechanisms.demo_sockets import Client, SocketReceiver, SocketSender
from ipcinspect.mechanisms.room import Attach, Demo, Handover

_LISTENS_AT = {"ipv4": "127.0.0.1", "ipv6": "::1", "mapped": "::"}
_CONNECTS_TO = {"ipv4": "127.0.0.1", "ipv6": "::1", "mapped": "127.0.0.1"}
_LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


def _make(making: Making) -> Handover:
    """A listener at a port that the kernel chooses; `mapped`: one for both families, reached over IPv4."""
    host = _LISTENS_AT[making.variant]
    with demo_sockets.new_socket(making.calls, _family(host), socket.SOCK_STREAM) as listener:
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, making.variant != "mapped")
        demo_sockets.bind(making.calls, listener, (host, 0))
        if making.terms.measured:
            _send_at_once(listener)  # what it accepts has that from it
        demo_sockets.listen(making.calls, listener)
        port = str(listener.getsockname()[1])
        return Handover((_CONNECTS_TO[making.variant], port), (), (), (listener.detach(),))


def _connect(part: Part) -> socket.socket:
    host, port = part.args
    client = demo_sockets.connected(part.calls, _family(host), socket.SOCK_STREAM, (host, int(port)))
    if part.terms.measured:
        _send_at_once(client)
    return client


def _send_at_once(end: socket.socket) -> None:
    """As programs do that send messages: else what follows a message waits up to 40 ms for its acknowledgement."""
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _is_of_this_machine(peer: object) -> bool:
    """`mapped` listens on every interface for as long as the demo lives: nobody from outside is let in."""
    return isinstance(peer, tuple) and peer[0] in _LOOPBACK


def _access(attaching: Attaching) -> Access:
    """At the address that it listens on. Raises Unsupported."""
    channel = attaching.channel
    if channel.name is None or not any(end.role == "listener" for end in channel.endpoints):
        raise Unsupported("no address leads to it: only a socket that listens has one, both ends of this are taken")
    return demo_attach.as_client(demo_sockets.reached_at(channel.name), attaching)


DEMO = Demo(
    variants=tuple(_LISTENS_AT),
    create=_make,
    sender=lambda part: SocketSender(part, lambda: _connect(part)),
    receiver=lambda part: SocketReceiver(part, _is_of_this_machine),
    carries_payload=True,
    notifications=("read", "poll", "epoll", "signal"),
    responses=("same", "second"),
    nonblocking=True,
    attach=Attach(("sender",), _access, sender=lambda part: Client(part, lambda: _connect(part))),
)
