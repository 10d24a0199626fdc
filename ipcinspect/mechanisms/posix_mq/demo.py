"""A real sender and a real receiver at one POSIX queue."""

from __future__ import annotations

import os

from ipcinspect.kernel import mq_transfer
from ipcinspect.mechanisms.demo_part import Leaving, Making
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

    def fileno(self) -> int:
        """What poll(2) can ask about."""
        return self._fd

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

    def fileno(self) -> int:
        """What poll(2) can ask about."""
        return self._fd

    def close(self) -> None:
        """Let go of the queue, which stays."""
        os.close(self._fd)


def _make(making: Making) -> Handover:
    """A queue of a name that nobody else has. Raises OSError, with the limit that stands in the way."""
    name = f"/ipcinspect-demo-{os.urandom(8).hex()}"
    mq_transfer.create(name, _MESSAGES, _MESSAGE_BYTES)
    return Handover((name,), (), (name,), (), leaves=(Leaving("posix-mq", name),))


DEMO = Demo(
    variants=("queue",),
    create=_make,
    sender=lambda part: _Sender(part.args[0]),
    receiver=lambda part: _Receiver(part.args[0]),
    carries_payload=True,
)
