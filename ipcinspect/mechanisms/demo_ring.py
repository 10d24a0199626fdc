"""A ring of messages in memory that a sender and a receiver share: for demos.

At the start stand two counters: how many messages were stored so far, which the sender writes, and how many were taken,
which the receiver writes; then the places, one for each message that shall fit at once, each with the length of what
is in it. Each half believes its own count alone: whatever else stands in the memory, another process may have written.
A message is seen before the counter that tells of it, also where no lock sees to that (`_Fence`).
"""

from __future__ import annotations

import errno
import mmap
import os
import platform
import struct
import threading

from ipcinspect.mechanisms.demo_part import Terms

LEAST = 65536
"""Bytes of the memory, unless the messages need more."""
MOST = 16 << 20
HEADER = 128
"""Bytes before the first place."""
STORED, TAKEN, READY = 0, 8, 16
"""Where in the header the counters stand, and the word that says that the lock is ready."""
LOCK = 64
"""Where in the header a lock in the memory itself stands."""

_STORED, _TAKEN = STORED // 8, TAKEN // 8
_LENGTH = struct.Struct("=I")
_ALIGNMENT = 8
LONGEST = MOST - HEADER - _LENGTH.size
"""Bytes of the longest message."""
_WRAPS = 1 << 64


def bytes_for(terms: Terms) -> int:
    """Bytes of the memory for messages of such a size. Raises OSError (EMSGSIZE) where not even one fits."""
    needed = HEADER + places_for(terms) * _step(terms.size)
    return max(LEAST, -(-needed // mmap.PAGESIZE) * mmap.PAGESIZE)


def places_for(terms: Terms) -> int:
    """How many places the ring has: one for each message, if they fit. Raises OSError (EMSGSIZE) as `bytes_for`."""
    places = min(terms.messages, fits(terms.size))
    if places < 1:
        raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    return places


def fits(size: int) -> int:
    """How many messages of a size the largest memory holds."""
    return fits_into(MOST, size)


def fits_into(memory: int, size: int) -> int:
    """How many messages of a size a memory of so many bytes holds."""
    return (memory - HEADER) // _step(size)


def _step(size: int) -> int:
    """Bytes of a place for messages of a size."""
    return -(-(_LENGTH.size + size) // _ALIGNMENT) * _ALIGNMENT


_KEEPS_ORDER = platform.machine() in ("x86_64", "i386", "i686")
"""Whether the processor shows loads and stores to others in their order, as far as a ring needs it."""


class _Fence:
    """Whatever this process did to memory before is seen by others before what it does after.

    A release and then an acquire of the same word, which no processor turns round: that is what a lock of the
    interpreter is made of.
    """

    def __init__(self) -> None:
        self._word = threading.Lock()
        self._word.acquire()

    def __call__(self) -> None:
        self._word.release()
        self._word.acquire()


class Ring:
    """What one half sees of it."""

    def __init__(self, memory: memoryview, places: int, follows: bool = True) -> None:
        """`follows`: whether the sender looks at how far the receiver is; one that may only read cannot say."""
        self._memory, self._is_readonly = memory, memory.readonly
        # as words: what is packed byte by byte the other process could see half of
        self._header = memory[:LOCK].cast("Q")
        self._places = places
        self._step = (len(memory) - HEADER) // places // _ALIGNMENT * _ALIGNMENT
        self._follows = follows
        self._fence = None if _KEEPS_ORDER else _Fence()
        self._own = 0
        """Messages that this half has stored or taken."""

    def divide(self, size: int, most: int) -> None:
        """Make places for messages of another size, as many as fit but `most` at most; both halves do, nothing waits.

        Raises OSError (EMSGSIZE) where not even one fits.
        """
        places = min(fits_into(len(self._memory), size), most)
        if places < 1:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        self._places, self._step = places, _step(size)

    @property
    def next_place(self) -> int:
        """Where the next message is stored or taken by this half."""
        return HEADER + self._own % self._places * self._step

    def has_room(self) -> bool:
        """Whether a place is free. Raises OSError (EBADMSG) where the receiver's counter cannot be true."""
        return not self._follows or self._between(self._own, self._header[_TAKEN]) < self._places

    def has_message(self) -> bool:
        """Whether one is there that was not taken yet. Raises OSError (EBADMSG) as `has_room`."""
        return self._between(self._header[_STORED], self._own) > 0

    def is_empty(self) -> bool:
        """Whether all that this half stored may have been taken. Raises OSError (EBADMSG) as `has_room`."""
        return not self._follows or self._between(self._own, self._header[_TAKEN]) == 0

    def is_full(self) -> bool:
        """Whether every place holds a message that this half has not taken. Raises OSError (EBADMSG) as `has_room`."""
        return self._between(self._header[_STORED], self._own) == self._places

    def put(self, payload: bytes) -> int:
        """Store a message, then count it; there is room. Its bytes. Raises OSError (EMSGSIZE): a place has fewer."""
        memory, place, length = self._memory, self.next_place, len(payload)
        start = place + _LENGTH.size
        if length > self._step - _LENGTH.size:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        memory[start : start + length] = payload
        _LENGTH.pack_into(memory, place, length)
        if self._fence is not None:
            self._fence()
        self._own = (self._own + 1) % _WRAPS
        self._header[_STORED] = self._own
        return length

    def take(self, size: int) -> bytes:
        """At most `size` bytes of the next message. Raises OSError (EBADMSG): what stands there cannot be true."""
        if not self.has_message():
            raise _untrue()
        if self._fence is not None:
            self._fence()
        memory, place = self._memory, self.next_place
        start = place + _LENGTH.size
        length = _LENGTH.unpack_from(memory, place)[0]
        if length > self._step - _LENGTH.size:
            raise _untrue()
        taken = bytes(memory[start : start + min(length, size)])
        self._own = (self._own + 1) % _WRAPS
        if self._fence is not None:
            self._fence()
        if not self._is_readonly:
            self._header[_TAKEN] = self._own
        return taken

    def release(self) -> None:
        """Let go of the memory, so that it can be unmapped."""
        self._header.release()

    def _between(self, ahead: int, behind: int) -> int:
        waiting = (ahead - behind) % _WRAPS
        if waiting > self._places:
            raise _untrue()
        return waiting


def _untrue() -> OSError:
    return OSError(errno.EBADMSG, os.strerror(errno.EBADMSG))
