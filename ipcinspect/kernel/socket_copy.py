"""What waits in a socket, copied without taking it out (MSG_PEEK, recv(2)).

What a peek could take away is asked for first, and then it is not done:

* a pending error: whoever receives takes it (sock_error in include/net/sock.h), so poll(2) has to deny POLLERR. For a
  datagram socket one that arrives in the microsecond between the two calls would be lost; nothing closes that gap;
* the owner's own place in the queue (socket(7), SO_PEEK_OFF): any peek moves it where the owner has set one. It is only
  read here, never set;
* a stream that is at its end or failed: it is received from only where bytes wait;
* descriptors in a message (SCM_RIGHTS): with no buffer for control messages the kernel installs none;
* a TCP socket with a protocol on top (kTLS, TCP_ULP in tcp(7)): the bytes are records of that protocol, and to look may
  decrypt them. A socket that a BPF program redirects (sockmap) cannot be told from others.

Time stamps, drop counters, windows and acknowledgements stay as they are but for two traces: TCP may acknowledge a
little earlier what it would have acknowledged soon, and the ancient SIOCGSTAMP tells of the last datagram looked at.
Readers of a UNIX socket, and everybody at a TCP socket, take turns by a lock: the caller has just seen that nobody
sleeps for good with it.
"""

from __future__ import annotations

import ctypes
import errno
import socket
from typing import NamedTuple

from ipcinspect.kernel.borrow import Lender
from ipcinspect.kernel.descriptor_calls import FIONREAD, POLLERR, POLLIN, POLLRDHUP, PollFd
from ipcinspect.kernel.descriptor_calls import ioctl as _ioctl
from ipcinspect.kernel.descriptor_calls import poll as _poll
from ipcinspect.kernel.libc import LIBC

_SIOCOUTQNSD = 0x894B
_SO_TYPE, _SO_ACCEPTCONN, _SO_PROTOCOL, _SO_PEEK_OFF = 3, 30, 38, 42
_TCP_ULP = 31
_MSG_PEEK, _MSG_DONTWAIT, _MSG_TRUNC = 0x2, 0x40, 0x20
_NOT_KNOWN_HERE = (errno.EOPNOTSUPP, errno.ENOPROTOOPT)
_ADDRESS_BYTES = 128
LONGEST_COPY = 1 << 20
"""Bytes: the socket is borrowed while they are copied, for about 0.1 ms."""


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class _Msghdr(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint),
        ("iov", ctypes.c_void_p),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


_getsockopt = LIBC.getsockopt
_getsockopt.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_recvmsg = LIBC.recvmsg
_recvmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_recvmsg.restype = ctypes.c_ssize_t


class SocketCopy(NamedTuple):
    """What one socket has for its reader."""

    data: bytes | None
    """The first bytes of a stream, or the first message; None where nothing waits, or where it was not looked at."""
    size: int
    """Of the whole first message; of a stream, bytes that wait."""
    queued_bytes: int | None
    """Bytes that wait in all; None for datagrams, of which the kernel tells the first alone."""
    is_stream: bool
    source: bytes
    """The address of the sender of a message, as the kernel writes it; empty where it has none."""
    ended: bool
    """POLLRDHUP: the other end will send no more."""
    obstacle: str | None
    """Why it was not looked at."""


class SocketCopier:
    """Buffers for looks at sockets: made before one is borrowed. One thread uses it."""

    def __init__(self, most: int) -> None:
        """`most` bytes of each socket, but no more than LONGEST_COPY."""
        most = min(most, LONGEST_COPY)
        self._data = ctypes.create_string_buffer(max(most, 1))
        self._most = most
        self._address = ctypes.create_string_buffer(_ADDRESS_BYTES)
        self._iovec = _Iovec(ctypes.addressof(self._data), most)
        self._message = _Msghdr(ctypes.addressof(self._address), 0, ctypes.addressof(self._iovec), 1, None, 0, 0)
        self._message_at = ctypes.addressof(self._message)
        self._poll = PollFd()
        self._poll_at = ctypes.addressof(self._poll)
        self._number = ctypes.c_int()
        self._number_at = ctypes.addressof(self._number)
        self._text = ctypes.create_string_buffer(16)
        self._length = ctypes.c_uint()
        self._length_at = ctypes.addressof(self._length)
        self._obstacle: str | None = None
        self._type = 0
        self._queued = 0

    def copy(self, lender: Lender, fd: int, inode: int) -> SocketCopy:
        """The first bytes or the first message of the socket `inode`. Raises Vanished, Denied or Unsupported."""
        self._obstacle, self._type, self._queued = None, 0, 0
        self._message.flags = self._message.namelen = 0
        self._poll.revents = 0
        _, got = lender.ask(fd, f"socket:[{inode}]", inode, self._ask)
        is_stream = self._type == socket.SOCK_STREAM
        waits = got > 0
        size = self._queued if is_stream else got - 1
        return SocketCopy(
            ctypes.string_at(self._data, min(got - 1, self._most)) if waits else None,
            size if waits else 0,
            None if self._obstacle or (waits and self._type == socket.SOCK_DGRAM) else self._queued if waits else 0,
            is_stream,
            self._address.raw[: min(self._message.namelen, _ADDRESS_BYTES)] if waits else b"",
            bool(self._poll.revents & POLLRDHUP),
            self._obstacle,
        )

    def unsent(self, lender: Lender, fd: int, inode: int) -> int:
        """Bytes of a TCP socket that it has not sent yet (SIOCOUTQNSD, tcp(7)). Raises as `copy`."""
        lender.ask(fd, f"socket:[{inode}]", inode, lambda it: int(_ioctl(it, _SIOCOUTQNSD, self._number_at)))
        return self._number.value

    def _ask(self, borrowed: int) -> int:
        """0 where nothing was copied, 1 and more for what was; below 0 with errno."""
        if not self._may_look(borrowed):
            return 0 if self._obstacle else -1
        if _ioctl(borrowed, FIONREAD, self._number_at) < 0:
            return -1
        self._queued = self._number.value
        self._poll.fd, self._poll.events = borrowed, POLLIN | POLLRDHUP
        if _poll(self._poll_at, 1, 0) < 0:
            return -1
        if self._poll.revents & POLLERR:
            self._obstacle = "an error waits for its owner, and a look would take it away"
            return 0
        is_stream = self._type == socket.SOCK_STREAM
        if not (self._queued if is_stream else self._poll.revents & POLLIN):
            return 0
        return self._receive(borrowed, _MSG_PEEK | _MSG_DONTWAIT | (0 if is_stream else _MSG_TRUNC))

    def _receive(self, borrowed: int, flags: int) -> int:
        self._message.namelen = _ADDRESS_BYTES
        got: int = _recvmsg(borrowed, self._message_at, flags)
        if got < 0:
            return 0 if ctypes.get_errno() == errno.EAGAIN else -1
        if got == 0 and self._type != socket.SOCK_DGRAM and self._poll.revents & POLLRDHUP:
            return 0  # the end of the conversation, not an empty message
        return got + 1

    def _may_look(self, borrowed: int) -> bool:
        """Whether nothing stands against it; `_obstacle` says what does, and is None where a call failed."""
        if not self._option(borrowed, socket.SOL_SOCKET, _SO_ACCEPTCONN):
            return False
        if self._number.value:
            self._obstacle = "it listens: connections wait in it, not bytes"
            return False
        if not self._option(borrowed, socket.SOL_SOCKET, _SO_TYPE):
            return False
        self._type = self._number.value
        self._number.value = -1
        if not self._option(borrowed, socket.SOL_SOCKET, _SO_PEEK_OFF):
            if ctypes.get_errno() not in _NOT_KNOWN_HERE:
                return False
        elif self._number.value >= 0:
            self._obstacle = "its owner looks ahead itself (it has set a peek offset), and a look would move that"
            return False
        return self._has_nothing_on_top(borrowed)

    def _has_nothing_on_top(self, borrowed: int) -> bool:
        if not self._option(borrowed, socket.SOL_SOCKET, _SO_PROTOCOL):
            return False
        if self._number.value != socket.IPPROTO_TCP:
            return True
        self._length.value = len(self._text)
        if _getsockopt(borrowed, socket.IPPROTO_TCP, _TCP_ULP, self._text, self._length_at) < 0:
            return ctypes.get_errno() in _NOT_KNOWN_HERE
        if self._length.value:
            self._obstacle = f"the kernel runs {self._text.value.decode('ascii', 'replace')} on it (TCP_ULP)"
            return False
        return True

    def _option(self, borrowed: int, level: int, name: int) -> bool:
        self._length.value = ctypes.sizeof(self._number)
        return bool(_getsockopt(borrowed, level, name, self._number_at, self._length_at) == 0)
