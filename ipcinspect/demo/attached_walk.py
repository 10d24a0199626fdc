"""The walk of a demo on a channel that is there already: the same seven stages, as far as they apply.

Who else uses the channel knows nothing of it, and may neither take nor send: whatever waits for that has a deadline,
then it is told what sleeps in which call, and the demo ends. Nothing is made, nothing is removed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import cast

from ipcinspect.demo import attached_receiving, attached_sending
from ipcinspect.demo.attached_course import AttachedCourse
from ipcinspect.demo.attaching import Attachment
from ipcinspect.demo.course import Course
from ipcinspect.demo.mishaps import Act
from ipcinspect.demo.telling import Told
from ipcinspect.demo.walk import Walk
from ipcinspect.inspector import Inspector


class AttachedWalk(Walk):
    """An iterator of the lines of one walk."""

    def __init__(
        self, attachment: Attachment, inspector: Inspector, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """The channel is not touched before the first line is asked for."""
        course = AttachedCourse(attachment, inspector, clock)
        super().__init__(course.begin, attachment.plan, inspector, clock)
        self._course: Course = course
        self._acts = ACTS
        self._ends = ACTS["termination"]


def _of(act: Callable[[AttachedCourse], Iterator[Told]]) -> Act:
    return lambda course: act(cast("AttachedCourse", course))


ACTS: dict[str, Act] = {
    "creation": _of(attached_sending.creation),
    "preparation": _of(attached_sending.preparation),
    "transmission": _of(attached_sending.transmission),
    "delivery": _of(attached_receiving.delivery),
    "reception": _of(attached_receiving.reception),
    "response": _of(attached_receiving.response),
    "termination": _of(attached_receiving.termination),
}
"""What happens in each stage, in the order of `words.STAGES`."""
