"""Packet sockets by sock_diag(7): the PACKET_DIAG family (net/packet/diag.c, linux/packet_diag.h)."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from typing import NamedTuple

from ipcinspect.kernel.netlink import attributes, dump

_REQUEST = struct.Struct("=BBHIIII")
_SHOW_INFO, _SHOW_FANOUT, _SHOW_MEMINFO = 1, 8, 16
_SHOW = _SHOW_INFO | _SHOW_FANOUT | _SHOW_MEMINFO
_NO_COOKIE = 0xFFFFFFFF
_INFO, _FANOUT, _UID, _MEMINFO = 0, 4, 5, 6
_MESSAGE = struct.Struct("=BBHIII")
_INFO_WORDS = struct.Struct("=6I")
_MEMORY = struct.Struct("=9I")
_RUNNING = 1
_SIOCGIFNAME = 0x8910
_IFREQ = struct.Struct("=16si20x")

_ETHERTYPES = {
    0x0003: "all", 0x0004: "802.2", 0x0800: "ip", 0x0806: "arp", 0x8100: "vlan", 0x86DD: "ipv6", 0x8847: "mpls",
    0x8863: "pppoe-discovery", 0x8864: "pppoe", 0x888E: "eapol", 0x88CC: "lldp", 0x88F7: "ptp",
}  # fmt: skip
_FANOUT_TYPES = ("hash", "load-balance", "cpu", "rollover", "random", "queue-mapping", "bpf", "bpf")


class PacketSocket(NamedTuple):
    """One row of the table, in the kernel's names (linux/packet_diag.h)."""

    ino: int
    type: int
    """socket.SOCK_RAW, SOCK_DGRAM or the old SOCK_PACKET."""
    protocol: int
    """The ethertype that it takes (3: all); 0: it takes nothing."""
    ifindex: int | None
    """Of the interface it is bound to; 0 for every one."""
    running: bool | None
    """Whether frames reach it: not while it is unbound or its interface is down."""
    fanout: int | None
    """Group that shares the frames out: id in the lower 16 bits, type above. None where it is in none."""
    uid: int | None
    rmem_alloc: int | None
    """Kernel memory of what waits to be read."""
    rcvbuf: int | None
    wmem_alloc: int | None
    sndbuf: int | None
    drops: int | None
    netns: int | None
    """Inode of the network namespace whose dump it came from."""
    interface: str | None = None
    """The name of the interface, in its namespace; kernel text. None where it has none or could not be asked."""


def protocol_name(protocol: int) -> str:
    """`all`, `ip`, `0x88b5`, and `none` for a socket that takes nothing."""
    return _ETHERTYPES.get(protocol, f"0x{protocol:04x}") if protocol else "none"


def fanout_name(fanout: int) -> str:
    """`7 hash`: the group and how it shares the frames out (packet(7), PACKET_FANOUT)."""
    number, kind = fanout & 0xFFFF, fanout >> 16 & 0xFF
    return f"{number} {_FANOUT_TYPES[kind] if kind < len(_FANOUT_TYPES) else kind}"


def read_packet_sockets(diag: socket.socket, netns: int | None) -> list[PacketSocket]:
    """Every packet socket of the namespace of `diag`. Raises Unsupported, TimedOut, Interrupted."""
    request = _REQUEST.pack(socket.AF_PACKET, 0, 0, 0, _SHOW, _NO_COOKIE, _NO_COOKIE)
    rows = [row for row in (parse(payload, netns) for payload in dump(diag, request)) if row is not None]
    names = {row.ifindex: _interface_name(diag, row.ifindex) for row in rows if row.ifindex}
    return [row._replace(interface=names[row.ifindex]) if row.ifindex else row for row in rows]


def _interface_name(diag: socket.socket, index: int) -> str | None:
    """Any socket answers for the interfaces of its namespace (netdevice(7), SIOCGIFNAME)."""
    if index >= 1 << 31:
        return None
    try:
        answer = fcntl.ioctl(diag, _SIOCGIFNAME, _IFREQ.pack(b"", index))
    except OSError:
        return None
    return os.fsdecode(_IFREQ.unpack(answer)[0].partition(b"\0")[0]) or None


def parse(payload: bytes, netns: int | None) -> PacketSocket | None:
    """One message of the dump; None for one that is cut or of another family."""
    if len(payload) < _MESSAGE.size or payload[0] != socket.AF_PACKET:
        return None
    _, kind, protocol, ino, _, _ = _MESSAGE.unpack_from(payload)
    found = attributes(payload, _MESSAGE.size)
    info, memory = found.get(_INFO, b""), found.get(_MEMINFO, b"")
    index, flags = None, None
    if len(info) >= _INFO_WORDS.size:
        index, _, _, _, _, flags = _INFO_WORDS.unpack_from(info)
    rmem, rcvbuf, wmem, sndbuf, _, _, _, _, drops = (
        _MEMORY.unpack_from(memory) if len(memory) >= _MEMORY.size else (None,) * 9
    )
    running = None if flags is None else bool(flags & _RUNNING)
    return PacketSocket(
        ino, kind, protocol, index, running, _word(found.get(_FANOUT)), _word(found.get(_UID)),
        rmem, rcvbuf, wmem, sndbuf, drops, netns,
    )  # fmt: skip


def _word(value: bytes | None) -> int | None:
    """A 32-bit attribute; None where it is absent or cut."""
    return struct.unpack_from("=I", value)[0] if value is not None and len(value) >= 4 else None
