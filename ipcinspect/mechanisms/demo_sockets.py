"""Demo halves over one socket: what unix, TCP and UDP sockets have in common."""

from __future__ import annotations

import socket
from typing import Callable


class SocketSender:
    """Sends whole payloads."""

    def __init__(self, take_end: Callable[[], socket.socket]) -> None:
        self._take_end = take_end
        self._end: socket.socket | None = None

    def open(self) -> None:
        """Connect, or take the end that was handed over. Raises OSError."""
        self._end = self._take_end()

    def send(self, payload: bytes) -> None:
        """A stream gets all bytes, the others one message. Raises OSError."""
        assert self._end is not None, "send before open"
        self._end.sendall(payload)

    def fileno(self) -> int | None:
        """What poll(2) can ask about; None before `open`."""
        return None if self._end is None else self._end.fileno()

    def close(self) -> None:
        """Let go of the end."""
        if self._end is not None:
            self._end.close()


class SocketReceiver:
    """Receives whole payloads, at a listening socket from the first welcome client.

    The listener stays open beside the accepted end: that it listens there is what tells a server from a client.
    """

    def __init__(self, fd: int, is_welcome: Callable[[object], bool] = lambda peer: True) -> None:
        self._given = socket.socket(fileno=fd)
        self._is_welcome = is_welcome
        self._end = self._given

    def open(self) -> None:
        """Accept where the socket listens; waits for the client. Raises OSError."""
        if not self._given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return
        while self._end is self._given:
            end, peer = self._given.accept()
            if self._is_welcome(peer):
                self._end = end
            else:
                end.close()

    def receive(self, size: int) -> bytes:
        """That many bytes of a stream, or one message; fewer only where the other end is gone. Raises OSError."""
        if self._end.type != socket.SOCK_STREAM:
            return self._end.recv(max(size, 1))
        parts: list[bytes] = []
        while size > 0 and (part := self._end.recv(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def fileno(self) -> int:
        """What poll(2) can ask about."""
        return self._end.fileno()

    def close(self) -> None:
        """Let go of the end and of the listener."""
        self._end.close()
        self._given.close()
