"""The state that two looks tell: what moves is flowing, filling or draining."""

from __future__ import annotations

from collections.abc import Sequence

from ipcinspect.lifecycle.movement import Movement

_REFINED = frozenset(("idle", "holding", "unknown"))
"""States of one look that movement says more about. The others are news by themselves: a full one stays full."""

Trend = tuple[tuple[str, int], ...]
"""By direction, whether the look before showed more (1) or less (-1) in it than the one before that."""


def refined(state: str, movements: Sequence[Movement], trend: Trend) -> str:
    """The state of a channel whose single look says `state`, of `words.STATES`."""
    if state not in _REFINED:
        return state
    verdicts = {_verdict(movement, dict(trend).get(movement.to, 0)) for movement in movements}
    return next((word for word in ("flowing", "filling", "draining") if word in verdicts), state)


def trend_of(movements: Sequence[Movement]) -> Trend:
    """What the next look has to know of these."""
    return tuple((movement.to, movement.change) for movement in movements if movement.change)


def _verdict(movement: Movement, before: int) -> str | None:
    """One direction. What swells in one look and sinks in the next moves both ways."""
    if (movement.written and movement.read) or movement.change * before < 0:
        return "flowing"
    if movement.counted and movement.change <= 0:
        return "flowing"
    if movement.change > 0:
        return "filling"
    return "draining" if movement.change < 0 else None
