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
_SKMEMINFO, _SKV6ONLY = 7, 11
_UNSPECIFIED6 = b"\0" * 16
_EXTENSIONS = 1 << (_SKMEMINFO - 1)
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


def read_inet_sockets(diag: socket.socket, family: int, protocol: int, netns: int | None) -> list[InetSocket]:
    """Every socket of one family and protocol but those in TIME_WAIT. Raises Unsupported, TimedOut, Interrupted."""
    request = _REQUEST.pack(family, protocol, _EXTENSIONS, 0, _STATES)
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
    )  # fmt: skip
    return tuple.__new__(InetSocket, row)


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
