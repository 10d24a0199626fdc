"""A lock in shared memory (pthread_mutex_lock(3), robust and shared by processes) and sleeping on a word (futex(2)).

For the demo pairs, which own the memory. The C library sleeps in futex(2) only where the lock is taken. Of a robust
lock whose owner died the kernel tells the next who takes it (EOWNERDEAD), by the list in get_robust_list(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform

from ipcinspect.kernel.libc import last_error

LARGEST = 64
"""Bytes to keep free for a pthread_mutex_t: 40 on x86-64, 48 on ARM64 (bits/pthreadtypes-arch.h)."""

_FUTEX = {"x86_64": 202, "aarch64": 98, "riscv64": 98}
_WAIT, _WAKE = 0, 1
_PROCESS_SHARED = _ROBUST = 1

_SLEEPY = ctypes.CDLL(None, use_errno=True)
_lock, _unlock = _SLEEPY.pthread_mutex_lock, _SLEEPY.pthread_mutex_unlock
_lock.argtypes = _unlock.argtypes = (ctypes.c_void_p,)


def initialise(address: int) -> None:
    """Make a free lock there. Raises OSError."""
    attributes = ctypes.create_string_buffer(64)
    _checked(_SLEEPY.pthread_mutexattr_init(attributes))
    try:
        _checked(_SLEEPY.pthread_mutexattr_setpshared(attributes, _PROCESS_SHARED))
        _checked(_SLEEPY.pthread_mutexattr_setrobust(attributes, _ROBUST))
        _checked(_SLEEPY.pthread_mutex_init(ctypes.c_void_p(address), attributes))
    finally:
        _SLEEPY.pthread_mutexattr_destroy(attributes)


def lock(address: int) -> None:
    """Take it, for this thread. Raises OSError; with EOWNERDEAD it is taken all the same, and not consistent yet."""
    if number := _lock(address):
        raise OSError(number, os.strerror(number))


def make_consistent(address: int) -> None:
    """Say that what the lock guards is in order again; the caller has it. Raises OSError."""
    _checked(_SLEEPY.pthread_mutex_consistent(ctypes.c_void_p(address)))


def unlock(address: int) -> None:
    """Give it back. Raises OSError."""
    if number := _unlock(address):
        raise OSError(number, os.strerror(number))


def wait_while(address: int, value: int) -> None:
    """Sleep while the 32 bits there are `value`, until woken (FUTEX_WAIT). Raises OSError (EAGAIN: they differ)."""
    _futex(address, _WAIT, value)


def wake_one(address: int) -> int:
    """How many were woken, 1 or none (FUTEX_WAKE). Raises OSError."""
    return _futex(address, _WAKE, 1)


def _futex(address: int, operation: int, value: int) -> int:
    number = _FUTEX.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), "futex")
    call = (ctypes.c_long(number), ctypes.c_void_p(address), ctypes.c_int(operation), ctypes.c_uint(value))
    answer: int = _SLEEPY.syscall(*call, None, None, 0)
    if answer < 0:
        raise last_error("futex")
    return answer


def _checked(number: int) -> None:
    """These calls answer with the number of the error."""
    if number:
        raise OSError(number, os.strerror(number))
