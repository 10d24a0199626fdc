"""What can be made to go wrong in a walk: a table of faults, each with the stage that it belongs to.

What happens then stands in `mishaps.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ipcinspect.mechanisms.room import Demo

STAYS = frozenset(("sysv-msg", "sysv-sem", "sysv-shm", "posix-mq", "posix-shm", "posix-sem"))
"""Mechanisms whose object is still there, and seen, when nobody has it open."""


class Fault(NamedTuple):
    """One thing that can go wrong."""

    stage: str
    """One of `words.STAGES`: where it belongs; System V asks for permission one stage later, when it is used."""
    fits: Callable[[str, Demo], bool]
    """Whether a variant of a mechanism can have it."""


FAULTS_BY_WORD: Mapping[str, Fault] = {
    "full": Fault("transmission", lambda variant, demo: demo.carries_payload and demo.nonblocking),
    "denied": Fault("creation", lambda variant, demo: variant in demo.with_mode),
    "emfile": Fault("creation", lambda variant, demo: demo.takes_descriptors),
    "limit": Fault("creation", lambda variant, demo: demo.limited_by is not None),
    "too-big": Fault("transmission", lambda variant, demo: variant in demo.bounded),
    "corrupt": Fault("reception", lambda variant, demo: demo.carries_payload),
    "receiver-killed": Fault("transmission", lambda variant, demo: True),
    "sender-killed": Fault("reception", lambda variant, demo: True),
    "owner-dies": Fault("transmission", lambda variant, demo: bool(demo.locks)),
    "leak": Fault("termination", lambda variant, demo: True),
}
"""By the words of `plan.FAULTS`."""
NEEDS_MESSAGES = {"receiver-killed": 3}
"""How many messages a walk has to have for it: a first write into a connection that is gone can still go well."""
MAKES_NONBLOCKING = frozenset(("full",))
"""Faults of calls that do not sleep."""
NEEDS_CHECK = frozenset(("corrupt",))
"""Faults that only a format can tell that has a form or a check: not bare bytes."""
BEYOND_LIMITS = frozenset(("full", "too-big"))
"""Faults that are about what does not fit: that is not refused beforehand."""


def faults_of(variant: str, demo: Demo) -> tuple[str, ...]:
    """What can be made to go wrong with a variant of a mechanism."""
    return tuple(word for word, fault in FAULTS_BY_WORD.items() if fault.fits(variant, demo))
