"""The system calls that Python lacks, through one library handle that keeps the interpreter lock.

`ctypes.PyDLL` does not release the lock around a call: between borrowing a descriptor and closing it no other thread
of this process can run, so that a busy screen cannot prolong the borrow. None of these calls sleeps.
"""

from __future__ import annotations

import ctypes
import os
import stat
from typing import NamedTuple

LIBC = ctypes.PyDLL(None, use_errno=True)

_SYS_PIDFD_GETFD = 438  # the same number on every architecture (pidfd_getfd(2))
_AT_STATX_DONT_SYNC = 0x4000
_STATX_TYPE, _STATX_MODE, _STATX_NLINK = 0x1, 0x2, 0x4
_STATX_UID, _STATX_ATIME, _STATX_MTIME, _STATX_INO = 0x8, 0x20, 0x40, 0x100
_STATX_WANTED = _STATX_TYPE | _STATX_MODE | _STATX_NLINK | _STATX_UID | _STATX_ATIME | _STATX_MTIME | _STATX_INO


def last_error(call: str) -> OSError:
    """The error that the call just made through LIBC left in errno."""
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), call)


class FileFacts(NamedTuple):
    """What statx(2) answers from memory about the file behind a descriptor; no file server is asked."""

    mode: int
    """File type and permission bits."""
    inode: int
    device: int
    nlink: int
    uid: int
    atime: float
    mtime: float

    @property
    def is_fifo(self) -> bool:
        """A pipe with a name in a file system."""
        return stat.S_ISFIFO(self.mode)

    @property
    def is_deleted(self) -> bool:
        """No name leads to it any more; the ` (deleted)` in a link's text can be part of a real name."""
        return self.nlink == 0


class _Timestamp(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_int64), ("nsec", ctypes.c_uint32), ("pad", ctypes.c_int32)]


class _Statx(ctypes.Structure):
    """struct statx of include/uapi/linux/stat.h."""

    _fields_ = [
        ("mask", ctypes.c_uint32),
        ("blksize", ctypes.c_uint32),
        ("attributes", ctypes.c_uint64),
        ("nlink", ctypes.c_uint32),
        ("uid", ctypes.c_uint32),
        ("gid", ctypes.c_uint32),
        ("mode", ctypes.c_uint16),
        ("pad0", ctypes.c_uint16),
        ("ino", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("blocks", ctypes.c_uint64),
        ("attributes_mask", ctypes.c_uint64),
        ("atime", _Timestamp),
        ("btime", _Timestamp),
        ("ctime", _Timestamp),
        ("mtime", _Timestamp),
        ("rdev_major", ctypes.c_uint32),
        ("rdev_minor", ctypes.c_uint32),
        ("dev_major", ctypes.c_uint32),
        ("dev_minor", ctypes.c_uint32),
        ("spare", ctypes.c_uint64 * 14),
    ]


_statx = LIBC.statx
_statx.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)
_getfd = LIBC.syscall
_getfd.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_uint)
_close = LIBC.close
_close.argtypes = (ctypes.c_int,)


def statx_of_descriptor(fd_directory: int, fd: str) -> FileFacts:
    """The file behind /proc/PID/fd/N, from what the kernel has in memory. Raises OSError.

    AT_STATX_DONT_SYNC is what makes this safe: stat(2) asks the file server, and hangs for good on a dead one.
    """
    answer = _Statx()
    if _statx(fd_directory, fd.encode(), _AT_STATX_DONT_SYNC, _STATX_WANTED, ctypes.byref(answer)) < 0:
        raise last_error("statx")
    return FileFacts(
        answer.mode,
        answer.ino,
        os.makedev(answer.dev_major, answer.dev_minor),
        answer.nlink,
        answer.uid,
        answer.atime.sec + answer.atime.nsec / 1e9,
        answer.mtime.sec + answer.mtime.nsec / 1e9,
    )


def pidfd_getfd(pidfd: int, fd: int) -> int:
    """A duplicate of another process's descriptor; the caller closes it at once with `close`. Raises OSError."""
    borrowed: int = _getfd(_SYS_PIDFD_GETFD, pidfd, fd, 0)
    if borrowed < 0:
        raise last_error("pidfd_getfd")
    return borrowed


def close(fd: int) -> None:
    """close(2) without letting go of the interpreter lock first."""
    _close(fd)
