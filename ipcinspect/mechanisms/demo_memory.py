"""The half of a demo that shares memory: what segments, memory files and mapped files have in common.

Shared memory wakes nobody and has no calls. Without a lock, who waits looks at the counters of the ring again and
again; with one, it is guarded by it and who waits sleeps in the kernel (`demo_locks`). Under terms that do not sleep a
half looks once and raises BlockingIOError.
"""

from __future__ import annotations

import errno
import mmap
import os
import time
from typing import Callable, Protocol

from ipcinspect.mechanisms import demo_locks
from ipcinspect.mechanisms.demo_part import Making, Part
from ipcinspect.mechanisms.demo_ring import Ring, bytes_for, places_for
from ipcinspect.mechanisms.room import Demo, Handover

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


Take = Callable[[Part], Mapped]
"""Maps or attaches the memory that a half was given, and reports the calls of that. Raises OSError."""


def demo(
    variant: str,
    create: Callable[[Making], Handover],
    take: Take,
    locks: tuple[str, ...],
    receiver_takes: Take | None = None,
) -> Demo:
    """The demo of a kind of memory. `receiver_takes`: where that may only read, and cannot say how far it is."""
    follows = receiver_takes is None
    return Demo(
        variants=(variant,),
        create=lambda making: _with_lock(making, create),
        sender=lambda part: MemoryEnd(part, take, True, follows),
        receiver=lambda part: MemoryEnd(part, receiver_takes or take, False, follows),
        carries_payload=True,
        locks=locks,
    )


def _with_lock(making: Making, create: Callable[[Making], Handover]) -> Handover:
    """The memory and what guards it; the word for the lock is the last that both halves are given. Raises OSError."""
    lock = demo_locks.make(making)
    try:
        made = create(making)
    except OSError:
        demo_locks.remove(lock)
        raise
    words = () if lock.word is None else (lock.word,)
    return made._replace(
        sender_args=(*made.sender_args, *words),
        receiver_args=(*made.receiver_args, *words),
        leaves=(*made.leaves, *lock.leaves),
    )


def size(making: Making, fd: int) -> None:
    """Give a new file the size that the messages need. Raises OSError.

    Who measures uses all of it, so it gets the pages at once: on a full file system that is an error here (ENOSPC) and
    not a signal later (SIGBUS, mmap(2)).
    """
    wanted = bytes_for(making.terms)
    making.calls("ftruncate", (fd, wanted), lambda: os.ftruncate(fd, wanted))
    if making.terms.measured:
        making.calls("posix_fallocate", (fd, 0, wanted), lambda: os.posix_fallocate(fd, 0, wanted))


class MemoryEnd:
    """Either half."""

    def __init__(self, part: Part, take: Take, is_sender: bool, follows: bool) -> None:
        self._part, self._take, self._is_sender, self._follows = part, take, is_sender, follows
        self._calls = part.calls
        self._guard = demo_locks.guard_of(part)
        self._mapped: Mapped | None = None
        self._ring: Ring | None = None
        self._store: Callable[[bytes], int]
        self._load: Callable[[int], bytes]

    def open(self) -> None:
        """Map or attach, and take hold of the lock. Raises OSError."""
        self._mapped = self._take(self._part)
        self._ring = ring = Ring(self._mapped.memory, places_for(self._part.terms), self._follows)

        def shown(size: int) -> tuple[str, str]:
            return f"{size} bytes at {ring.next_place}", "no system call"

        load = self._take_when_there if self._guard is None else ring.take
        self._store = self._calls.bound("store", ring.put, lambda payload: shown(len(payload)))
        self._load = self._calls.bound("load", load, shown, lambda data: f"{len(data)} bytes")
        if self._guard is not None:
            self._guard.open(self._mapped.memory, self._is_sender)

    def fileno(self) -> None:
        """Nothing that poll(2) could ask about."""

    def divide(self, size: int, most: int) -> None:
        """From now on for messages of this size, `most` at once. Both halves do it; nothing waits. Raises OSError."""
        self._open_ring().divide(size, most)

    def send(self, payload: bytes) -> None:
        """Store it where the other looks; waits for a free place. Raises OSError (EMSGSIZE, EBADMSG, of the lock)."""
        ring, guard = self._open_ring(), self._guard
        if not ring.has_room():
            self._refuse_to_wait()
            self._await_room(ring.has_room)
        if guard is None:
            self._store(payload)
            return
        guard.lock()
        try:
            was_empty = ring.is_empty()
            self._store(payload)
        finally:
            guard.unlock()
        guard.announce(was_empty)

    def receive(self, size: int) -> bytes:
        """What the other stored next; waits for it. Raises OSError (EBADMSG, of the lock)."""
        ring, guard = self._open_ring(), self._guard
        if not self._part.terms.blocking and not ring.has_message():
            self._refuse_to_wait()
        if guard is None:
            return self._load(size)
        guard.wait(ring.has_message)
        guard.lock()
        try:
            was_full = ring.is_full()
            data = self._load(size)
        finally:
            guard.unlock()
        if was_full:
            guard.announce_room()
        return data

    def hold(self) -> None:
        """Take the lock and keep it: for an owner that dies with it. Raises OSError."""
        assert self._guard is not None, "there is no lock"
        self._guard.lock()

    def close(self) -> None:
        """Let go of the lock, then unmap or detach. Raises OSError."""
        if self._mapped is not None:
            if self._guard is not None:
                self._guard.close()
            self._open_ring().release()
            self._ring = None
            self._mapped.let_go()
            self._mapped = None

    def _refuse_to_wait(self) -> None:
        """Raises BlockingIOError under terms that do not sleep, as a call of the kernel would."""
        if not self._part.terms.blocking:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def _await_room(self, has_room: Callable[[], bool]) -> None:
        if self._guard is not None:
            self._guard.wait_for_room(has_room)
        else:
            self._calls("look", ("for a free place, again each ms", "no system call"), lambda: _until(has_room))

    def _take_when_there(self, size: int) -> bytes:
        ring = self._open_ring()
        _until(ring.has_message)
        return ring.take(size)

    def _open_ring(self) -> Ring:
        assert self._ring is not None, "used before open or after close"
        return self._ring


def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(_LOOK_AGAIN_S)


class MappedFile:
    """Memory behind a descriptor, mapped; the descriptor is closed: the mapping keeps the memory."""

    def __init__(self, part: Part, fd: int, writable: bool = True, size: int | None = None) -> None:
        """Map it, or the first `size` bytes, then close the descriptor. Raises OSError."""
        self._calls, self._size = part.calls, bytes_for(part.terms) if size is None else size
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
