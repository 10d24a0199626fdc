"""What is told of something that is wrong: one full sentence, what shows it, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.wait import ThreadKey

SEVERITIES = ("info", "warning", "error")
CERTAINTIES = ("exact", "likely")


class Evidence(NamedTuple):
    """One fact, and the interface of the kernel that told it."""

    fact: str
    source: str


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. Names in the sentences are kernel text: exact, and hostile until made visible."""

    rule: str
    severity: str
    """One of `SEVERITIES`."""
    certainty: str
    """One of `CERTAINTIES`."""
    message: str
    """One sentence with names and numbers."""
    remedy: str
    threads: tuple[ThreadKey, ...] = ()
    processes: tuple[ProcessKey, ...] = ()
    """Whom it is about as a whole, where no thread of theirs is meant."""
    channels: tuple[ChannelKey, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    caveats: tuple[str, ...] = ()
    """What could make it not so."""
    since: float | None = None
    """Seconds since the epoch: since when at least."""
