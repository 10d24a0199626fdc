"""A real sender and a real receiver at one POSIX queue."""

from __future__ import annotations

import contextlib
import os

from ipcinspect.kernel import mq_transfer
from ipcinspect.mechanisms.room import Demo, Handover

_MESSAGES = 8
_MESSAGE_BYTES = 4096


class _Sender:
    def __init__(self, name: str) -> None:
        self._name = name
        self._fd = -1

    def open(self) -> None:
        """Open for sending alone. Raises OSError."""
        self._fd = mq_transfer.open_existing(self._name, os.O_WRONLY)

    def send(self, payload: bytes) -> None:
        """One message; sleeps while the queue is full. Raises OSError (EMSGSIZE: longer than the queue allows)."""
        mq_transfer.send(self._fd, payload)

    def close(self) -> None:
        """Let go of the queue, which stays."""
        os.close(self._fd)


class _Receiver:
    def __init__(self, name: str) -> None:
        self._name = name
        self._fd = -1

    def open(self) -> None:
        """Open for receiving alone. Raises OSError."""
        self._fd = mq_transfer.open_existing(self._name, os.O_RDONLY)

    def receive(self, size: int) -> bytes:
        """One message, whole; waits for it. Raises OSError."""
        return mq_transfer.receive(self._fd)

    def close(self) -> None:
        """Let go of the queue, which stays."""
        os.close(self._fd)


def _make(directory: str, variant: str) -> Handover:
    """A queue of a name that nobody else has. Raises OSError, with the limit that stands in the way."""
    name = f"/ipcinspect-demo-{os.urandom(8).hex()}"
    mq_transfer.create(name, _MESSAGES, _MESSAGE_BYTES)

    def remove() -> None:
        with contextlib.suppress(FileNotFoundError):
            mq_transfer.unlink(name)

    return Handover((name,), (), (name,), (), remove)


DEMO = Demo(
    variants=("queue",),
    create=_make,
    sender=lambda args, fds: _Sender(args[0]),
    receiver=lambda args, fds: _Receiver(args[0]),
    carries_payload=True,
)
