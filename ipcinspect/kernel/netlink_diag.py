"""Netlink sockets by sock_diag(7): the NETLINK_DIAG family (net/netlink/diag.c, linux/netlink_diag.h)."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from ipcinspect.kernel.netlink import attributes, dump

SOCK_DIAG, USERSOCK = 4, 2

_REQUEST = struct.Struct("=BBHIIII")
_ALL_PROTOCOLS = 0xFF
_SHOW_MEMINFO, _SHOW_GROUPS, _SHOW_FLAGS = 1, 2, 8
_SHOW = _SHOW_MEMINFO | _SHOW_GROUPS | _SHOW_FLAGS
_NO_COOKIE = 0xFFFFFFFF
_MEMINFO, _GROUPS, _, _, _FLAGS = range(5)
_MESSAGE = struct.Struct("=BBBBIIIIII")
_MEMORY = struct.Struct("=9I")
_CB_RUNNING = 1
_MOST_GROUPS = 4096
"""Groups of one socket that are told at most; the kernel's families have at most some hundreds."""

_PROTOCOLS = (
    "route", "unused", "usersock", "firewall", "sock-diag", "nflog", "xfrm", "selinux", "iscsi", "audit", "fib-lookup",
    "connector", "netfilter", "ip6-firewall", "decnet", "kobject-uevent", "generic", "dm", "scsi-transport", "ecryptfs",
    "rdma", "crypto", "smc",
)  # fmt: skip


class NetlinkSocket(NamedTuple):
    """One row of the table, in the kernel's names (linux/netlink_diag.h)."""

    ino: int
    protocol: int
    portid: int
    """Address of the socket. Usually the pid of who bound it first, but anybody may choose another number.
    0 for the kernel's own."""
    dst_portid: int | None
    """Whom connect(2) set; 0 for the kernel. None in rows that came as text."""
    dst_group: int | None
    groups: tuple[int, ...]
    """Numbers of the multicast groups that it listens to; from text only the first 32."""
    rmem_alloc: int | None
    """Kernel memory of what waits to be read."""
    rcvbuf: int | None
    drops: int | None
    """Messages that did not fit and are lost."""
    dumping: bool | None
    """Whether an answer of several parts is half read."""
    netns: int | None
    """Inode of the network namespace whose dump it came from."""


def protocol_name(protocol: int) -> str:
    """`route`, `generic`: the family in linux/netlink.h; its number where it has no name."""
    return _PROTOCOLS[protocol] if 0 <= protocol < len(_PROTOCOLS) else str(protocol)


def read_netlink_sockets(diag: socket.socket, netns: int | None) -> list[NetlinkSocket]:
    """Every bound netlink socket of the namespace of `diag` but `diag` itself, each once.

    Raises Unsupported, TimedOut, Interrupted.
    """
    request = _REQUEST.pack(socket.AF_NETLINK, _ALL_PROTOCOLS, 0, 0, _SHOW, _NO_COOKIE, _NO_COOKIE)
    rows = [row for row in (parse(payload, netns) for payload in dump(diag, request)) if row is not None]
    own = (SOCK_DIAG, diag.getsockname()[0])
    return list({row.ino: row for row in rows if (row.protocol, row.portid) != own}.values())


def parse(payload: bytes, netns: int | None) -> NetlinkSocket | None:
    """One message of the dump; None for one that is cut or of another family."""
    if len(payload) < _MESSAGE.size or payload[0] != socket.AF_NETLINK:
        return None
    _, _, protocol, _, portid, dst_portid, dst_group, ino, _, _ = _MESSAGE.unpack_from(payload)
    found = attributes(payload, _MESSAGE.size)
    memory = found.get(_MEMINFO, b"")
    rmem, rcvbuf, _, _, _, _, _, _, drops = _MEMORY.unpack_from(memory) if len(memory) >= _MEMORY.size else (None,) * 9
    flags = found.get(_FLAGS, b"")
    dumping = bool(struct.unpack_from("=I", flags)[0] & _CB_RUNNING) if len(flags) >= 4 else None
    groups = group_numbers(found.get(_GROUPS, b""))
    return NetlinkSocket(ino, protocol, portid, dst_portid, dst_group, groups, rmem, rcvbuf, drops, dumping, netns)


def group_numbers(bits: bytes) -> tuple[int, ...]:
    """The numbers of the set bits of a mask of machine words; group 1 is bit 0."""
    mask = bits[: _MOST_GROUPS // 8]
    whole = len(mask) // 4 * 4
    words = struct.unpack(f"={whole // 4}I", mask[:whole])
    return tuple(
        32 * place + bit + 1 for place, word in enumerate(words) if word for bit in range(32) if word >> bit & 1
    )
