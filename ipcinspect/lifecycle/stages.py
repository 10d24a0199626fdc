"""The seven stages of a channel's life as a track: which are behind it, where it stands, what is to come."""

from __future__ import annotations

from typing import NamedTuple

STATUSES = ("done", "now", "stuck", "ahead", "none")
"""`none`: the stage does not apply to this channel (the response of a one-way channel)."""


class Station(NamedTuple):
    """One stage of one channel."""

    stage: str
    """One of `words.STAGES`."""
    status: str
    """One of `STATUSES`."""
    fact: str
    """A few words: `full 2m10`, `one way`; empty where there is nothing to say."""
