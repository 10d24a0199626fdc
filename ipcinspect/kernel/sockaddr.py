"""Addresses as recvmsg(2) fills them in (ip(7), ipv6(7), unix(7))."""

from __future__ import annotations

import socket
import struct

_FAMILY = struct.Struct("=H")
_PORT = struct.Struct("!H")


def parse_inet(address: bytes) -> tuple[bytes, int] | None:
    """(address of 4 or 16 bytes, port); None for what is none. An IPv4 address mapped into IPv6 is that one."""
    if len(address) < _FAMILY.size:
        return None
    (family,) = _FAMILY.unpack_from(address)
    start, size = {int(socket.AF_INET): (4, 4), int(socket.AF_INET6): (8, 16)}.get(family, (0, 0))
    if not size or len(address) < start + size:
        return None
    host = address[start : start + size]
    (port,) = _PORT.unpack_from(address, _FAMILY.size)
    return (host[12:] if host[:12] == b"\0" * 10 + b"\xff\xff" else host), port


def parse_unix(address: bytes) -> bytes | None:
    """The bound name: a path, or NUL and an abstract name; None for a socket without one."""
    if len(address) <= _FAMILY.size or _FAMILY.unpack_from(address)[0] != int(socket.AF_UNIX):
        return None
    name = address[_FAMILY.size :]
    return name if name[0] == 0 else name.split(b"\0", 1)[0]
