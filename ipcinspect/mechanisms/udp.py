"""UDP sockets over IPv4 and IPv6 (udp(7)).

One receiving socket is one channel; the sockets on this machine that are connected to its address are its known
senders, and two sockets connected to each other are a pair. sock_diag(7) tells the kernel memory of what waits, not
its bytes; the size of the first message comes from a borrowed descriptor. A sender that is not connected leaves no
trace. A full UDP queue blocks nobody: the kernel drops what comes. No state follows from who is visible.
"""

from __future__ import annotations

import socket

from ipcinspect.kernel import sockaddr
from ipcinspect.kernel.errors import Unsupported
from ipcinspect.kernel.inet_diag import InetSocket
from ipcinspect.mechanisms import demo_attach, demo_sockets, socket_contents, sockets
from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.demo_part import Making, Part
from ipcinspect.mechanisms.demo_sockets import Client, SocketReceiver, SocketSender
from ipcinspect.mechanisms.inet_addresses import Place, covering, is_any, is_loopback, places, shown
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Attach, Collected, Demo, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Endpoint, Field, Namespaces, Queue
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents

NAME = "udp"

FIELDS = (
    Field("local", "Bound to", None, "address and port of the receiving socket"),
    Field("connected_to", "Connected to", None, "the only address it takes from, where connect(2) set one"),
    Field("send_memory", "Send memory", "bytes", "kernel memory of what it sent and has not left the host yet"),
)

TELLS = Tells("descriptors", "bytes", socket_contents.ANNOUNCEMENT, ("data exchange", "splitting work"), "net")

NEEDS_ALL_DESCRIPTORS = False

WAITS = (Wait("recvfrom", "reader", "writer", "empty"),)


_PROTOCOLS = ("UDP", "UDPv6")
_NO_FIELDS = (None,) * len(FIELDS)


def collect(scan: Scan) -> Collected:
    """Every UDP socket in the namespaces that could be entered."""
    return Collected(_Table(scan).channels() + sockets.unlisted(scan, NAME, _PROTOCOLS, _NO_FIELDS), [])


class _Table:
    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._rows = [row for row in scan.sockets.udp if row.inode]
        self._bound: dict[Place, list[InetSocket]] = {}
        for row in self._rows:
            for place in places(row):
                self._bound.setdefault(place, []).append(row)
        self._receivers = {row.inode: self._receiver_of(row) for row in self._rows if row.dport}
        self._senders: dict[int, list[InetSocket]] = {}
        for row in self._rows:
            receiver = self._receivers.get(row.inode)
            if receiver is not None:
                self._senders.setdefault(receiver.inode, []).append(row)

    def channels(self) -> list[Channel]:
        """One channel for each receiver, and one for each pair connected to each other."""
        found = [self._channel(row) for row in self._rows]
        return [channel for channel in found if channel is not None]

    def _channel(self, row: InetSocket) -> Channel | None:
        other = self._receivers.get(row.inode)
        if other is not None and other is not row and self._receivers.get(other.inode) is row:
            return self._pair(row, other) if row.inode < other.inode else None
        return self._receiver(row, other)

    def _receiver_of(self, row: InetSocket) -> InetSocket | None:
        """The one socket on this host that gets what `row` sends; None where it leaves the host, or several might."""
        if not (is_loopback(row.dst) or row.dst == row.src):
            return None
        reversed_row = row._replace(src=row.dst, sport=row.dport)
        for place in covering(reversed_row):
            takers = [taker for taker in self._bound.get(place, ()) if _takes_from(taker, row)]
            exact = [taker for taker in takers if taker.dport]
            if exact or takers:
                chosen = exact or takers
                return chosen[0] if len(chosen) == 1 else None
        return None

    def _pair(self, a: InetSocket, b: InetSocket) -> Channel:
        endpoints = self._ends("a", "both", a) + self._ends("b", "both", b)
        queues = (self._queue("b", b), self._queue("a", a))
        return self._made(a, endpoints, queues, (f"socket:[{b.inode}]",))

    def _receiver(self, row: InetSocket, connected_to: InetSocket | None) -> Channel:
        writers = self._senders.get(row.inode, [])
        if connected_to is not None and connected_to is not row:
            writers = [*writers, connected_to]
        endpoints = [end for writer in writers for end in self._ends("a", "writer", writer)]
        if row.dport and connected_to is None:
            endpoints.append(Endpoint("a", "writer", None, None, None, shown(row.dst, row.dport)))
        readers = self._ends("b", "reader", row)
        made = self._made(row, endpoints + readers, (self._queue("b", row),), ())
        return made._replace(relation=sockets.relation_of_readers(readers))

    def _queue(self, to: str, row: InetSocket) -> Queue:
        """What waits in a socket: kernel memory, and the first message's size where its holder can be asked."""
        if not row.rqueue:
            return Queue(to, 0, 0, None, row.rqueue, row.rcvbuf, 0.0)
        first = None
        for holder in self._scan.socket_holders.get(row.inode, ())[:1]:
            first = self._scan.loans.next_datagram_bytes(holder, row.inode)
        return Queue(to, None, None, first, row.rqueue, row.rcvbuf, sockets.share(row.rqueue, row.rcvbuf))

    def _ends(self, side: str, role: str, row: InetSocket) -> list[Endpoint]:
        return sockets.ends(self._scan, side, role, row.inode, shown(row.src, row.sport))

    def _made(
        self, row: InetSocket, endpoints: list[Endpoint], queues: tuple[Queue, ...], aliases: tuple[str, ...]
    ) -> Channel:
        return Channel(
            ChannelKey("socket", 0, row.inode),
            f"socket:[{row.inode}]",
            aliases,
            NAME,
            shown(row.src, row.sport),
            "holding" if any(queue.memory_bytes for queue in queues) else "idle",
            "data exchange",
            queues,
            None,
            Namespaces(net=row.netns),
            None,
            tuple(endpoints),
            (shown(row.src, row.sport), shown(row.dst, row.dport) if row.dport else None, row.wqueue),
            sockets.alone(row.uid) if row.dport else sockets.by_address(is_loopback(row.src), row.uid),
        )


def _takes_from(taker: InetSocket, sender: InetSocket) -> bool:
    """A connected socket takes from its one peer alone; another takes from everybody."""
    if not taker.dport:
        return True
    return taker.dport == sender.sport and (taker.dst == sender.src or is_any(sender.src))


def _source_name(address: bytes) -> str | None:
    """Who sent a datagram."""
    parsed = sockaddr.parse_inet(address)
    return shown(*parsed) if parsed is not None else None


_FAMILY = socket_contents.Family(_source_name)


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """The first datagram of each direction."""
    return socket_contents.of_socket(peeking, channel, _FAMILY)


_DEMO_ADDRESSES = {"ipv4": (socket.AF_INET, "127.0.0.1"), "ipv6": (socket.AF_INET6, "::1")}
_MOST_BYTES = {socket.AF_INET: 65507, socket.AF_INET6: 65527}
"""Of one datagram: the 16 bits of its length count UDP's 8 bytes, and over IPv4 also the 20 of the header."""


def _make(making: Making) -> Handover:
    """A receiving socket on the loopback, at a port that the kernel chooses."""
    family, host = _DEMO_ADDRESSES[making.variant]
    with demo_sockets.new_socket(making.calls, family, socket.SOCK_DGRAM) as receiver:
        demo_sockets.bind(making.calls, receiver, (host, 0))
        port = str(receiver.getsockname()[1])
        most, fds = _MOST_BYTES[family], (receiver.detach(),)
        return Handover((making.variant, port), (), (), fds, most_bytes=most, limit_told_by="the 16 bits of its length")


def _connect(part: Part) -> socket.socket:
    """Connected, since the kernel keeps no trace of a sender that is not."""
    variant, port = part.args
    family, host = _DEMO_ADDRESSES[variant]
    return demo_sockets.connected(part.calls, family, socket.SOCK_DGRAM, (host, int(port)))


def _access(attaching: Attaching) -> Access:
    """At the address that it is bound to. Raises Unsupported."""
    channel = attaching.channel
    if demo_attach.told(FIELDS, channel, "connected_to") or not any(end.role == "reader" for end in channel.endpoints):
        raise Unsupported("it takes datagrams from the address alone that it is connected to (connect(2))")
    if channel.name is None or channel.name.endswith(":0"):
        raise Unsupported("it is bound to no port")
    does = (
        "connect a socket of its own to it, at a port that the kernel chooses",
        f"send {attaching.amount}, each a datagram, to whoever reads the socket",
        "read an answer, if one comes",
    )
    host, port = demo_sockets.reached_at(channel.name)
    return Access((host, port), (), does, _MOST_BYTES[_family(host)], "the 16 bits of its length", answers=True)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _send_to(part: Part) -> socket.socket:
    host, port = part.args
    return demo_sockets.connected(part.calls, _family(host), socket.SOCK_DGRAM, (host, int(port)))


DEMO = Demo(
    variants=tuple(_DEMO_ADDRESSES),
    create=_make,
    sender=lambda part: SocketSender(part, lambda: _connect(part)),
    receiver=SocketReceiver,
    carries_payload=True,
    notifications=("read", "poll", "epoll", "signal"),
    nonblocking=True,
    bounded=tuple(_DEMO_ADDRESSES),
    attach=Attach(("sender",), _access, sender=lambda part: Client(part, lambda: _send_to(part))),
)
