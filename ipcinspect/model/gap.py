"""What could not be seen, and why: a gap is a row, never a silent hole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gap:
    """Something that a snapshot lacks."""

    what: str
    """In plain words, plural where counted: `descriptors of processes`, `sockets of network namespace 402653`."""
    why: str
    """`denied`, `vanished`, `unsupported`, `timed out`, `other namespace`."""
    count: int | None
    """How many; None where that is not known either."""


@dataclass(frozen=True)
class Sight:
    """One thing that can or cannot be seen here, as `doctor` tells it."""

    subject: str
    verdict: str
    """`yes`, `partly` or `no`."""
    detail: str
    """One sentence with the numbers."""
    remedy: str | None
    """What to type to see more; None where nothing is missing or nothing helps."""
