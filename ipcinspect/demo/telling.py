"""What a walk tells as it goes: each call of the two processes, and beside it what the kernel shows of the channel."""

from __future__ import annotations

from typing import NamedTuple

from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot

SIDES = ("maker", "a", "b")
"""`a` is the sender, `b` the receiver; `maker` the process that makes the object and forks both."""


class Cast(NamedTuple):
    """Who takes part in a walk, by pid."""

    maker: int
    sender: int
    receiver: int


class Evidence(NamedTuple):
    """What the program's own collectors show of the pair's channel at one moment."""

    snapshot: Snapshot
    channel: Channel | None
    """None where they show no such channel (any more)."""
    back: Channel | None = None
    """The second channel, where the answer takes one."""
    seen: str = ""
    """One sentence: `192 of 65536 bytes queued, held by demo-sender 7001/4 and demo-receiver 7002/3`."""


class Told(NamedTuple):
    """One line of a walk. Lines come in the order of `words.STAGES`."""

    stage: str
    side: str | None
    """One of `SIDES`; None for what is not the doing of one process."""
    at_s: float
    """Seconds since the walk began."""
    report: Report | None = None
    """The call, where the line is about one."""
    says: str | None = None
    """A sentence: what the value is, how the receiver was told, what a fault did."""
    evidence: Evidence | None = None
    """What the kernel shows after it."""
    fault: bool = False
    """Whether it is where the wanted fault shows."""
    failed: bool = False
    """Whether it is where the walk could not go on: it ends, with cleaning up."""
    sent: int = 0
    """Messages that the sender's calls have accepted by then."""
    taken: int = 0
    """Messages that the receiver has taken by then."""
    killed: tuple[str, ...] = ()
    """Sides that are dead by then, of SIGKILL."""
