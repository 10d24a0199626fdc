"""What can be made to go wrong in a walk: a table of faults, each with the stage that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ipcinspect.mechanisms.room import Demo


class Fault(NamedTuple):
    """One thing that can go wrong."""

    stage: str
    """One of `words.STAGES`: where it shows."""
    fits: Callable[[Demo], bool]
    """Whether a mechanism can have it."""


FAULTS_BY_WORD: Mapping[str, Fault] = {}
"""By the words of `plan.FAULTS`."""


def faults_of(demo: Demo) -> tuple[str, ...]:
    """What can be made to go wrong with a mechanism."""
    return tuple(word for word, fault in FAULTS_BY_WORD.items() if fault.fits(demo))
