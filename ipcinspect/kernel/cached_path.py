"""The permission bits behind a path, as far as the kernel has them in memory (openat2(2), RESOLVE_CACHED).

Asking by path is what hangs for good on a dead file server. RESOLVE_CACHED (Linux 5.12) walks by the kernel's own
memory of names alone: where it would have to ask a disk, a server or an automounter it answers EAGAIN instead. O_PATH
opens nothing: no FIFO's partner is released, no device starts. A bound socket pins its name in that memory.
"""

from __future__ import annotations

import ctypes
import os
import struct

from ipcinspect.kernel.libc import LIBC, FileFacts, FileReader, close

_SYS_OPENAT2 = 437  # the same number on every architecture
_AT_FDCWD = -100
_O_PATH = getattr(os, "O_PATH", 0o10000000)
_RESOLVE_CACHED = 0x20
_HOW = struct.pack("=QQQ", _O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW, 0, _RESOLVE_CACHED)

_openat2 = LIBC["syscall"]
_openat2.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)


class CachedPaths:
    """Asks about paths of our own mount namespace; one thread uses it."""

    def __init__(self) -> None:
        self._files = FileReader()

    def facts(self, path: bytes) -> FileFacts | None:
        """The file of an absolute path; None where the kernel has not all of it in memory, or is older than this."""
        if not path.startswith(b"/") or b"\0" in path:
            return None
        fd: int = _openat2(_SYS_OPENAT2, _AT_FDCWD, path, _HOW, len(_HOW))
        if fd < 0:
            return None
        try:
            return self._files.of_open(fd)
        except OSError:
            return None
        finally:
            close(fd)
