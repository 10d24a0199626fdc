"""What is in a channel, copied without taking it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Piece(NamedTuple):
    """A message, or a run of bytes that lie together."""

    data: bytes
    """As much of it as was copied."""
    size: int | None
    """Bytes that the whole piece has; None where the kernel does not tell."""
    title: str | None = None
    """What distinguishes it: `type 5`, `priority 3`, `to socket:[77]`, `from 127.0.0.1:9`. May hold kernel text."""
    offset: int = 0
    """Where in the channel it begins, in bytes: memory has holes between pieces."""


@dataclass(frozen=True)
class Contents:
    """The answer to one request to look inside."""

    pieces: tuple[Piece, ...]
    """In the order in which a reader would get them; of memory by offset, without holes."""
    by: str
    """Through what it was copied, as evidence: `tee(2) through descriptor 0 of tee 2212`. Empty where nothing was."""
    total_bytes: int | None
    """Bytes that are there altogether; None where the kernel does not tell."""
    total_messages: int | None = None
    refusal: str | None = None
    """One line that says why nothing could be copied; None where something was, or where it is known to be empty."""
    note: str | None = None
    """One line about what was copied that the reader has to know: `descriptors ride along`, `a hole is not shown`."""
    refusal_why: str | None = None
    """The kind of refusal, as `Gap.why` has it (`denied`, ...); None where nobody told."""

    @property
    def shown_bytes(self) -> int:
        """Bytes that were copied."""
        return sum(len(piece.data) for piece in self.pieces)


def refused(sentence: str, why: str | None = None) -> Contents:
    """Nothing could be copied, and why."""
    return Contents((), "", None, None, sentence, refusal_why=why)
