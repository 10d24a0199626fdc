"""The half of a demo that shares memory: what segments, memory files and mapped files have in common.

Shared memory wakes nobody and has no calls: a message is stored in a slot of its own, and a counter at the start tells
the receiver that something new is there; it looks at the counter until that moves. A sender that is further ahead than
there are slots would write over what was not read yet: a walk never sends more than that at once.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
import time
from typing import Callable, Protocol

from ipcinspect.mechanisms.demo_part import Making, Part, Terms

LEAST = 65536
"""Bytes of the memory, unless the messages need more."""
MOST = 16 << 20

_COUNT = struct.Struct("=Q")
_LOOK_AGAIN_S = 0.001


class Mapped(Protocol):
    """Memory that this process has, until it lets go."""

    @property
    def memory(self) -> memoryview:
        """All of it."""
        ...

    def let_go(self) -> None:
        """Unmap or detach. Raises OSError."""
        ...


def bytes_for(terms: Terms) -> int:
    """Bytes of the memory for so many messages of such a size. Raises OSError (EMSGSIZE) above the limit."""
    needed = _COUNT.size + terms.messages * terms.size
    if needed > MOST:
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    return max(LEAST, -(-needed // mmap.PAGESIZE) * mmap.PAGESIZE)


def size(making: Making, fd: int) -> None:
    """Give a new file the size that the messages need. Raises OSError."""
    wanted = bytes_for(making.terms)
    making.calls("ftruncate", (fd, wanted), lambda: os.ftruncate(fd, wanted))


class Slots:
    """The memory as places for messages; each half counts for itself how many it has stored or taken."""

    def __init__(self, memory: memoryview, slots: int) -> None:
        self._memory = memory
        self._slots = slots
        self._size = (len(memory) - _COUNT.size) // slots
        self._taken = 0

    def place(self, number: int) -> int:
        """Where the message of a number (from 0) is stored."""
        return _COUNT.size + number % self._slots * self._size

    @property
    def stored(self) -> int:
        """How many messages were stored so far; the other process writes that number."""
        return int(_COUNT.unpack_from(self._memory)[0])

    @property
    def next(self) -> int:
        """The number of the message that is taken next."""
        return self._taken

    def put(self, payload: bytes) -> None:
        """Store a payload, then count it. Raises OSError (EMSGSIZE) where it does not fit."""
        if len(payload) > self._size:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        count = self.stored
        place = self.place(count)
        self._memory[place : place + len(payload)] = payload
        _COUNT.pack_into(self._memory, 0, (count + 1) & 0xFFFFFFFFFFFFFFFF)

    def take(self, size: int) -> bytes:
        """The first `size` bytes of the next message; waits for it."""
        while self.stored <= self._taken:
            time.sleep(_LOOK_AGAIN_S)
        place = self.place(self._taken)
        self._taken += 1
        return bytes(self._memory[place : place + min(size, self._size)])


class MemoryEnd:
    """Either half."""

    def __init__(self, part: Part, take: Callable[[], Mapped]) -> None:
        """`take` maps or attaches the memory, and reports the calls of that."""
        self._calls, self._messages, self._take = part.calls, part.terms.messages, take
        self._mapped: Mapped | None = None
        self._slots: Slots | None = None

    def open(self) -> None:
        """Map or attach. Raises OSError."""
        self._mapped = self._take()
        self._slots = Slots(self._mapped.memory, self._messages)

    def fileno(self) -> None:
        """Nothing that poll(2) could ask about."""

    def send(self, payload: bytes) -> None:
        """Store it where the other looks. Raises OSError (EMSGSIZE)."""
        slots = self._open_slots()
        shown = (f"{len(payload)} bytes at {slots.place(slots.stored)}", "no system call")
        self._calls("store", shown, lambda: slots.put(payload), lambda done: len(payload))

    def receive(self, size: int) -> bytes:
        """What the other stored next; waits for it."""
        slots = self._open_slots()
        shown = (f"{size} bytes at {slots.place(slots.next)}", "no system call")
        return self._calls("load", shown, lambda: slots.take(size), lambda data: f"{len(data)} bytes")

    def close(self) -> None:
        """Unmap or detach. Raises OSError."""
        if self._mapped is not None:
            self._slots = None
            self._mapped.let_go()
            self._mapped = None

    def _open_slots(self) -> Slots:
        assert self._slots is not None, "used before open or after close"
        return self._slots


class MappedFile:
    """Memory behind a descriptor, mapped; the descriptor is closed: the mapping keeps the memory."""

    def __init__(self, part: Part, fd: int, writable: bool = True) -> None:
        """Map, then close the descriptor. Raises OSError."""
        self._calls, self._size = part.calls, bytes_for(part.terms)
        access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        shown = (self._size, "PROT_READ|PROT_WRITE" if writable else "PROT_READ", "MAP_SHARED", fd)
        self._mapping = part.calls(
            "mmap", shown, lambda: mmap.mmap(fd, self._size, flags=mmap.MAP_SHARED, prot=access), lambda made: "memory"
        )
        part.calls("close", (fd,), lambda: os.close(fd))
        self.memory = memoryview(self._mapping)

    def let_go(self) -> None:
        """Unmap."""
        self.memory.release()
        self._calls("munmap", (self._size,), self._mapping.close)
