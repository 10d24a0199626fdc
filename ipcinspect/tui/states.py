"""What each condition of a channel (`selection.order.condition`, or in a deadlock) looks like on the screen."""

from __future__ import annotations

from typing import NamedTuple

from ipcinspect.selection.order import SEVERITY_OF_STATE


class StateLook(NamedTuple):
    """One state: its words, its shape, its colour."""

    label: str
    short: str
    """Where the label does not fit the column (9 cells)."""
    mark: str
    """Key of `Glyphs.marks`: the shape alone carries the severity."""
    role: str
    """Role of the palette; the colour only repeats it."""


STATES = {
    "deadlock": StateLook("deadlock", "deadlock", "error", "error"),
    "full": StateLook("full", "full", "error", "error"),
    "waiting-accept": StateLook("waiting", "waiting", "trouble", "warning"),
    "opening": StateLook("opening", "opening", "trouble", "warning"),
    "no-reader": StateLook("no reader", "no reader", "trouble", "warning"),
    "no-writer": StateLook("no writer", "no writer", "trouble", "warning"),
    "half-closed": StateLook("half-closed", "half-shut", "trouble", "warning"),
    "orphaned": StateLook("orphaned", "orphaned", "doubt", "warning"),
    "marked-for-deletion": StateLook("removed", "removed", "doubt", "warning"),
    "contended": StateLook("contended", "contended", "trouble", "warning"),
    "filling": StateLook("filling", "filling", "moving", "ok"),
    "draining": StateLook("draining", "draining", "moving", "ok"),
    "flowing": StateLook("flowing", "flowing", "moving", "ok"),
    "holding": StateLook("holding", "holding", "moving", "text"),
    "idle": StateLook("idle", "idle", "quiet", "muted"),
    "listening": StateLook("listening", "listening", "quiet", "muted"),
    "closed": StateLook("closed", "closed", "gone", "muted"),
    "unknown": StateLook("unknown", "unknown", "unknown", "muted"),
}

MOVING = frozenset(("filling", "draining", "flowing"))
"""States in which data is seen to move."""


def look_of(state: str) -> StateLook:
    """How a state looks; a word that is not in the table (a newer recording) looks unknown."""
    return STATES.get(state, STATES["unknown"])


def label(state: str, width: int) -> str:
    """The state's word for a column of `width` cells that also holds the mark and a space."""
    look = look_of(state)
    return look.label if len(look.label) + 2 <= width else look.short


def is_trouble(state: str) -> bool:
    """Whether the state is one that a user has to look at."""
    return look_of(state).role in ("error", "warning")


def rank(state: str) -> int:
    """The state's place from worst (0) to quietest."""
    severity = SEVERITY_OF_STATE.get(state)
    return len(SEVERITY_OF_STATE) if severity is None else severity.rank
