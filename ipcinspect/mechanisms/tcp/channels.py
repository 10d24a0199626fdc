"""Rows of the TCP socket tables -> channels."""

from __future__ import annotations

from ipcinspect.kernel.inet_diag import (
    CLOSE,
    CLOSE_WAIT,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT1,
    LAST_ACK,
    LISTEN,
    STATE_NAMES,
    SYN_RECV,
    SYN_SENT,
    InetSocket,
)
from ipcinspect.mechanisms import sockets
from ipcinspect.mechanisms.inet_addresses import Place, covering, is_loopback, places, shown
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.mechanisms.tcp.fields import NAME
from ipcinspect.model.channel import Channel, Endpoint, FieldValue, Queue
from ipcinspect.model.channel_key import ChannelKey

_NOT_ACCEPTED = frozenset((ESTABLISHED, CLOSE_WAIT, SYN_RECV, 12))
"""States of a server's end without an inode that still waits for accept(2); an end its owner closed has others."""
_OWN_MARK_WAITS = frozenset((SYN_SENT, SYN_RECV, FIN_WAIT1, CLOSING, LAST_ACK))
"""States in which an end's SYN or FIN is not acknowledged yet; the kernel counts it as a byte of the send queue."""
_FIN_ARRIVED = frozenset((CLOSE_WAIT, LAST_ACK, CLOSING))
"""States in which the other's FIN counts as a byte of the receive queue, until the owner has read to the end."""


class TcpTable:
    """All TCP sockets of one scan, and the channels that they form."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._rows = [row for row in scan.sockets.tcp if row.state != LISTEN]
        self._by_addresses: dict[tuple[object, ...], list[InetSocket]] = {}
        for row in self._rows:
            self._by_addresses.setdefault(_addresses(row), []).append(row)
        self._listening = [row for row in scan.sockets.tcp if row.state == LISTEN]
        self._listeners: dict[Place, list[InetSocket]] = {}
        for row in self._listening:
            for place in places(row):
                self._listeners.setdefault(place, []).append(row)
        self._listened_ports = {port for _, _, port in self._listeners}
        self._first_ephemeral, self._last_ephemeral = scan.ephemeral_ports
        self._paired: set[int] = set()
        """Ends of pairs whose channel was made at their other end, by id()."""
        self._clients: dict[int, list[InetSocket]] = {}
        self._remote_clients: dict[int, list[InetSocket]] = {}
        """By listener, its own ends of connections that nobody accepted and whose other end is not on this machine."""

    def channels(self) -> list[Channel]:
        """One channel for each connection and each listener."""
        connections = [self._connection(row) for row in self._rows]
        listeners = [self._listener(row) for row in self._listening]
        return [channel for channel in connections if channel is not None] + listeners

    def _connection(self, row: InetSocket) -> Channel | None:
        """The channel that this row stands for; None where another row of the same channel does."""
        if id(row) in self._paired:
            return None
        other = self._other_end(row)
        if other is None:
            if not self._waits_unaccepted(row):
                return self._single(row)
            self._note_remote_client(row)
            return None
        if other is row:
            return self._made(row, row, ("both", "both"), shown(row.src, row.sport))
        if self._waits_unaccepted(row):
            return None
        if self._waits_unaccepted(other):
            return self._client_in_backlog(row, other)
        self._paired.add(id(other))
        if not self._scan.is_wanted(row.inode, other.inode):
            return None
        a, b, roles = self._sides(row, other)
        return self._made(a, b, roles, shown(b.src, b.sport))

    def _other_end(self, row: InetSocket) -> InetSocket | None:
        """The one socket with the reversed addresses in the same namespace; None where none or several have them."""
        found = self._by_addresses.get((row.netns, row.dst, row.dport, row.src, row.sport), ())
        return found[0] if len(found) == 1 else None

    def _waits_unaccepted(self, row: InetSocket) -> bool:
        return not row.inode and row.state in _NOT_ACCEPTED

    def _client_in_backlog(self, client: InetSocket, unaccepted: InetSocket) -> Channel | None:
        """Its listener's business where that is certain; a channel of its own where several listeners share a port."""
        listener = self._listener_of(unaccepted)
        if listener is None or not client.inode:
            return self._made(client, None, ("client", "server"), shown(client.dst, client.dport))._replace(
                state="waiting-accept"
            )
        self._clients.setdefault(listener.inode, []).append(client)
        return None

    def _note_remote_client(self, unaccepted: InetSocket) -> None:
        """Shows at its listener where that is certain; one whose handshake is not over is no client yet."""
        listener = self._listener_of(unaccepted)
        if listener is not None and unaccepted.state in (ESTABLISHED, CLOSE_WAIT):
            self._remote_clients.setdefault(listener.inode, []).append(unaccepted)

    def _listener_of(self, row: InetSocket) -> InetSocket | None:
        for place in covering(row):
            found = self._listeners.get(place)
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def _has_listener(self, row: InetSocket) -> bool:
        return row.sport in self._listened_ports and any(place in self._listeners for place in covering(row))

    def _sides(self, one: InetSocket, other: InetSocket) -> tuple[InetSocket, InetSocket, tuple[str, str]]:
        """(a, b, roles): the end whose port has a listener was accepted there."""
        one_serves, other_serves = self._has_listener(one), self._has_listener(other)
        if one_serves == other_serves:
            one_serves, other_serves = not self._is_ephemeral(one), not self._is_ephemeral(other)
        if one_serves != other_serves:
            return (other, one, ("client", "server")) if one_serves else (one, other, ("client", "server"))
        smaller_first = (one.inode, one.cookie) <= (other.inode, other.cookie)
        return (one, other, ("both", "both")) if smaller_first else (other, one, ("both", "both"))

    def _is_ephemeral(self, row: InetSocket) -> bool:
        return self._first_ephemeral <= row.sport <= self._last_ephemeral

    def _single(self, row: InetSocket) -> Channel:
        """The end on this side of a connection to another host, or to an end that is already gone."""
        if not row.dport:
            return self._unconnected(row)
        if self._has_listener(row):
            return self._made(None, row, ("client", "server"), shown(row.src, row.sport))
        connected = row.state == SYN_SENT or self._is_ephemeral(row)
        roles = ("client", "server") if connected else ("both", "both")
        return self._made(row, None, roles, shown(row.dst, row.dport))

    def _unconnected(self, row: InetSocket) -> Channel:
        """A socket that is bound and nothing more: it has no other end."""
        name = shown(row.src, row.sport)
        endpoints = sockets.ends(self._scan, "a", "both", row.inode, name)
        fields = (STATE_NAMES[row.state], None, None, None, None, None, None, None)
        return _channel(row, (), name, "idle" if row.inode else "orphaned", (), tuple(endpoints), fields)

    def _listener(self, row: InetSocket) -> Channel:
        clients = self._clients.get(row.inode, [])
        endpoints = [
            end
            for client in clients
            for end in sockets.ends(self._scan, "a", "client", client.inode, shown(client.src, client.sport))
        ]
        endpoints += [
            Endpoint("a", "client", None, None, None, shown(client.dst, client.dport))
            for client in self._remote_clients.get(row.inode, [])
        ]
        name = shown(row.src, row.sport)
        endpoints += sockets.ends(self._scan, "b", "listener", row.inode, name)
        backlog = row.wqueue if row.sndbuf is not None else None  # a table read as text has none
        queue = Queue("b", None, row.rqueue, fill=sockets.share(row.rqueue, backlog))
        fields = (None, STATE_NAMES[row.state], None, None, None, None, backlog, row.rqueue)
        state = "waiting-accept" if row.rqueue else "listening"
        aliases = tuple(f"socket:[{client.inode}]" for client in clients)
        return _channel(row, aliases, name, state, (queue,), tuple(endpoints), fields)

    def _made(self, a: InetSocket | None, b: InetSocket | None, roles: tuple[str, str], name: str) -> Channel:
        rows = [row for row in (a, b) if row is not None]
        here = next((row for row in rows if row.inode), rows[0])
        endpoints = self._ends("a", roles[0], a, here) + ([] if a is b else self._ends("b", roles[1], b, here))
        queues = (_queue("a", a, a),) if a is b else (_queue("b", a, b), _queue("a", b, a))
        aliases = tuple(f"socket:[{row.inode}]" for row in rows if row.inode and row is not here)
        fields = (
            STATE_NAMES[a.state] if a else None,
            STATE_NAMES[b.state] if b else None,
            a.wqueue if a else None,
            a.rqueue if a else None,
            b.wqueue if b else None,
            b.rqueue if b else None,
            None,
            None,
        )
        return _channel(here, aliases, name, _state(rows, queues), queues, tuple(endpoints), fields)

    def _ends(self, side: str, role: str, row: InetSocket | None, here: InetSocket) -> list[Endpoint]:
        if row is not None:
            return sockets.ends(self._scan, side, role, row.inode, shown(row.src, row.sport))
        return [Endpoint(side, role, None, None, None, shown(here.dst, here.dport) if here.dport else None)]


def _addresses(row: InetSocket) -> tuple[object, ...]:
    return row.netns, row.src, row.sport, row.dst, row.dport


def _queue(to: str, sender: InetSocket | None, receiver: InetSocket | None) -> Queue:
    """One direction: what stands in the sender's queue and what stands in the receiver's."""
    sent = max(sender.wqueue - (sender.state in _OWN_MARK_WAITS), 0) if sender else None
    arrived = max(receiver.rqueue - (receiver.state in _FIN_ARRIVED), 0) if receiver else None
    waiting = _sum(sent, arrived)
    used = _sum(sender.wmem_queued if sender else None, receiver.rmem_alloc if receiver else None)
    limit = _sum(sender.sndbuf if sender else None, receiver.rcvbuf if receiver else None)
    fill = sockets.share(used, limit) if waiting else (0.0 if waiting == 0 else None)
    return Queue(to, waiting, None, None, used, limit, fill, _moved(sender, receiver))


def _moved(sender: InetSocket | None, receiver: InetSocket | None) -> int | None:
    """Bytes that arrived at the receiver, or, where that is another host's, were acknowledged by it.

    A FIN counts as a byte in both figures, so they are told only before one was sent.
    """
    if receiver is not None and receiver.state not in _FIN_ARRIVED:
        return receiver.bytes_received
    if receiver is None and sender is not None and sender.state in (ESTABLISHED, CLOSE_WAIT):
        return sender.bytes_acked
    return None


def _sum(one: int | None, other: int | None) -> int | None:
    """What is known of two figures, added up."""
    if one is None or other is None:
        return other if one is None else one
    return one + other


def _state(rows: list[InetSocket], queues: tuple[Queue, ...]) -> str:
    states = {row.state for row in rows}
    if SYN_SENT in states or SYN_RECV in states:
        return "opening"
    held = [row for row in rows if row.inode]
    if not held:
        return "orphaned"
    if states == {CLOSE}:
        return "closed" if rows[0].dport else "idle"
    return sockets.stream_state(queues, any(map(_would_block, held)), states != {ESTABLISHED})


def _would_block(row: InetSocket) -> bool:
    """Whether poll(2) denies POLLOUT: less is free than half of what is queued (sk_stream_is_writeable in net/sock.h).

    A writer that went to sleep at a full buffer is not woken before, though acknowledgements have freed some memory.
    """
    return bool(row.wmem_queued and row.sndbuf and row.sndbuf - row.wmem_queued < row.wmem_queued >> 1)


def _channel(
    here: InetSocket,
    aliases: tuple[str, ...],
    name: str,
    state: str,
    queues: tuple[Queue, ...],
    endpoints: tuple[Endpoint, ...],
    fields: tuple[FieldValue, ...],
) -> Channel:
    key = ChannelKey("socket", 0, here.inode) if here.inode else ChannelKey("socket-cookie", 0, here.cookie)
    return Channel(
        key,
        f"socket:[{here.inode}]" if here.inode else f"socket:[cookie:{here.cookie}]",
        aliases,
        NAME,
        name,
        state,
        "data exchange",
        queues,
        None,
        sockets.namespace(here.netns),
        None,
        endpoints,
        fields,
        sockets.by_address(is_loopback(here.src), here.uid) if here.state == LISTEN else sockets.alone(here.uid),
    )
