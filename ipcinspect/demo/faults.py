"""What can be made to go wrong in a walk: a table of faults, each with the stage that it belongs to.

A fault gives acts of its own for the stages that it changes; in them it can call the usual one. What it raises ends
the walk as what the kernel itself does would: with its words, and with cleaning up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ipcinspect.mechanisms.room import Demo

if TYPE_CHECKING:
    from ipcinspect.demo.course import Course
    from ipcinspect.demo.telling import Told

Act = Callable[["Course"], "Iterator[Told]"]
"""What happens in one stage of a walk. May raise OSError, DemoError or FormatError."""


class Fault(NamedTuple):
    """One thing that can go wrong."""

    stage: str
    """One of `words.STAGES`: where it shows."""
    fits: Callable[[Demo], bool]
    """Whether a mechanism can have it."""
    acts: Mapping[str, Act]
    """By stage, what happens in place of the usual."""


FAULTS_BY_WORD: Mapping[str, Fault] = {}
"""By the words of `plan.FAULTS`."""


def faults_of(demo: Demo) -> tuple[str, ...]:
    """What can be made to go wrong with a mechanism."""
    return tuple(word for word, fault in FAULTS_BY_WORD.items() if fault.fits(demo))


def acts_with(usual: Mapping[str, Act], word: str | None) -> Mapping[str, Act]:
    """The acts of a walk with this fault in it; the usual ones where there is none."""
    return usual if word is None else {**usual, **FAULTS_BY_WORD[word].acts}
