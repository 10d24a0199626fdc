"""The life of one channel as far as it was watched: its state and stage, what happened when, how fast it moves."""

from __future__ import annotations

from typing import NamedTuple


class Event(NamedTuple):
    """One thing that happened to a channel. Its words hold names as the kernel gives them."""

    at: float
    """Seconds since the epoch; of what is inferred, of the snapshot that showed it."""
    stage: str | None
    """The stage of life that it belongs to, one of `words.STAGES`; None where it belongs to none."""
    what: str
    """`buffer full, make 2211 sleeps`."""
    evidence: str
    """One sentence: what shows it, and which interface told (`FIONREAD 65536 of F_GETPIPE_SZ 65536`)."""
    certainty: str
    """One of `words.CERTAINTIES`."""
    state: str | None = None
    """The state that began with it, one of `words.STATES`; None where none did."""


class Rate(NamedTuple):
    """How fast one direction moved between the last two snapshots."""

    to: str
    """The side that reads it."""
    bytes_per_s: float | None
    messages_per_s: float | None
    exact: bool
    """Whether the kernel counted it; otherwise it was at least this."""


class Life(NamedTuple):
    """What is known of one channel's life."""

    state: str
    """One of `words.STATES`, also those that take two looks to tell: flowing, filling, draining."""
    stage: str | None
    """One of `words.STAGES`; None for idle and unknown."""
    first_seen: float
    """Seconds since the epoch of the first snapshot with it."""
    since: float
    """It is in this state at least since then."""
    blocked_since: float | None
    """Somebody waits for it to go on at least since then; None where nobody is seen to wait."""
    progress_at: float | None
    """When data was last known to move; None where that was never seen."""
    born_at: float | None = None
    """When it was made: as the kernel keeps it, or the look that first showed it where earlier ones did not have it.
    None for one that was there at the first look."""
    response_at: float | None = None
    """When data last moved against the direction of the movement before; None where that was never seen."""
    rates: tuple[Rate, ...] = ()
    """One for each direction of which anything is known."""
    samples: tuple[float | None, ...] = ()
    """Bytes per second over all directions at the last snapshots, the newest last; None where it was not known."""
    events: tuple[Event, ...] = ()
    """The newest last; of a long life only the last ones."""
