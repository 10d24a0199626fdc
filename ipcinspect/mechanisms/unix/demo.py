"""A real pair of unix sockets, one end in each of two processes."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from ipcinspect.mechanisms.demo_part import Leaving, Making
from ipcinspect.mechanisms.demo_sockets import SocketReceiver, SocketSender
from ipcinspect.mechanisms.room import Demo, Handover

_TYPES = {
    "stream": socket.SOCK_STREAM,
    "dgram": socket.SOCK_DGRAM,
    "seqpacket": socket.SOCK_SEQPACKET,
    "abstract": socket.SOCK_STREAM,
}


def _make(making: Making) -> Handover:
    """A named socket to connect to, or a pair without a name."""
    if making.variant == "socketpair":
        ours, theirs = socket.socketpair()
        return Handover((), (ours.detach(),), (), (theirs.detach(),))
    named = making.variant != "abstract"
    name = os.path.join(making.directory, "socket") if named else f"\0ipcinspect-demo-{os.urandom(8).hex()}"
    with socket.socket(socket.AF_UNIX, _TYPES[making.variant]) as server:
        server.bind(name)
        if server.type != socket.SOCK_DGRAM:
            server.listen(1)
        fds = (server.detach(),)
    leaves = (Leaving("path", name),) if named else ()
    return Handover((making.variant, name), (), (), fds, leaves=leaves)


def _take_sending_end(args: Sequence[str], fds: Sequence[int]) -> socket.socket:
    if fds:
        return socket.socket(fileno=fds[0])
    variant, name = args
    client = socket.socket(socket.AF_UNIX, _TYPES[variant])
    client.connect(name)
    return client


DEMO = Demo(
    variants=(*_TYPES, "socketpair"),
    create=_make,
    sender=lambda part: SocketSender(lambda: _take_sending_end(part.args, part.fds)),
    receiver=lambda part: SocketReceiver(part.fds[0]),
    carries_payload=True,
)
