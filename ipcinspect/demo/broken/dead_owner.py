"""A mutex in shared memory whose owner died with it, and a process that wants it."""

from __future__ import annotations

import ctypes
import mmap
import os

from ipcinspect.demo.broken.scenario import Scenario, fork

_LIBRARY = ctypes.CDLL(None)
_PROCESS_SHARED = 1
_ATTRIBUTES_BYTES = 64


def _begin(directory: str) -> None:
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    mutex = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    attributes = ctypes.create_string_buffer(_ATTRIBUTES_BYTES)
    _LIBRARY.pthread_mutexattr_init(attributes)
    _LIBRARY.pthread_mutexattr_setpshared(attributes, _PROCESS_SHARED)
    _LIBRARY.pthread_mutex_init(mutex, attributes)
    owner = fork(lambda: _LIBRARY.pthread_mutex_lock(mutex), "broken-owner")
    os.waitpid(owner, 0)
    _LIBRARY.pthread_mutex_lock(mutex)


SCENARIO = Scenario(
    "lock-owner-died", "lock-owner-died", "a process wants a shared mutex whose owner has died with it", _begin
)
