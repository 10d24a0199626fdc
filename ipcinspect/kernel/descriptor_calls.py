"""What a borrowed descriptor is asked by: calls that keep the interpreter lock (`libc`), none of which sleeps."""

from __future__ import annotations

import ctypes

from ipcinspect.kernel.libc import LIBC

FIONREAD = 0x541B
"""Bytes that a read would get now (ioctl_pipe(2), ioctl_tty(2), socket(7))."""
F_GETPIPE_SZ = 1032
SOL_SOCKET, SO_RCVTIMEO, SO_SNDTIMEO = 1, 20, 21
IPPROTO_TCP, TCP_USER_TIMEOUT = 6, 18
"""asm-generic/socket.h, as 64-bit machines have them."""
POLLIN, POLLOUT, POLLERR, POLLHUP, POLLNVAL, POLLRDHUP = 0x1, 0x4, 0x8, 0x10, 0x20, 0x2000


class PollFd(ctypes.Structure):
    """struct pollfd (poll(2))."""

    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


class TimeVal(ctypes.Structure):
    """struct timeval."""

    _fields_ = [("seconds", ctypes.c_long), ("microseconds", ctypes.c_long)]


ioctl = LIBC["ioctl"]
ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)
fcntl = LIBC["fcntl"]
fcntl.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int)
getsockopt = LIBC["getsockopt"]
getsockopt.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
poll = LIBC["poll"]
poll.argtypes = (ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int)
