"""TCP and UDP sockets over IPv4 and IPv6 by sock_diag(7) (net/ipv4/inet_diag.c)."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from ipcinspect.kernel.netlink import attributes, dump

ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, LISTEN, CLOSING = range(
    1, 12
)
STATE_NAMES = (
    "", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
    "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
)  # fmt: skip

# TIME_WAIT rows have no socket and no inode any more, and there may be thousands of them.
_STATES = 0xFFFF & ~(1 << TIME_WAIT)
_INFO, _SKMEMINFO, _SKV6ONLY = 2, 7, 11
_UNSPECIFIED6 = b"\0" * 16
_EXTENSIONS = 1 << (_SKMEMINFO - 1)
_COUNTS = 1 << (_INFO - 1)
_COUNTED = struct.Struct("=QQ")
_COUNTED_AT = 120
"""tcpi_bytes_acked and tcpi_bytes_received in struct tcp_info (linux/tcp.h), since Linux 4.1."""
_REQUEST = struct.Struct("=BBBBI48x")
_MESSAGE = struct.Struct("=BBBB2s2s16s16sIIIIIIII")
_MEMORY = struct.Struct("=HH9I")
_MAPPED = b"\0" * 10 + b"\xff\xff"


class InetSocket(NamedTuple):
    """One row of the table, in the kernel's names (inet_diag.h)."""

    family: int
    protocol: int
    state: int
    src: bytes
    """Local address, packed: 4 bytes for IPv4 and for IPv4 mapped into IPv6, else 16."""
    sport: int
    dst: bytes
    dport: int
    interface: int
    """Index of the interface it is bound to or its link-local address belongs to; 0 for none."""
    cookie: int
    rqueue: int
    """TCP: bytes received and not yet read; listener: clients waiting. UDP: memory of the messages."""
    wqueue: int
    """TCP: bytes written and not yet acknowledged; listener: the backlog. UDP: memory of the messages."""
    uid: int
    inode: int
    """0 for a socket that no file leads to: not yet accepted, or closed by its owner and still emptying."""
    rmem_alloc: int | None
    rcvbuf: int | None
    sndbuf: int | None
    wmem_queued: int | None
    netns: int | None
    """Inode of the network namespace whose dump it came from."""
    v6only: bool | None = None
    """Whether `::` leaves IPv4 out; None where the address is another one, and in rows that came as text."""
    bytes_acked: int | None = None
    """TCP, where it was asked for: bytes that the other end has acknowledged, and 1 for the SYN of who connected."""
    bytes_received: int | None = None
    """TCP, where it was asked for: bytes that arrived in order, read or not."""


def read_inet_sockets(
    diag: socket.socket, family: int, protocol: int, netns: int | None, counts: bool = False
) -> list[InetSocket]:
    """Every socket of one family and protocol but those in TIME_WAIT; `counts`: with what went through each.

    Raises Unsupported, TimedOut, Interrupted.
    """
    request = _REQUEST.pack(family, protocol, _EXTENSIONS | (_COUNTS if counts else 0), 0, _STATES)
    return [row for row in (parse(payload, protocol, netns) for payload in dump(diag, request)) if row is not None]


def parse(payload: bytes, protocol: int, netns: int | None) -> InetSocket | None:
    """One message of the dump; None for one that is cut."""
    if len(payload) < _MESSAGE.size:
        return None
    (family, state, _, _, sport, dport, src, dst, interface, cookie_low, cookie_high, _, rqueue, wqueue, uid,
     inode) = _MESSAGE.unpack_from(payload)  # fmt: skip
    row = (
        family, protocol, state,
        _address(family, src), (sport[0] << 8) | sport[1],
        _address(family, dst), (dport[0] << 8) | dport[1],
        interface, cookie_high << 32 | cookie_low,
        rqueue, wqueue, uid, inode,
        *_memory(payload), netns,
        _v6only(payload) if family == socket.AF_INET6 and src == _UNSPECIFIED6 else None,
        *_counted(payload),
    )  # fmt: skip
    return tuple.__new__(InetSocket, row)


def _counted(payload: bytes) -> tuple[int | None, int | None]:
    """(bytes_acked, bytes_received); None where they were not asked for. An answer without them is short."""
    if len(payload) < _MESSAGE.size + _COUNTED_AT:
        return None, None
    info = attributes(payload, _MESSAGE.size).get(_INFO)
    if info is None or len(info) < _COUNTED_AT + _COUNTED.size:
        return None, None
    acked, received = _COUNTED.unpack_from(info, _COUNTED_AT)
    return acked, received


def _address(family: int, packed: bytes) -> bytes:
    if family == socket.AF_INET:
        return packed[:4]
    return packed[12:] if packed.startswith(_MAPPED) else packed


def _v6only(payload: bytes) -> bool | None:
    """Told of listeners and of sockets that are not connected."""
    value = attributes(payload, _MESSAGE.size).get(_SKV6ONLY)
    return bool(value[0]) if value else None


def _memory(payload: bytes) -> tuple[int | None, int | None, int | None, int | None]:
    """(rmem_alloc, rcvbuf, sndbuf, wmem_queued); the attribute usually comes last, so look there before searching."""
    last = len(payload) - _MEMORY.size
    if last >= _MESSAGE.size:
        length, kind, rmem, rcvbuf, _, sndbuf, _, queued, _, _, _ = _MEMORY.unpack_from(payload, last)
        if kind == _SKMEMINFO and length == _MEMORY.size:
            return rmem, rcvbuf, sndbuf, queued
    value = attributes(payload, _MESSAGE.size).get(_SKMEMINFO)
    if value is None or len(value) < _MEMORY.size - 4:
        return None, None, None, None
    rmem, rcvbuf, _, sndbuf, _, queued, _, _, _ = struct.unpack_from("=9I", value)
    return rmem, rcvbuf, sndbuf, queued
