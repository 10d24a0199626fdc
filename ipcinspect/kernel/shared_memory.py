"""Anonymous memory at an address (mmap(2)): the `mmap` of Python tells a child no address of what it has."""

from __future__ import annotations

import ctypes
import mmap

from ipcinspect.kernel.libc import LIBC, last_error

_ANYWHERE = -1
_FAILED = ctypes.c_void_p(-1).value
_mmap = LIBC.mmap
_mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64)
_mmap.restype = ctypes.c_void_p
_munmap = LIBC.munmap
_munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


def map_anonymous(size: int) -> int:
    """The address of new memory that children will share. Raises OSError."""
    return map_memory(size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)


def map_memory(size: int, access: int, flags: int) -> int:
    """The address of new memory without a file (MAP_ANONYMOUS among the flags). Raises OSError."""
    address: int | None = _mmap(None, size, access, flags, _ANYWHERE, 0)
    if address is None or address == _FAILED:
        raise last_error("mmap")
    return address


def unmap(address: int, size: int) -> None:
    """Let go of it. Raises OSError."""
    if _munmap(address, size) < 0:
        raise last_error("munmap")
