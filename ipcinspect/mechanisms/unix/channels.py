"""Rows of the unix socket table -> channels."""

from __future__ import annotations

import os
import socket
import stat
from functools import lru_cache
from typing import Optional

from ipcinspect.kernel.cached_path import CachedPaths
from ipcinspect.kernel.libc import FileFacts
from ipcinspect.kernel.unix_diag import (
    RCV_SHUTDOWN,
    SEND_SHUTDOWN,
    TCP_ESTABLISHED,
    TCP_LISTEN,
    UnixSocket,
)
from ipcinspect.mechanisms import sockets
from ipcinspect.mechanisms.in_flight import has_sent_early
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.mechanisms.unix.fields import NAME
from ipcinspect.model.channel import Channel, Endpoint, Exposure, FieldValue, Queue, reach_of_mode
from ipcinspect.model.channel_key import ChannelKey

_TYPES: dict[int, str] = {socket.SOCK_STREAM: "stream", socket.SOCK_DGRAM: "dgram", socket.SOCK_SEQPACKET: "seqpacket"}
_SHUT = {RCV_SHUTDOWN: "receive", SEND_SHUTDOWN: "send", RCV_SHUTDOWN | SEND_SHUTDOWN: "both"}
_FULLY_SHUT = RCV_SHUTDOWN | SEND_SHUTDOWN
_ASKED_WRITERS = 3
_WRITE = 0o222
"""The permission that connect(2) and sendto(2) ask for (unix(7))."""
_TOO_MANY_TO_NAME = 4096
"""Safely below what fits into one message; a listener with fewer has just been emptied if it names none."""


def shown_name(row: UnixSocket) -> str | None:
    """The bound name: a path as it was given to bind(2), or `@abstract`; None for a socket without a name."""
    return name_in_words(row.name) if row.name else None


def name_in_words(name: bytes) -> str:
    """A bound name as the kernel has it -> the path, or `@abstract`."""
    if name[:1] == b"\0":
        return "@" + os.fsdecode(name[1:])
    return os.fsdecode(name.split(b"\0", 1)[0])


class UnixTable:
    """All unix sockets of one scan, and the channels that they form."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._rows = scan.sockets.unix
        self._paths = CachedPaths()
        listening = [row for row in self._rows.values() if row.state == TCP_LISTEN]
        self._listened_names = {row.name for row in listening}
        self._waiting = {row.ino: [client for client in row.icons if self._waits(client)] for row in listening}
        self._waiting_clients = {client for clients in self._waiting.values() for client in clients}
        self._senders: dict[int, list[UnixSocket]] = {}
        for row in self._rows.values():
            if row.type == socket.SOCK_DGRAM and row.peer and not self._is_mutual(row):
                self._senders.setdefault(row.peer, []).append(row)

    def channels(self) -> list[Channel]:
        """One channel for each pair, listener, receiver and single socket."""
        found = [self._channel(row) for row in self._rows.values()]
        return [channel for channel in found if channel is not None]

    def unnamed_clients(self) -> int:
        """Clients waiting at listeners that have more of them than the kernel can name in one message."""
        listening = [row for row in self._rows.values() if row.state == TCP_LISTEN and not row.icons]
        return sum(row.rqueue for row in listening if row.rqueue and row.rqueue >= _TOO_MANY_TO_NAME)

    def _channel(self, row: UnixSocket) -> Channel | None:
        """The channel that this row stands for; None where another row of the same channel does."""
        if row.state == TCP_LISTEN:
            return self._listener(row)
        if row.peer and self._is_mutual(row):
            other = self._rows[row.peer]
            return self._pair(row, other) if row.ino <= other.ino and self._is_wanted(row, other) else None
        if row.type == socket.SOCK_DGRAM:
            return self._datagram(row)
        if row.ino in self._waiting_clients:
            return None
        return self._lone_stream(row)

    def _is_wanted(self, row: UnixSocket, other: UnixSocket) -> bool:
        """Also where nobody sleeps in it, what carries descriptors: they may be ends of what somebody sleeps in."""
        if self._scan.is_wanted(row.ino, other.ino):
            return True
        counts = self._scan.in_flight.counts
        return row.ino in counts or other.ino in counts

    def _waits(self, client: int) -> bool:
        """Whether a listener's client was not accepted while the table was read."""
        row = self._rows.get(client)
        return client != 0 and (row is None or not row.peer)

    def _is_mutual(self, row: UnixSocket) -> bool:
        other = self._rows.get(row.peer or 0)
        return other is not None and other.peer == row.ino

    def _pair(self, one: UnixSocket, other: UnixSocket) -> Channel:
        if one is other:
            return self._connected_to_itself(one)
        a, b, roles = self._sides(one, other)
        queues = _queues(a, b)
        full = _would_block(a) or _would_block(b)
        state = sockets.stream_state(queues, full, bool(a.shutdown or b.shutdown))
        endpoints = self._ends("a", roles[0], a) + self._ends("b", roles[1], b)
        pairing = "socketpair" if a.name is None and b.name is None else "connection"
        return self._made(a, b, pairing, state, queues, endpoints, shown_name(b) or shown_name(a))

    def _connected_to_itself(self, row: UnixSocket) -> Channel:
        _, queue = _queues(row, row)
        state = sockets.stream_state((queue,), _would_block(row), bool(row.shutdown))
        return self._made(row, None, "single", state, (queue,), self._ends("a", "both", row), shown_name(row))

    def _sides(self, one: UnixSocket, other: UnixSocket) -> tuple[UnixSocket, UnixSocket, tuple[str, str]]:
        """(a, b, roles): an accepted socket carries its listener's name, the one that connected usually none."""
        one_serves, other_serves = one.name is not None, other.name is not None
        if one_serves and other_serves:
            one_serves, other_serves = one.name in self._listened_names, other.name in self._listened_names
        if one_serves == other_serves:
            return one, other, ("both", "both")
        if one.type == socket.SOCK_DGRAM:
            return (other, one, ("both", "both")) if one_serves else (one, other, ("both", "both"))
        return (other, one, ("client", "server")) if one_serves else (one, other, ("client", "server"))

    def _listener(self, row: UnixSocket) -> Channel:
        clients = self._waiting[row.ino]
        endpoints = [end for client in clients for end in sockets.ends(self._scan, "a", "client", client, None)]
        endpoints += self._ends("b", "listener", row)
        queue = Queue("b", None, row.rqueue, fill=sockets.share(row.rqueue, row.wqueue))
        state = "waiting-accept" if row.rqueue else "listening"
        made = self._made(None, row, "listener", state, (queue,), endpoints, shown_name(row))
        return made._replace(aliases=tuple(f"socket:[{client}]" for client in clients))

    def _lone_stream(self, row: UnixSocket) -> Channel:
        """A socket without a visible peer: fresh, left by its peer, waiting at a listener we cannot see, or unknown."""
        endpoints = self._ends("a", "both", row)
        if row.peer:
            endpoints += sockets.ends(self._scan, "b", "both", row.peer, None)
        if row.shutdown is None or row.peer:
            state = "unknown"
        elif row.state != TCP_ESTABLISHED:
            state = "idle"
        else:
            state = "half-closed" if row.shutdown == _FULLY_SHUT else "waiting-accept"
        queue = Queue("a", row.rqueue)
        made = self._made(row, None, "single", state, (queue,), endpoints, shown_name(row))
        return made._replace(aliases=(f"socket:[{row.peer}]",)) if row.peer else made

    def _datagram(self, row: UnixSocket) -> Channel | None:
        """The receiving socket with its known senders; None for a mere sender, which shows at its receiver."""
        senders = self._senders.get(row.ino, [])
        if row.peer == 0 and row.name is None:
            return self._left_sender(row)
        if row.peer in self._rows and row.name is None and not senders and not self._is_mutual(self._rows[row.peer]):
            return None
        endpoints = [end for sender in senders for end in self._ends("a", "writer", sender)]
        readers = self._ends("b", "reader", row)
        queue = Queue("b", None if row.rqueue != 0 else 0, next_message_bytes=row.rqueue or None)
        state = self._receiver_state(row, senders)
        made = self._made(None, row, "receiver", state, (queue,), endpoints + readers, shown_name(row))
        return made._replace(relation=sockets.relation_of_readers(readers))

    def _left_sender(self, row: UnixSocket) -> Channel:
        """A connected socket without a name whose receiver was closed: nobody can send to it, and it to nobody."""
        endpoints = [*self._ends("a", "writer", row), Endpoint("b", "reader", None, None, None)]
        return self._made(row, None, "single", "no-reader", (Queue("b", None),), endpoints, None)

    def _receiver_state(self, row: UnixSocket, senders: list[UnixSocket]) -> str:
        if row.shutdown is None:
            return "unknown"
        if not row.rqueue:
            return "idle"
        return "full" if self._blocks_its_senders(senders) else "holding"

    def _blocks_its_senders(self, senders: list[UnixSocket]) -> bool:
        """Whether a sender would block now: the queue's length in messages is told by nothing but POLLOUT."""
        holders = [
            (holder, sender.ino) for sender in senders for holder in self._scan.socket_holders.get(sender.ino, [])
        ]
        return any(self._scan.loans.datagram_writable(*holder) is False for holder in holders[:_ASKED_WRITERS])

    def _ends(self, side: str, role: str, row: UnixSocket) -> list[Endpoint]:
        return sockets.ends(self._scan, side, role, row.ino, shown_name(row))

    def _made(
        self,
        a: UnixSocket | None,
        b: UnixSocket | None,
        pairing: str,
        state: str,
        queues: tuple[Queue, ...],
        endpoints: list[Endpoint],
        name: str | None,
    ) -> Channel:
        key = a or b
        assert key is not None
        listens = pairing == "listener"
        fields: tuple[FieldValue, ...] = (
            _TYPES.get(key.type, str(key.type)),
            pairing,
            key.wqueue if listens else None,
            key.rqueue if listens else None,
            _SHUT.get(a.shutdown or 0) if a else None,
            _SHUT.get(b.shutdown or 0) if b else None,
            a.uid if a else None,
            b.uid if b else None,
            self._in_flight(a, b),
        )
        return Channel(
            ChannelKey("socket", 0, key.ino),
            f"socket:[{key.ino}]",
            (f"socket:[{b.ino}]",) if a and b else (),
            NAME,
            name,
            state,
            "data exchange",
            queues,
            None,
            sockets.namespace(key.netns),
            None,
            tuple(endpoints),
            fields,
            self._exposure(key, pairing),
        )

    def _in_flight(self, a: UnixSocket | None, b: UnixSocket | None) -> int | None:
        """Descriptors that wait in its sockets; None where one of them could not be asked, as those that somebody sends
        before he is accepted."""
        counts = self._scan.in_flight.counts
        rows = [row for row in (a, b) if row is not None]
        clients = [
            self._rows[client] for row in rows for client in self._waiting.get(row.ino, ()) if client in self._rows
        ]
        told = [None if row.shutdown is None else counts.get(row.ino, 0) for row in rows]
        if None in told or any(map(has_sent_early, (*rows, *clients))):
            return None
        return sum(count or 0 for count in told)

    def _exposure(self, row: UnixSocket, pairing: str) -> Exposure:
        """Who may connect or send. Only a listener, or a receiver without a peer, takes from anybody."""
        if row.name is None or pairing not in ("listener", "receiver") or (row.peer and pairing == "receiver"):
            return sockets.alone(row.uid)
        if row.name.startswith(b"\0"):
            return Exposure("host", row.uid)
        file = self._paths.facts(row.name.split(b"\0", 1)[0])
        if file is None or not _is_at(row, file):
            return Exposure("unknown", row.uid)
        mode = stat.S_IMODE(file.mode)
        return Exposure(reach_of_mode(mode & _WRITE), file.uid, mode)


def _is_at(row: UnixSocket, file: FileFacts) -> bool:
    """Whether a file is the very one that the socket is bound to: a path may mean another one in another namespace."""
    if row.vfs_ino is None or row.vfs_dev is None or not stat.S_ISSOCK(file.mode):
        return False
    return (os.makedev(row.vfs_dev >> 20, row.vfs_dev & 0xFFFFF), row.vfs_ino) == (
        file.device,
        file.inode & 0xFFFFFFFF,
    )


def _queues(a: UnixSocket, b: UnixSocket) -> tuple[Queue, Queue]:
    """Both directions of a pair."""
    return _both(
        (a.wmem_alloc, a.sndbuf, b.rqueue, b.type == socket.SOCK_DGRAM),
        (b.wmem_alloc, b.sndbuf, a.rqueue, a.type == socket.SOCK_DGRAM),
    )


_Figures = tuple[Optional[int], Optional[int], Optional[int], bool]
"""Of a direction: memory and send buffer of who writes, what waits at the other, which takes datagrams or not."""


@lru_cache(maxsize=1024)
def _both(to_b: _Figures, to_a: _Figures) -> tuple[Queue, Queue]:
    """One value for all pairs with these figures: most are empty."""
    return _queue("b", to_b), _queue("a", to_a)


def _queue(to: str, figures: _Figures) -> Queue:
    """What one end wrote and the other has not read. The kernel limits its memory, so that is the fill."""
    memory, limit, waiting, takes_datagrams = figures
    fill = sockets.share(memory, limit)
    if takes_datagrams and waiting:
        return Queue(to, None, None, waiting, memory, limit, fill)
    return Queue(to, waiting, None, None, memory, limit, fill)


def _would_block(row: UnixSocket) -> bool:
    """The memory of unread messages has reached the send buffer: sock_alloc_send_pskb() sleeps (net/core/sock.c)."""
    return bool(row.wmem_alloc and row.sndbuf and row.wmem_alloc >= row.sndbuf)
