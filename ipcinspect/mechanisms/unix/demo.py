"""A real pair of unix sockets, one end in each of two processes."""

from __future__ import annotations

import os
import socket

from ipcinspect.kernel.errors import Unsupported
from ipcinspect.mechanisms import demo_attach, demo_sockets
from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.demo_part import Leaving, Making, Part
from ipcinspect.mechanisms.demo_sockets import Client, SocketReceiver, SocketSender
from ipcinspect.mechanisms.room import Attach, Demo, Handover
from ipcinspect.mechanisms.unix.fields import FIELDS

_TYPES = {
    "stream": socket.SOCK_STREAM,
    "dgram": socket.SOCK_DGRAM,
    "seqpacket": socket.SOCK_SEQPACKET,
    "abstract": socket.SOCK_STREAM,
}
_OVERHEAD = 32
"""Bytes of the send buffer that a message may not use; a longer one is EMSGSIZE (unix_dgram_sendmsg)."""


def _make(making: Making) -> Handover:
    """A named socket to connect to, or a pair without a name."""
    if making.variant == "socketpair":
        ours, theirs = making.calls("socketpair", ("AF_UNIX", "SOCK_STREAM"), socket.socketpair, _numbers)
        return Handover((), (ours.detach(),), (), (theirs.detach(),))
    named = making.variant != "abstract"
    name = os.path.join(making.directory, "socket") if named else f"\0ipcinspect-demo-{os.urandom(8).hex()}"
    with demo_sockets.new_socket(making.calls, socket.AF_UNIX, _TYPES[making.variant]) as server:
        if named:  # the mode of the socket becomes that of the file that bind(2) makes
            fd, mode = server.fileno(), making.mode
            making.calls("fchmod", (fd, f"{mode:04o}"), lambda: os.fchmod(fd, mode))
        demo_sockets.bind(making.calls, server, name)
        if server.type != socket.SOCK_DGRAM:
            demo_sockets.listen(making.calls, server)
        most = _most_bytes(making, server)
        fds = (server.detach(),)
    leaves = (Leaving("path", name),) if named else ()
    told_by = None if most is None else f"SO_SNDBUF less {_OVERHEAD}, net/unix/af_unix.c"
    return Handover((making.variant, name), (), (), fds, leaves=leaves, most_bytes=most, limit_told_by=told_by)


def _most_bytes(making: Making, made: socket.socket) -> int | None:
    """Of one message; the sender's socket will have the same send buffer. None for a stream. Raises OSError."""
    if made.type == socket.SOCK_STREAM:
        return None
    shown = (made.fileno(), "SOL_SOCKET", "SO_SNDBUF")
    return making.calls("getsockopt", shown, lambda: made.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)) - _OVERHEAD


def _numbers(pair: tuple[socket.socket, socket.socket]) -> list[int]:
    return [end.fileno() for end in pair]


def _take_sending_end(part: Part) -> socket.socket:
    if part.fds:
        return socket.socket(fileno=part.fds[0])
    variant, name = part.args
    return demo_sockets.connected(part.calls, socket.AF_UNIX, _TYPES[variant], name)


def _access(attaching: Attaching) -> Access:
    """By the name that its socket is bound to. Raises Unsupported."""
    channel = attaching.channel
    pairing, kind = (demo_attach.told(FIELDS, channel, name) for name in ("pairing", "type"))
    takes_from_anybody = channel.exposure is not None and channel.exposure.reach != "holders"
    if channel.name is None or pairing not in ("listener", "receiver") or not takes_from_anybody:
        raise Unsupported("no name leads to it: only a socket that listens, or takes datagrams from anybody, has one")
    args = str(kind), f"\0{channel.name[1:]}" if channel.name.startswith("@") else channel.name
    if kind != "dgram":
        return demo_attach.as_client(args, attaching)
    does = (
        "connect a socket of its own to it, one without a name: nobody can answer it",
        f"send {attaching.amount}, each a datagram, to whoever reads the socket",
    )
    return Access(args, (), does)


DEMO = Demo(
    variants=(*_TYPES, "socketpair"),
    create=_make,
    sender=lambda part: SocketSender(part, lambda: _take_sending_end(part)),
    receiver=SocketReceiver,
    carries_payload=True,
    notifications=("read", "poll", "epoll", "signal"),
    responses=("same", "second"),
    one_way=("dgram",),
    nonblocking=True,
    with_mode=("stream", "dgram", "seqpacket"),
    bounded=("dgram", "seqpacket"),
    attach=Attach(("sender",), _access, sender=lambda part: Client(part, lambda: _take_sending_end(part))),
)
