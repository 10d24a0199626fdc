"""What a process may set about itself alone (prctl(2), capset(2), unshare(2))."""

from __future__ import annotations

import ctypes
import struct

from ipcinspect.kernel.libc import LIBC, last_error

_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36
_SIGKILL = 9
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""malloc.h."""
_MOST_MAPPED_FROM, _KEPT_BYTES = 32 << 20, 256 << 20
"""The first is the largest that glibc takes: DEFAULT_MMAP_THRESHOLD_MAX of malloc/malloc.c on 64 bits."""
_SLEEPY = ctypes.CDLL(None)
_CLONE_NEWIPC = 0x08000000
_HEAD = struct.pack("=Ii", 0x20080522, 0)
"""struct __user_cap_header_struct of include/uapi/linux/capability.h: version 3, the calling thread."""
_SETS = struct.Struct("=6I")
"""struct __user_cap_data_struct, twice: effective, permitted, inheritable; the low and the high 32 bits."""
_PASS_OVER = {"CAP_DAC_OVERRIDE": 1, "CAP_DAC_READ_SEARCH": 2, "CAP_IPC_OWNER": 15}


def set_name(name: str) -> None:
    """Give the calling thread a name; of the first thread it is the process's `comm`. The kernel keeps 15 bytes."""
    LIBC.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, in place of pid 1 (PR_SET_CHILD_SUBREAPER).

    So descendants stay descendants, also those that detach: by their parents, and for Yama, which lets a process look
    into those below it (task_is_descendant in security/yama/yama_lsm.c follows real_parent).
    """
    LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_with_parent() -> None:
    """Be killed as soon as the thread ends that forked us (PR_SET_PDEATHSIG); a parent gone before has to be seen."""
    LIBC.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def keep_freed_memory() -> bool:
    """Have malloc(3) use again what was freed in place of giving it back; False where the C library cannot be told so.

    Else each message of more than 128 KiB costs a mapping and its page faults, whatever brought it (mallopt(3)).
    """
    try:
        function = LIBC.mallopt
    except AttributeError:  # musl
        return False
    wanted = ((_M_MMAP_THRESHOLD, _MOST_MAPPED_FROM), (_M_TRIM_THRESHOLD, _KEPT_BYTES))
    return all(function(name, value) == 1 for name, value in wanted)


def wait_for_signal() -> None:
    """Sleep until one comes (pause(2))."""
    _SLEEPY.pause()


def leave_ipc_namespace() -> None:
    """Go into an IPC namespace of our own (unshare(2)), which ends with us. Raises OSError (EPERM)."""
    if LIBC.unshare(_CLONE_NEWIPC) < 0:
        raise last_error("unshare")


def passes_over_permissions() -> tuple[str, ...]:
    """Names of the effective capabilities by which permission bits do not count for us (capabilities(7))."""
    effective = _capabilities()[0]
    return tuple(name for name, bit in _PASS_OVER.items() if effective >> bit & 1)


def obey_permissions() -> None:
    """Put those down; they stay permitted, so that nothing but the effective set changes. Raises OSError."""
    effective, permitted, inheritable = _capabilities()
    for bit in _PASS_OVER.values():
        effective &= ~(1 << bit)
    low, high = (tuple(word >> shift & 0xFFFFFFFF for word in (effective, permitted, inheritable)) for shift in (0, 32))
    if LIBC.capset(_HEAD, _SETS.pack(*low, *high)) < 0:
        raise last_error("capset")


def _capabilities() -> tuple[int, int, int]:
    """Effective, permitted and inheritable set, as bit masks. Raises OSError."""
    answer = ctypes.create_string_buffer(_SETS.size)
    if LIBC.capget(_HEAD, answer) < 0:
        raise last_error("capget")
    words = _SETS.unpack(answer.raw)
    effective, permitted, inheritable = (low | high << 32 for low, high in zip(words[:3], words[3:]))
    return effective, permitted, inheritable
