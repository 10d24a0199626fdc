"""The system calls that Python lacks.

LIBC is a `ctypes.PyDLL`: it does not release the interpreter lock around a call, so that between borrowing a
descriptor and closing it no call hands the turn to a busy screen, which would then keep it for milliseconds. What is
asked about files of users goes through a `ctypes.CDLL`, which releases the lock: a file system that does not know
AT_STATX_DONT_SYNC could make it sleep.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import struct
from typing import NamedTuple

LIBC = ctypes.PyDLL(None, use_errno=True)

_PR_SET_PDEATHSIG = 1
_EFD_SEMAPHORE, _EFD_CLOEXEC, _EFD_NONBLOCK = 1, os.O_CLOEXEC, os.O_NONBLOCK
_SYS_PIDFD_GETFD = 438  # the same number on every architecture (pidfd_getfd(2))
_AT_STATX_DONT_SYNC, _AT_EMPTY_PATH = 0x4000, 0x1000
_AT_SYMLINK_NOFOLLOW, _AT_NO_AUTOMOUNT = 0x100, 0x800
_STATX_TYPE, _STATX_MODE, _STATX_NLINK = 0x1, 0x2, 0x4
_STATX_UID, _STATX_ATIME, _STATX_MTIME, _STATX_INO = 0x8, 0x20, 0x40, 0x100
_STATX_SIZE, _STATX_BLOCKS, _STATX_BTIME = 0x200, 0x400, 0x800
_STATX_WANTED = (
    _STATX_TYPE | _STATX_MODE | _STATX_NLINK | _STATX_UID | _STATX_ATIME | _STATX_MTIME | _STATX_INO
    | _STATX_SIZE | _STATX_BLOCKS | _STATX_BTIME
)  # fmt: skip


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
    rdev: int = 0
    """What device a device file stands for."""
    size: int = 0
    blocks: int = 0
    """Allocated, in units of 512 bytes."""
    btime: float | None = None
    """When it was made; None where its file system does not keep that."""

    @property
    def is_fifo(self) -> bool:
        """A pipe with a name in a file system."""
        return stat.S_ISFIFO(self.mode)

    @property
    def is_deleted(self) -> bool:
        """No name leads to it any more; the ` (deleted)` in a link's text can be part of a real name."""
        return self.nlink == 0


# struct statx of include/uapi/linux/stat.h, as far as it is used
_ANSWER = struct.Struct("=I12xII4xH2xQQQ8xqI4xqI4x16xqI4xIIII112x")
_MODE_OFFSET = 28
_ANSWER_BYTES = 256


_statx = LIBC.statx
_statx.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)
_statx_of_file = ctypes.CDLL(None, use_errno=True).statx
_statx_of_file.argtypes = _statx.argtypes
_getfd = LIBC.syscall
_getfd.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_uint)
_close = LIBC.close
_close.argtypes = (ctypes.c_int,)


class FileReader:
    """Asks statx(2) about the files behind descriptors; one buffer serves all answers, so one thread uses it.

    AT_STATX_DONT_SYNC is what makes this safe: stat(2) asks the file server, and hangs for good on a dead one.
    """

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(_ANSWER_BYTES)
        self._address = ctypes.addressof(self._buffer)
        self._mode = ctypes.c_uint16.from_buffer(self._buffer, _MODE_OFFSET)

    def mode(self, directory: int, name: str) -> int:
        """File type and permission bits of the file behind /proc/PID/fd/N. Raises OSError."""
        if _statx_of_file(directory, name.encode(), _AT_STATX_DONT_SYNC, _STATX_WANTED, self._address) < 0:
            raise last_error("statx")
        return self._mode.value

    def facts(self, directory: int, name: str) -> FileFacts:
        """All facts of the file behind /proc/PID/fd/N. Raises OSError."""
        self.mode(directory, name)
        return self.latest()

    def of_entry(self, directory: int, name: str) -> FileFacts:
        """All facts of what a directory has by that name, of a link itself; `` is the directory. Raises OSError."""
        flags = _AT_STATX_DONT_SYNC | _AT_SYMLINK_NOFOLLOW | _AT_NO_AUTOMOUNT | _AT_EMPTY_PATH
        if _statx_of_file(directory, os.fsencode(name), flags, _STATX_WANTED, self._address) < 0:
            raise last_error("statx")
        return self.latest()

    def of_open(self, fd: int) -> FileFacts:
        """All facts of the file behind a descriptor that we hold; keeps the interpreter lock. Raises OSError."""
        if _statx(fd, b"", _AT_STATX_DONT_SYNC | _AT_EMPTY_PATH, _STATX_WANTED, self._address) < 0:
            raise last_error("statx")
        return self.latest()

    def latest(self) -> FileFacts:
        """All facts of the file that was asked about last."""
        (mask, nlink, uid, mode, inode, size, blocks, asec, ansec, bsec, bnsec, msec, mnsec,
         rmajor, rminor, major, minor) = _ANSWER.unpack_from(self._buffer)  # fmt: skip
        return FileFacts(
            mode,
            inode,
            os.makedev(major, minor),
            nlink,
            uid,
            asec + ansec / 1e9,
            msec + mnsec / 1e9,
            os.makedev(rmajor, rminor),
            size,
            blocks,
            bsec + bnsec / 1e9 if mask & _STATX_BTIME and bsec else None,
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


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when the thread that forked it ends (PR_SET_PDEATHSIG, prctl(2))."""
    LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def eventfd(count: int, semaphore: bool, blocking: bool = True) -> int:
    """A new eventfd that children do not inherit by themselves (eventfd(2)). Raises OSError."""
    flags = _EFD_CLOEXEC | (_EFD_SEMAPHORE if semaphore else 0) | (0 if blocking else _EFD_NONBLOCK)
    fd: int = LIBC.eventfd(ctypes.c_uint(count), flags)
    if fd < 0:
        raise last_error("eventfd")
    return fd
