"""Named POSIX semaphores (sem_overview(7)) through the C library: for the demo pairs, on semaphores of their own or
that the user has put them on.

Each call lets go of the interpreter lock: a process that sleeps in one still sees that its demo is over.
"""

from __future__ import annotations

import ctypes
import os
import time

from ipcinspect.kernel.libc import last_error

_SLEEPY = ctypes.CDLL(None, use_errno=True)
_open = _SLEEPY.sem_open
_open.restype = ctypes.c_void_p
_post, _wait, _try_wait, _close = _SLEEPY.sem_post, _SLEEPY.sem_wait, _SLEEPY.sem_trywait, _SLEEPY.sem_close
_timed_wait, _get_value = _SLEEPY.sem_timedwait, _SLEEPY.sem_getvalue
for _function in (_post, _wait, _try_wait, _close):
    _function.argtypes = (ctypes.c_void_p,)
_timed_wait.argtypes = _get_value.argtypes = (ctypes.c_void_p, ctypes.c_void_p)


class _Moment(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]


def create(name: str, mode: int, value: int = 0) -> int:
    """The address of a new semaphore, which nobody else may have made before (O_EXCL). Raises OSError."""
    return _opened(_open(name.encode(), os.O_CREAT | os.O_EXCL, ctypes.c_uint(mode), ctypes.c_uint(value)))


def open_existing(name: str) -> int:
    """The address of a semaphore that exists. Raises OSError."""
    return _opened(_open(os.fsencode(name), 0))


def post(address: int) -> None:
    """sem_post(3). Raises OSError."""
    if _post(address) < 0:
        raise last_error("sem_post")


def wait(address: int) -> None:
    """sem_wait(3): sleeps until its value is above 0. Raises OSError."""
    if _wait(address) < 0:
        raise last_error("sem_wait")


def try_wait(address: int) -> None:
    """sem_trywait(3). Raises OSError (EAGAIN where the value is 0)."""
    if _try_wait(address) < 0:
        raise last_error("sem_trywait")


def wait_at_most(address: int, seconds: float) -> None:
    """sem_timedwait(3). Raises OSError (ETIMEDOUT)."""
    until = time.clock_gettime(time.CLOCK_REALTIME) + seconds
    if _timed_wait(address, ctypes.byref(_Moment(int(until), int(until % 1 * 1e9)))) < 0:
        raise last_error("sem_timedwait")


def value(address: int) -> int:
    """sem_getvalue(3): how often it can be waited for without sleeping. Raises OSError."""
    found = ctypes.c_int()
    if _get_value(address, ctypes.byref(found)) < 0:
        raise last_error("sem_getvalue")
    return found.value


def close(address: int) -> None:
    """sem_close(3). Raises OSError."""
    if _close(address) < 0:
        raise last_error("sem_close")


def _opened(address: int | None) -> int:
    if address is None:
        raise last_error("sem_open")
    return address
