"""Demo halves over one socket: what unix, TCP and UDP sockets have in common."""

from __future__ import annotations

import socket
from typing import Callable

from ipcinspect.mechanisms.demo_descriptors import in_whole, set_nonblocking, told_size
from ipcinspect.mechanisms.demo_part import BROKEN, Calls, Part

_FAMILIES = {socket.AF_UNIX: "AF_UNIX", socket.AF_INET: "AF_INET", socket.AF_INET6: "AF_INET6"}
_TYPES = {socket.SOCK_STREAM: "SOCK_STREAM", socket.SOCK_DGRAM: "SOCK_DGRAM", socket.SOCK_SEQPACKET: "SOCK_SEQPACKET"}
_BACKLOG = 1
_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def new_socket(calls: Calls, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
    """socket(2). Raises OSError."""
    shown = (_FAMILIES[family], _TYPES[kind])
    return calls("socket", shown, lambda: socket.socket(family, kind), lambda made: made.fileno())


def bind(calls: Calls, bound: socket.socket, address: str | tuple[str, int]) -> None:
    """bind(2). Raises OSError."""
    calls("bind", (bound.fileno(), shown_address(address)), lambda: bound.bind(address))


def listen(calls: Calls, bound: socket.socket) -> None:
    """listen(2). Raises OSError."""
    calls("listen", (bound.fileno(), _BACKLOG), lambda: bound.listen(_BACKLOG))


def connected(
    calls: Calls, family: socket.AddressFamily, kind: socket.SocketKind, address: str | tuple[str, int]
) -> socket.socket:
    """socket(2) and connect(2). Raises OSError."""
    client = new_socket(calls, family, kind)
    try:
        calls("connect", (client.fileno(), shown_address(address)), lambda: client.connect(address))
    except OSError:
        client.close()
        raise
    return client


def reached_at(shown: str) -> tuple[str, str]:
    """Host and port at which this machine reaches what listens at an address: one that stands for all is loopback."""
    host, _, port = shown.rpartition(":")
    host = host.strip("[]")
    return _REACHED_AT.get(host, host), port


def shown_address(address: object) -> str:
    """As people write it."""
    if isinstance(address, str):
        return f"@{address[1:]}" if address.startswith("\0") else address
    if isinstance(address, tuple):
        host, port = address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return ""


class SocketEnd:
    """Sends and receives whole payloads."""

    def __init__(self, part: Part) -> None:
        self._calls, self._blocking = part.calls, part.terms.blocking
        self._end: socket.socket | None = None
        self._send: Callable[[bytes | memoryview], int]
        self._receive: Callable[[int], bytes]

    def send(self, payload: bytes) -> None:
        """A stream gets all bytes, the others one message.

        Where there is no room it sleeps, or raises BlockingIOError: a part may be on its way in a stream then.
        """
        sent = self._send(payload)
        while sent < len(payload):
            sent += self._send(memoryview(payload)[sent:])

    def receive(self, size: int) -> bytes:
        """That many bytes of a stream, or one message; fewer only where the other end is gone. Raises OSError."""
        if not self._is_stream:
            return self._receive(max(size, 1))
        return in_whole(self._calls, self._fd, self._receive, size)

    def fileno(self) -> int | None:
        """What poll(2) can ask about; None before `open`."""
        return None if self._end is None else self._end.fileno()

    def close(self) -> None:
        """Let go of the end."""
        if self._end is not None:
            self._close(self._end)

    def _take(self, end: socket.socket) -> None:
        self._end = end
        self._fd = fd = end.fileno()
        self._is_stream = end.type == socket.SOCK_STREAM
        comes_with = BROKEN if self._is_stream else {}
        self._send = self._calls.bound(
            "send", end.send, lambda rest: (fd, f"{len(rest)} bytes", "0"), comes_with=comes_with
        )
        self._receive = self._calls.bound("recv", end.recv, lambda size: (fd, size, "0"), told_size)
        if not self._blocking:
            set_nonblocking(self._calls, end.fileno())

    def _close(self, end: socket.socket) -> None:
        self._calls("close", (end.fileno(),), end.close)


class SocketSender(SocketEnd):
    """The half that connects, or has the end that was handed over."""

    def __init__(self, part: Part, take_end: Callable[[], socket.socket]) -> None:
        super().__init__(part)
        self._take_end = take_end

    def open(self) -> None:
        """Connect. Raises OSError."""
        self._take(self._take_end())


class Client(SocketSender):
    """One more client of somebody's server: what comes back is taken as it comes, whatever its size."""

    def receive(self, size: int) -> bytes:
        """What one recv(2) gives, at most `size` bytes. Raises OSError."""
        return self._receive(size)


class SocketReceiver(SocketEnd):
    """The half that is connected to: at a listening socket by the first welcome client.

    The listener stays open beside the accepted end: that it listens there is what tells a server from a client.
    """

    def __init__(self, part: Part, is_welcome: Callable[[object], bool] = lambda peer: True) -> None:
        super().__init__(part)
        self._given = socket.socket(fileno=part.fds[0])
        self._is_welcome = is_welcome

    def open(self) -> None:
        """Accept where the socket listens; waits for the client. Raises OSError."""
        if not self._given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            self._take(self._given)
            return
        while self._end is None:
            end, peer = self._accept()
            if self._is_welcome(peer):
                self._take(end)
            else:
                self._close(end)

    def close(self) -> None:
        """Let go of the end and of the listener."""
        super().close()
        if self._end is not self._given:
            self._close(self._given)

    def _accept(self) -> tuple[socket.socket, object]:
        given = self._given
        return self._calls("accept4", (given.fileno(),), given.accept, lambda accepted: accepted[0].fileno())
