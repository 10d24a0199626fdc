"""A real pair of unix sockets, one end in each of two processes."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Sequence

from ipcinspect.mechanisms.demo_descriptors import nothing_to_remove
from ipcinspect.mechanisms.demo_sockets import SocketReceiver, SocketSender
from ipcinspect.mechanisms.room import Demo, Handover

_TYPES = {
    "stream": socket.SOCK_STREAM,
    "dgram": socket.SOCK_DGRAM,
    "seqpacket": socket.SOCK_SEQPACKET,
    "abstract": socket.SOCK_STREAM,
}


def _make(directory: str, variant: str) -> Handover:
    """A named socket to connect to, or a pair without a name."""
    if variant == "socketpair":
        ours, theirs = socket.socketpair()
        return Handover((), (ours.detach(),), (), (theirs.detach(),), nothing_to_remove)
    named = variant != "abstract"
    name = os.path.join(directory, "socket") if named else f"\0ipcinspect-demo-{os.urandom(8).hex()}"
    with socket.socket(socket.AF_UNIX, _TYPES[variant]) as server:
        server.bind(name)
        if server.type != socket.SOCK_DGRAM:
            server.listen(1)
        fds = (server.detach(),)

    def remove() -> None:
        if named:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)

    return Handover((variant, name), (), (), fds, remove)


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
    sender=lambda args, fds: SocketSender(lambda: _take_sending_end(args, fds)),
    receiver=lambda args, fds: SocketReceiver(fds[0]),
    carries_payload=True,
)
