"""A place in shared memory for one payload at a time: what the demos of segments and mapped files have in common.

Shared memory wakes nobody. A counter at its start tells the receiver that something new is there; it looks at the
counter until that moves.
"""

from __future__ import annotations

import errno
import os
import struct
import time

SIZE = 65536
"""Bytes of the memory that the demos share."""

_COUNT = struct.Struct("=Q")
_LOOK_AGAIN_S = 0.001


def put(memory: memoryview, payload: bytes) -> None:
    """Write a payload, then count it. Raises OSError (EMSGSIZE) where it does not fit."""
    end = _COUNT.size + len(payload)
    if end > len(memory):
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    memory[_COUNT.size : end] = payload
    _COUNT.pack_into(memory, 0, _COUNT.unpack_from(memory)[0] + 1)


def take(memory: memoryview, seen: int, size: int) -> tuple[bytes, int]:
    """The first `size` bytes of a payload that is newer than number `seen`, and its number; waits for it."""
    while (count := int(_COUNT.unpack_from(memory)[0])) <= seen:
        time.sleep(_LOOK_AGAIN_S)
    return bytes(memory[_COUNT.size : _COUNT.size + size]), count
