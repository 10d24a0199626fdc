"""Netlink sockets (netlink(7)): what processes and the kernel tell each other about routes, devices, audit.

sock_diag(7) tells every bound socket of a network namespace with its memory, groups and drops, where the kernel has
the family for it; else /proc/PID/net/netlink does, without groups beyond 32 and without limits. Holders are found by
inode. The port id is a number that usually equals a pid and need not: it is a field, never a holder. The kernel's own
sockets are no channels, they are the other end of the processes' ones. A socket that is not bound yet is in no table:
its state is unknown. What waits is told as kernel memory alone and is not looked at: MSG_PEEK can make the kernel go
on with an answer that its owner reads in parts. A full queue blocks no kernel sender: it drops, and counts the drops.
No state here follows from who is visible.
"""

from __future__ import annotations

from ipcinspect.kernel.netlink_diag import USERSOCK, NetlinkSocket, protocol_name
from ipcinspect.mechanisms import sockets
from ipcinspect.mechanisms.peeking import cannot
from ipcinspect.mechanisms.room import Collected, Demo, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Endpoint, Exposure, Field, Queue
from ipcinspect.model.channel_key import ChannelKey

NAME = "netlink"

FIELDS = (
    Field("protocol", "Protocol", None, "the family of netlink(7): route, kobject-uevent, audit, generic, ..."),
    Field(
        "portid", "Port id", None, "its address: usually the pid of who bound it first, but any number may be chosen"
    ),
    Field("peer_portid", "Peer port id", None, "whom connect(2) set; 0 is the kernel"),
    Field("groups", "Groups", None, "numbers of the multicast groups that it listens to"),
    Field("drops", "Drops", "messages", "lost because the queue was full"),
    Field("dumping", "Half-read answer", None, "whether an answer of several parts is not read to its end"),
)

TELLS = Tells("descriptors", "memory", None, ("data exchange",), "net")

NEEDS_ALL_DESCRIPTORS = False

WAITS = (Wait("recvmsg", "both", "both", "empty"),)

DEMO: Demo | None = None

_PROTOCOLS = ("NETLINK",)
_NO_FIELDS = (None,) * len(FIELDS)
_KERNEL = "kernel"

peek = cannot


def collect(scan: Scan) -> Collected:
    """Every netlink socket of a process, in the namespaces that could be entered."""
    return Collected(_Table(scan).channels() + sockets.unlisted(scan, NAME, _PROTOCOLS, _NO_FIELDS), [])


class _Table:
    """All netlink sockets of one scan, and the channels that they form."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        rows = scan.sockets.netlink
        self._kernels = {(row.netns, row.protocol) for row in rows if not row.portid}
        self._by_port = {_port(row, row.portid): row for row in rows if row.portid}
        self._senders: dict[int, list[NetlinkSocket]] = {}
        for row in self._by_port.values():
            other = self._connected_to(row)
            if other is not None and not self._is_mutual(row, other):
                self._senders.setdefault(other.ino, []).append(row)

    def channels(self) -> list[Channel]:
        """One channel for each pair, each socket that talks to the kernel, and each receiver."""
        found = [self._channel(row) for row in self._by_port.values()]
        return [channel for channel in found if channel is not None]

    def _channel(self, row: NetlinkSocket) -> Channel | None:
        """The channel that this row stands for; None where another row of the same channel does."""
        other = self._connected_to(row)
        if other is not None and self._is_mutual(row, other):
            return self._pair(row, other) if row.ino < other.ino else None
        senders = [end for sender in self._senders.get(row.ino, ()) for end in self._ends("b", "writer", sender)]
        if row.dst_portid or (row.netns, row.protocol) not in self._kernels:
            senders = [end._replace(side="a") for end in senders]
            return _made(row, (_queue("b", row),), [*senders, *self._ends("b", "reader", row)])
        kernel = Endpoint("b", "both", None, None, None, "kernel")
        queues = (_queue("a", row), Queue("b", 0))  # the kernel works on a request within the call that sends it
        return _made(row, queues, [*self._ends("a", "both", row), kernel, *senders])

    def _pair(self, a: NetlinkSocket, b: NetlinkSocket) -> Channel:
        made = _made(a, (_queue("a", a), _queue("b", b)), [*self._ends("a", "both", a), *self._ends("b", "both", b)])
        return made._replace(aliases=(f"socket:[{b.ino}]",))

    def _connected_to(self, row: NetlinkSocket) -> NetlinkSocket | None:
        """The socket of a process that it is connected to; None for the kernel, for nobody, and where it is gone."""
        return self._by_port.get(_port(row, row.dst_portid)) if row.dst_portid else None

    def _is_mutual(self, row: NetlinkSocket, other: NetlinkSocket) -> bool:
        return other is not row and self._connected_to(other) is row

    def _ends(self, side: str, role: str, row: NetlinkSocket) -> list[Endpoint]:
        return sockets.ends(self._scan, side, role, row.ino, _address(row))


def _port(row: NetlinkSocket, portid: int) -> tuple[int | None, int, int]:
    """A port id means something within one family of one namespace."""
    return row.netns, row.protocol, portid


def _address(row: NetlinkSocket) -> str:
    return f"{protocol_name(row.protocol)}:{row.portid}"


def _queue(to: str, row: NetlinkSocket) -> Queue:
    """Memory of what waits; known to be empty where there is none."""
    memory, limit = row.rmem_alloc, row.rcvbuf
    return Queue(to, 0 if memory == 0 else None, None, None, memory, limit, sockets.share(memory, limit))


def _made(row: NetlinkSocket, queues: tuple[Queue, ...], endpoints: list[Endpoint]) -> Channel:
    memory = [queue.memory_bytes for queue in queues if queue.bytes is None]
    return Channel(
        ChannelKey("socket", 0, row.ino),
        f"socket:[{row.ino}]",
        (),
        NAME,
        _address(row),
        "holding" if any(memory) else "unknown" if memory else "idle",
        "data exchange",
        queues,
        None,
        sockets.namespace(row.netns),
        None,
        tuple(endpoints),
        (
            protocol_name(row.protocol),
            row.portid,
            row.dst_portid,
            _groups(row),
            row.drops,
            row.dumping,
        ),
        Exposure("host") if row.protocol == USERSOCK else None,
    )


def _groups(row: NetlinkSocket) -> str | None:
    """Their numbers; `none` only where a table was read that tells them all."""
    if row.groups:
        return " ".join(map(str, row.groups))
    return None if row.dst_portid is None else "none"
