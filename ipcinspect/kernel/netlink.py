"""Dumps of the kernel's socket tables over a sock_diag(7) netlink socket, without any library on the way."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator

from ipcinspect.kernel.errors import TimedOut, Unsupported

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST_DUMP = 0x301
_NLM_F_DUMP_INTR = 0x10
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_RECEIVE_BYTES = 1 << 18
_DEADLINE_S = 5.0


class Interrupted(Exception):
    """The table changed so much during the dump that the kernel marked it as possibly incomplete."""


def open_diag_socket() -> socket.socket:
    """A sock_diag socket of the calling thread's network namespace. Raises Unsupported."""
    try:
        diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)
    except OSError as error:
        raise Unsupported("sock_diag") from error
    diag.settimeout(_DEADLINE_S)
    return diag


def dump(diag: socket.socket, request: bytes) -> Iterator[bytes]:
    """The payload of each message that answers a dump request. Raises Unsupported, TimedOut or Interrupted."""
    header = _HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 1, 0)
    interrupted = False
    try:
        diag.send(header + request)
        while True:
            datagram = diag.recv(_RECEIVE_BYTES)
            for kind, flags, payload in messages(datagram):
                if kind == _NLMSG_DONE:
                    if interrupted:
                        raise Interrupted
                    return
                if kind == _NLMSG_ERROR:
                    raise _refusal(payload)
                interrupted = interrupted or bool(flags & _NLM_F_DUMP_INTR)
                yield payload
    except socket.timeout as error:
        raise TimedOut("sock_diag") from error
    except OSError as error:
        raise Unsupported("sock_diag") from error


def messages(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(type, flags, payload) of each netlink message in a datagram; stops at the first that is cut."""
    offset, end = 0, len(datagram)
    while offset + _HEADER.size <= end:
        length, kind, flags, _, _ = _HEADER.unpack_from(datagram, offset)
        if length < _HEADER.size or offset + length > end:
            return
        yield kind, flags, datagram[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3


def attributes(payload: bytes, offset: int) -> dict[int, bytes]:
    """The netlink attributes of a message from `offset` on, by type; stops at the first that is cut."""
    found: dict[int, bytes] = {}
    end = len(payload)
    while offset + 4 <= end:
        length, kind = struct.unpack_from("=HH", payload, offset)
        if length < 4 or offset + length > end:
            break
        found[kind] = payload[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def _refusal(payload: bytes) -> Unsupported:
    number = -struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else errno.EINVAL
    return Unsupported(f"sock_diag: {os.strerror(number)}")
