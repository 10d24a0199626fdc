"""Unix sockets by sock_diag(7): peers, queues, listeners and their waiting clients (net/unix/diag.c)."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from ipcinspect.kernel.netlink import attributes, dump

TCP_ESTABLISHED, TCP_SYN_SENT, TCP_CLOSE, TCP_LISTEN = 1, 2, 7, 10
RCV_SHUTDOWN, SEND_SHUTDOWN = 1, 2

_REQUEST = struct.Struct("=BBHIIIII")
_SHOW_NAME, _SHOW_VFS, _SHOW_PEER, _SHOW_ICONS, _SHOW_RQLEN, _SHOW_MEMINFO, _SHOW_UID = 1, 2, 4, 8, 16, 32, 64
_SHOW = _SHOW_NAME | _SHOW_VFS | _SHOW_PEER | _SHOW_RQLEN | _SHOW_MEMINFO | _SHOW_UID
_ALL_STATES = 0xFFFFFFFF
_NAME, _VFS, _PEER, _ICONS, _RQLEN, _MEMINFO, _SHUTDOWN, _UID = range(8)
_MESSAGE = struct.Struct("=BBBBIII")
_NO_COOKIE = 0xFFFFFFFF

# The usual message, a connected socket without a name, has all its attributes in one order: one unpack reads it.
_USUAL = struct.Struct("=BBBBI8x HHI HHII HH9I HHB3x HHI".replace(" ", ""))


class UnixSocket(NamedTuple):
    """One row of the table, in the kernel's names (unix_diag.h)."""

    ino: int
    type: int
    """socket.SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET."""
    state: int
    name: bytes | None
    """sun_path; abstract names begin with NUL."""
    vfs_ino: int | None
    vfs_dev: int | None
    """Device in the kernel's own 12+20 bit form."""
    peer: int | None
    """Inode of the peer; 0 where the peer is a closed socket or one not yet accepted; None where there is none."""
    icons: tuple[int, ...]
    """Listener: inodes of the clients waiting to be accepted."""
    rqueue: int | None
    """Stream, seqpacket: bytes to be read here. Datagram: size of the first message. Listener: clients waiting."""
    wqueue: int | None
    """Listener: the backlog. Else: memory of sent and unread messages."""
    rmem_alloc: int | None
    rcvbuf: int | None
    wmem_alloc: int | None
    sndbuf: int | None
    shutdown: int | None
    """RCV_SHUTDOWN and SEND_SHUTDOWN bits. None (and all figures None) in rows from /proc/net/unix, which has no more
    than type, state, inode and name: there a missing peer means nothing."""
    uid: int | None
    netns: int | None
    """Inode of the network namespace whose dump it came from."""


def read_unix_sockets(diag: socket.socket, netns: int | None) -> list[UnixSocket]:
    """Every unix socket of the namespace of `diag`. Raises Unsupported, TimedOut or Interrupted.

    Waiting clients are asked for apart and only where there are any. The kernel ends a dump, as if it were complete,
    at a row that does not fit into one message: a listener with more than about 8000 of them. Its `icons` stay empty.
    """
    rows = _dump(diag, _ALL_STATES, _SHOW, netns)
    if not any(row.state == TCP_LISTEN and row.rqueue for row in rows):
        return rows
    waiting = {row.ino: row.icons for row in _dump(diag, 1 << TCP_LISTEN, _SHOW_ICONS, netns) if row.icons}
    return [row._replace(icons=waiting[row.ino]) if row.ino in waiting else row for row in rows]


def _dump(diag: socket.socket, states: int, show: int, netns: int | None) -> list[UnixSocket]:
    request = _REQUEST.pack(socket.AF_UNIX, 0, 0, states, 0, show, _NO_COOKIE, _NO_COOKIE)
    return [row for row in (parse(payload, netns) for payload in dump(diag, request)) if row is not None]


def parse(payload: bytes, netns: int | None) -> UnixSocket | None:
    """One message of the dump; None for one that is cut or of another family."""
    if len(payload) == _USUAL.size:
        usual = _parse_usual(payload, netns)
        if usual is not None:
            return usual
    if len(payload) < _MESSAGE.size:
        return None
    family, kind, state, _, ino, _, _ = _MESSAGE.unpack_from(payload)
    if family != socket.AF_UNIX:
        return None
    found = attributes(payload, _MESSAGE.size)
    vfs = _words(found.get(_VFS), 2)
    queue = _words(found.get(_RQLEN), 2) or (0, 0)
    memory = _words(found.get(_MEMINFO), 4) or (0, 0, 0, 0)
    peer, uid = _words(found.get(_PEER), 1), _words(found.get(_UID), 1)
    shutdown = found.get(_SHUTDOWN)
    icons = found.get(_ICONS, b"")
    return UnixSocket(
        ino, kind, state, found.get(_NAME),
        vfs[0] if vfs else None, vfs[1] if vfs else None,
        peer[0] if peer else None,
        struct.unpack(f"={len(icons) // 4}I", icons[: len(icons) // 4 * 4]),
        queue[0], queue[1],
        memory[0], memory[1], memory[2], memory[3],
        shutdown[0] if shutdown else 0,
        uid[0] if uid else None,
        netns,
    )  # fmt: skip


def _parse_usual(payload: bytes, netns: int | None) -> UnixSocket | None:
    (family, kind, state, _, ino, _, a_peer, peer, _, a_rqlen, rqueue, wqueue, _, a_mem, rmem, rcvbuf, wmem, sndbuf,
     _, _, _, _, _, _, a_shutdown, shutdown, _, a_uid, uid) = _USUAL.unpack(payload)  # fmt: skip
    if (a_peer, a_rqlen, a_mem, a_shutdown, a_uid) != (_PEER, _RQLEN, _MEMINFO, _SHUTDOWN, _UID) or family != 1:
        return None
    row = (
        ino, kind, state, None, None, None, peer, (), rqueue, wqueue, rmem, rcvbuf, wmem, sndbuf, shutdown, uid, netns
    )  # fmt: skip
    return tuple.__new__(UnixSocket, row)


def _words(value: bytes | None, count: int) -> tuple[int, ...] | None:
    """The first `count` 32-bit words of an attribute; None where it is absent or cut."""
    if value is None or len(value) < 4 * count:
        return None
    return struct.unpack_from(f"={count}I", value)
