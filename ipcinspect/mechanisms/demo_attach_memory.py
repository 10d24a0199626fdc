"""The half of a demo on shared memory that somebody else made: it copies bytes, or overwrites those that were named.

There is no ring in it and no lock that a stranger could know: a sender's messages lie one behind the other from the
first byte on, a receiver copies from there. Memory wakes nobody, so nothing waits.
"""

from __future__ import annotations

from typing import Callable

from ipcinspect.kernel.errors import Unsupported
from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.demo_memory import Mapped
from ipcinspect.mechanisms.demo_part import Part

AT = "the first byte"
"""What `Attaching.at` chooses."""


def access_to(attaching: Attaching, size: object, args: tuple[str, ...], takes: str, note: str = "") -> Access:
    """How halves get at memory of so many bytes, and what they do. Raises Unsupported where it has not so many.

    `args`: what leads to it; `takes`: in which way; `note`: what that alone changes of it.
    """
    first, end = attaching.at, attaching.at + attaching.messages * attaching.size
    if not isinstance(size, int):
        raise Unsupported("how many bytes it has is not known")
    if end > size:
        raise Unsupported(f"{attaching.amount} from byte {first} on would end at byte {end}, and it has {size} bytes")
    which = f"bytes {first} to {end - 1}"
    does = [(takes if attaching.sends else f"{takes} for reading alone") + note]
    if attaching.sends:
        does.append(
            f"overwrite {which} with {attaching.amount}: whoever uses it finds other bytes there, and what stood there "
            "is lost"
        )
    if attaching.receives:
        does.append(f"copy {which}; that writes nothing, but a page that nobody has used yet is one of zeros then")
    given = (*args, str(first), str(end))
    return Access(given, given, tuple(does), size - first, "the bytes that it has from there on")


class AttachedMemory:
    """Either half."""

    def __init__(self, part: Part, take: Callable[[Part], Mapped]) -> None:
        """`take`: maps or attaches what the first arguments say; the last two are the bytes."""
        self._part, self._take, self._calls = part, take, part.calls
        self._next = int(part.args[-2])
        self._mapped: Mapped | None = None

    def open(self) -> None:
        """Map or attach. Raises OSError."""
        self._mapped = self._take(self._part)

    def fileno(self) -> None:
        """Nothing that poll(2) could ask about."""

    def send(self, payload: bytes) -> None:
        """Store it behind what was stored before."""
        place = self._advance(len(payload))
        memory = self._memory()

        def store() -> int:
            memory[place : place + len(payload)] = payload
            return len(payload)

        self._calls("store", (f"{len(payload)} bytes at {place}", "no system call"), store)

    def receive(self, size: int) -> bytes:
        """Copy what stands behind what was copied before."""
        place = self._advance(size)
        memory = self._memory()
        shown = (f"{size} bytes at {place}", "no system call")
        return self._calls(
            "load", shown, lambda: bytes(memory[place : place + size]), lambda data: f"{len(data)} bytes"
        )

    def close(self) -> None:
        """Unmap or detach. Raises OSError."""
        if self._mapped is not None:
            self._mapped.let_go()
            self._mapped = None

    def _advance(self, size: int) -> int:
        place, self._next = self._next, self._next + size
        return place

    def _memory(self) -> memoryview:
        assert self._mapped is not None, "used before open or after close"
        return self._mapped.memory
