"""Whether two descriptors are one open file description (kcmp(2)): what tells anonymous inodes apart."""

from __future__ import annotations

import ctypes
import os
import struct

from ipcinspect.kernel.libc import LIBC

_SYS_KCMP = {"x86_64": 312, "aarch64": 272, "riscv64": 272, "ppc64le": 354, "s390x": 343}
_KCMP_FILE, _KCMP_EPOLL_TFD = 0, 7
_ORDERS = {0: 0, 1: -1, 2: 1}
_SLOT = struct.Struct("=III")  # struct kcmp_epoll_slot: efd, tfd, toff

_kcmp = LIBC["syscall"]
_kcmp.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)


def order(pid: int, fd: int, other_pid: int, other_fd: int) -> int | None:
    """Where one descriptor's open file description stands to another's: 0 the same, below 0 before it, above 0 behind.

    The order means nothing but serves to sort. None where the kernel will not say: closed, not ours to ask, no kcmp(2).
    """
    call = _SYS_KCMP.get(os.uname().machine)
    if call is None:
        return None
    return _ORDERS.get(_kcmp(call, pid, other_pid, _KCMP_FILE, fd, other_fd))


def is_watched(pid: int, fd: int, epoll: int, number: int) -> bool | None:
    """Whether a descriptor of a process is what its epoll watches as `number`; None where the kernel will not say.

    It will not where that number was added for several files in turn and the first of them is closed.
    """
    call = _SYS_KCMP.get(os.uname().machine)
    if call is None:
        return None
    slot = ctypes.create_string_buffer(_SLOT.pack(epoll, number, 0), _SLOT.size)
    answer = _kcmp(call, pid, pid, _KCMP_EPOLL_TFD, fd, ctypes.addressof(slot))
    return None if answer < 0 else bool(answer == 0)
