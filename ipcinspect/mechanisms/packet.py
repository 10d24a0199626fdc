"""Packet sockets (packet(7)): processes that take or send frames at an interface, as tcpdump and DHCP clients do.

sock_diag(7) tells every packet socket of a network namespace, where the kernel has the family for it; else
/proc/PID/net/packet does, without limits, drops and fanout. Holders are found by inode; the interface by its index in
that namespace. What waits is told as kernel memory; a memory-mapped ring (PACKET_RX_RING) bypasses that queue, so its
fill does not show. Frames are not looked at yet. A full queue blocks nobody: frames are dropped. No state here follows
from who is visible.
"""

from __future__ import annotations

import socket

from ipcinspect.kernel.packet_diag import PacketSocket, fanout_name, protocol_name
from ipcinspect.mechanisms import sockets
from ipcinspect.mechanisms.peeking import cannot
from ipcinspect.mechanisms.room import Collected, Demo, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Endpoint, Exposure, Field, FieldValue, Queue
from ipcinspect.model.channel_key import ChannelKey

NAME = "packet"

FIELDS = (
    Field("type", "Type", None, "raw: with the link's own header; dgram: without it"),
    Field("protocol", "Protocol", None, "the ethertype that it takes: all, ip, arp, ...; none: it only sends"),
    Field("interface", "Interface", None, "the name in its namespace; `every` where it is bound to none"),
    Field("interface_index", "Interface index", None, "in its namespace; 0: every interface"),
    Field("running", "Running", None, "whether frames reach it: not unbound, nor while its interface is down"),
    Field("fanout", "Fanout", None, "the group of sockets that share the frames out, and how (PACKET_FANOUT)"),
    Field("drops", "Drops", "messages", "frames lost because the queue was full"),
    Field("owner_uid", "Owner", "uid", "user id that made it"),
)

TELLS = Tells("descriptors", "memory", None, ("data exchange",), "net")

NEEDS_ALL_DESCRIPTORS = False

WAITS = (Wait("recvfrom", "both", "both", "empty"),)

DEMO: Demo | None = None

_PROTOCOLS = ("PACKET",)
_NO_FIELDS = (None,) * len(FIELDS)
_TYPES: dict[int, str] = {socket.SOCK_RAW: "raw", socket.SOCK_DGRAM: "dgram", 10: "packet"}
_EVERY = "every"
_LOOPBACK_INDEX = 1
"""The loopback is the first interface of each namespace (net/core/net_namespace.c makes it so)."""

peek = cannot


def collect(scan: Scan) -> Collected:
    """Every packet socket in the namespaces that could be entered."""
    channels = [_channel(scan, row) for row in scan.sockets.packet if row.ino]
    return Collected(channels + sockets.unlisted(scan, NAME, _PROTOCOLS, _NO_FIELDS), [])


def _channel(scan: Scan, row: PacketSocket) -> Channel:
    interface = _interface(row)
    where = None if interface is None else "every interface" if interface == _EVERY else interface
    endpoints = sockets.ends(scan, "a", "both", row.ino, f"{protocol_name(row.protocol)}@{interface or '?'}")
    endpoints.append(Endpoint("b", "both", None, None, None, where))
    return Channel(
        ChannelKey("socket", 0, row.ino),
        f"socket:[{row.ino}]",
        (),
        NAME,
        f"{protocol_name(row.protocol)}@{interface or '?'}",
        "unknown" if row.rmem_alloc is None else "holding" if row.rmem_alloc else "idle",
        "data exchange",
        (
            _queue("a", row.rmem_alloc, row.rcvbuf),
            _queue("b", row.wmem_alloc, row.sndbuf),
        ),
        None,
        sockets.namespace(row.netns),
        None,
        tuple(endpoints),
        _fields(row, interface),
        Exposure(_reach(row), row.uid),
    )


def _reach(row: PacketSocket) -> str:
    """Who may send it frames: nobody where it takes none."""
    if not row.protocol:
        return "holders"
    return "host" if row.ifindex == _LOOPBACK_INDEX else "network"


def _interface(row: PacketSocket) -> str | None:
    if row.ifindex is None:
        return None
    return row.interface or (f"interface {row.ifindex}" if row.ifindex else _EVERY)


def _fields(row: PacketSocket, interface: str | None) -> tuple[FieldValue, ...]:
    return (
        _TYPES.get(row.type, str(row.type)),
        protocol_name(row.protocol),
        interface,
        row.ifindex,
        row.running,
        _fanout(row),
        row.drops,
        row.uid,
    )


def _fanout(row: PacketSocket) -> str | None:
    """The group; `none` only where a table was read that would tell it."""
    if row.fanout is not None:
        return fanout_name(row.fanout)
    return None if row.rcvbuf is None else "none"


def _queue(to: str, memory: int | None, limit: int | None) -> Queue:
    """Memory of the frames; known to be empty where there is none."""
    return Queue(to, 0 if memory == 0 else None, None, None, memory, limit, sockets.share(memory, limit))
