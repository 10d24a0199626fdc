"""Mounts that stand nowhere in the file tree and last as long as a look (fsopen(2), fsmount(2); Linux 5.2).

They show file systems of the kernel's own that nobody needs to have mounted. No mount table has them, ours neither,
and nobody else can come upon them.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ipcinspect.kernel.errors import Denied, KernelError, Unsupported
from ipcinspect.kernel.libc import last_error

# the same numbers on every architecture
_SYS_FSOPEN, _SYS_FSCONFIG, _SYS_FSMOUNT = 430, 431, 432
_CLOEXEC = 1
_CMD_CREATE = 6
_READ_ONLY, _NOSUID, _NODEV, _NOEXEC, _NOATIME = 0x1, 0x2, 0x4, 0x8, 0x10
_MODEST = _READ_ONLY | _NOSUID | _NODEV | _NOEXEC | _NOATIME

_SLEEPY = ctypes.CDLL(None, use_errno=True).syscall
"""Making and ending a mount takes locks of the whole machine: meanwhile other threads have their turn."""
_SLEEPY.argtypes = (ctypes.c_long, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_SLEEPY.restype = ctypes.c_long


@contextmanager
def detached_mount(file_system: str) -> Iterator[int]:
    """A descriptor of the root directory of a fresh, read-only, detached mount, which ends with the block.

    Only for file systems that ask nobody but the kernel. A file system of a namespace is that of the namespace which
    the calling thread is in; the mount does not keep the namespace alive. Raises Denied or Unsupported.
    """
    mount = _mounted(file_system)
    try:
        # what fsmount(2) answers is an O_PATH descriptor: it cannot be listed
        try:
            directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mount)
        except OSError as error:
            raise _refusal(error, file_system) from error
        try:
            yield directory
        finally:
            os.close(directory)
    finally:
        os.close(mount)


def _mounted(file_system: str) -> int:
    name = ctypes.c_char_p(file_system.encode())
    context = _call(file_system, _SYS_FSOPEN, name, _CLOEXEC)
    try:
        _call(file_system, _SYS_FSCONFIG, context, _CMD_CREATE)
        return _call(file_system, _SYS_FSMOUNT, context, _CLOEXEC, _MODEST)
    finally:
        os.close(context)


def _call(file_system: str, number: int, first: object, second: int, third: int | None = None) -> int:
    answer: int = _SLEEPY(number, first, second, third, None, 0)
    if answer < 0:
        error = last_error("mount")
        raise _refusal(error, file_system) from error
    return answer


def _refusal(error: OSError, file_system: str) -> KernelError:
    if error.errno in (errno.EPERM, errno.EACCES):
        return Denied(f"a mount of {file_system}")
    return Unsupported(f"a mount of {file_system}: {error.strerror}")
