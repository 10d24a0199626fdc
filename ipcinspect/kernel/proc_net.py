"""Socket tables as text, /proc/PID/net (proc_pid_net(5)): where sock_diag is not to be had.

World readable, also for other namespaces; but unix sockets have neither peers nor queues in it.
"""

from __future__ import annotations

import struct

from ipcinspect.kernel.inet_diag import TIME_WAIT, InetSocket
from ipcinspect.kernel.netlink_diag import NetlinkSocket, group_numbers
from ipcinspect.kernel.packet_diag import PacketSocket
from ipcinspect.kernel.unix_diag import TCP_CLOSE, TCP_ESTABLISHED, TCP_LISTEN, TCP_SYN_SENT, UnixSocket

LIMIT = 64 << 20
"""Bytes of one table that are read at most."""

_ACCEPTS = 0x10000  # __SO_ACCEPTCON in the Flags column
_STATE_OF_SOCKET_STATE = {1: TCP_CLOSE, 2: TCP_SYN_SENT, 3: TCP_ESTABLISHED, 4: TCP_CLOSE}
_MAPPED = b"\0" * 10 + b"\xff\xff"


def parse_unix(text: bytes, netns: int | None) -> list[UnixSocket]:
    """/proc/net/unix; lines that are cut or odd are passed over."""
    rows = []
    for line in text.split(b"\n")[1:]:
        cells = line.split(b" ", 1)[1].split(None, 6) if b": " in line else []
        try:
            flags, kind, state, ino = int(cells[2], 16), int(cells[3], 16), int(cells[4], 16), int(cells[5])
        except (IndexError, ValueError):
            continue
        name = _unix_name(cells[6]) if len(cells) > 6 else None
        told = TCP_LISTEN if flags & _ACCEPTS else _STATE_OF_SOCKET_STATE.get(state, TCP_CLOSE)
        rows.append(
            UnixSocket(
                ino, kind, told, name, None, None, None, (), None, None, None, None, None, None, None, None, netns
            )
        )
    return rows


def _unix_name(text: bytes) -> bytes:
    return b"\0" + text[1:] if text.startswith(b"@") else text


def parse_inet(text: bytes, family: int, protocol: int, netns: int | None) -> list[InetSocket]:
    """/proc/net/tcp, tcp6, udp or udp6; lines that are cut or odd are passed over."""
    rows = []
    for line in text.split(b"\n")[1:]:
        cells = line.split()
        try:
            src, sport = _address(cells[1])
            dst, dport = _address(cells[2])
            state = int(cells[3], 16)
            wqueue, rqueue = (int(part, 16) for part in cells[4].split(b":"))
            uid, inode = int(cells[7]), int(cells[9])
        except (IndexError, ValueError, struct.error):
            continue
        if state != TIME_WAIT:
            rows.append(
                InetSocket(
                    family, protocol, state, src, sport, dst, dport, 0, 0, rqueue, wqueue, uid, inode,
                    None, None, None, None, netns,
                )
            )  # fmt: skip
    return rows


def _address(text: bytes) -> tuple[bytes, int]:
    """`0100007F:1538`: the address as 32-bit words in host order, the port in plain hexadecimal."""
    words, port = text.split(b":")
    raw = bytes.fromhex(words.decode("ascii"))
    if len(raw) not in (4, 16):
        raise ValueError("an address of an odd length")
    count = len(raw) // 4
    packed = struct.pack(f"={count}I", *struct.unpack(f">{count}I", raw))
    return (packed[12:] if packed.startswith(_MAPPED) else packed), int(port, 16)


def parse_netlink(text: bytes, netns: int | None) -> list[NetlinkSocket]:
    """/proc/net/netlink, with the first 32 groups of each; lines that are cut or odd are passed over."""
    rows = []
    for line in text.split(b"\n")[1:]:
        cells = line.split()
        try:
            protocol, portid, rmem, drops, ino = (int(cells[place]) for place in (1, 2, 4, 8, 9))
            groups = group_numbers(struct.pack("=I", int(cells[3], 16)))
        except (IndexError, ValueError, struct.error):
            continue
        rows.append(NetlinkSocket(ino, protocol, portid, None, None, groups, rmem, None, drops, None, netns))
    return rows


def parse_packet(text: bytes, netns: int | None) -> list[PacketSocket]:
    """/proc/net/packet; lines that are cut or odd are passed over."""
    rows = []
    for line in text.split(b"\n")[1:]:
        cells = line.split()
        try:
            kind, index, running, rmem, uid, ino = (int(cells[place]) for place in (2, 4, 5, 6, 7, 8))
            protocol = int(cells[3], 16)
        except (IndexError, ValueError):
            continue
        rows.append(
            PacketSocket(ino, kind, protocol, index, bool(running), None, uid, rmem, None, None, None, None, netns)
        )
    return rows
