"""What the demos of memory have in common: a mapping to send through, and an object in /dev/shm with a fresh name."""

from __future__ import annotations

import mmap
import os

from ipcinspect.mechanisms import demo_memory

SIZE = demo_memory.SIZE
_DIRECTORY = "/dev/shm"
"""Where shm_open(3) and sem_open(3) of the C library put their objects."""


class Mapping:
    """One process's view of the memory."""

    def __init__(self) -> None:
        self._mapping: mmap.mmap | None = None
        self._seen = 0

    def take(self, fd: int) -> None:
        """Map what is behind a descriptor. Raises OSError."""
        self._mapping = mmap.mmap(fd, SIZE)

    def send(self, payload: bytes) -> None:
        """Write it where the other looks."""
        assert self._mapping is not None, "send before open"
        with memoryview(self._mapping) as memory:
            demo_memory.put(memory, payload)

    def receive(self, size: int) -> bytes:
        """Read what the other wrote; waits for it."""
        assert self._mapping is not None, "receive before open"
        with memoryview(self._mapping) as memory:
            payload, self._seen = demo_memory.take(memory, self._seen, size)
        return payload

    def close(self) -> None:
        """Unmap."""
        if self._mapping is not None:
            self._mapping.close()


def fresh_name(prefix: str) -> str:
    """A name that nobody else has."""
    return prefix + os.urandom(6).hex()


def create(prefix: str) -> tuple[str, int]:
    """The path of a new object and a descriptor of it. Raises OSError."""
    path = f"{_DIRECTORY}/{fresh_name(prefix)}"
    return path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
