"""Demo halves that write to and read from one descriptor: what pipes and FIFOs have in common."""

from __future__ import annotations

import os
from typing import Callable


class DescriptorSender:
    """Writes whole payloads."""

    def __init__(self, take_end: Callable[[], int]) -> None:
        self._take_end = take_end
        self._fd = -1

    def open(self) -> None:
        """Take hold of the end; may wait for the partner (a FIFO). Raises OSError."""
        self._fd = self._take_end()

    def send(self, payload: bytes) -> None:
        """Write all of it; sleeps while the channel is full. Raises OSError."""
        rest = memoryview(payload)
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def fileno(self) -> int:
        """What poll(2) can ask about."""
        return self._fd

    def close(self) -> None:
        """Let go of the end. Raises OSError."""
        os.close(self._fd)


class DescriptorReceiver:
    """Reads whole payloads."""

    def __init__(self, take_end: Callable[[], int]) -> None:
        self._take_end = take_end
        self._fd = -1

    def open(self) -> None:
        """Take hold of the end; may wait for the partner (a FIFO). Raises OSError."""
        self._fd = self._take_end()

    def receive(self, size: int) -> bytes:
        """Read that many bytes; fewer only where every writer is gone. Raises OSError."""
        parts: list[bytes] = []
        while size > 0 and (part := os.read(self._fd, size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def fileno(self) -> int:
        """What poll(2) can ask about."""
        return self._fd

    def close(self) -> None:
        """Let go of the end. Raises OSError."""
        os.close(self._fd)
