"""Where a walk on somebody's channel stands; and how long it waits for somebody who knows nothing of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from ipcinspect.demo.attached_pair import AttachedPair
from ipcinspect.demo.attached_watching import AttachedWatching
from ipcinspect.demo.attaching import Attachment
from ipcinspect.demo.course import Course
from ipcinspect.demo.pairing import Hear, Pair
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.process import DemoError
from ipcinspect.inspector import Inspector

SIDE_OF = {"sender": "a", "receiver": "b"}


class Late(DemoError):
    """The other side did not do its part in time; the message says what the half sleeps in."""


class AttachedCourse(Course):
    """What all stages of such a walk share."""

    def __init__(
        self, attachment: Attachment, inspector: Inspector, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(self.begin, attachment.plan, inspector, clock)
        self.attachment = attachment
        self._halves: AttachedPair | None = None
        self.opened: set[str] = set()
        """Roles that have taken hold of their end."""
        self.asleep: dict[str, str] = {}
        """By role, the call that a half sleeps in for good: it has nothing to close, it is ended."""
        self.waited_before: int | None = None
        """What waited to be read before the demo did anything."""

    @property
    def halves(self) -> AttachedPair:
        """The processes."""
        assert self._halves is not None, "before they were there"
        return self._halves

    @property
    def looks(self) -> AttachedWatching:
        """Who looks at the channel."""
        assert isinstance(self._watching, AttachedWatching), "before the processes were there"
        return self._watching

    def make(self) -> None:
        """Start the processes; the channel is not touched. Raises OSError or DemoError."""
        super().make()
        self._watching = AttachedWatching(self._inspector, self.halves, self.attachment)

    def has(self, role: str) -> bool:
        """Whether there is such a half."""
        return role in self.attachment.halves

    def awaits(self, role: str, why: str) -> None:
        """Until what was begun at a half is done. `why`: what did not happen if it is late. Raises Late, DemoError."""
        reading_s = self.plan.reading_s if role == "receiver" else 0.0
        if self.halves.comes(role, self.attachment.within_s + reading_s):
            return
        self.asleep = {one: self._sleeps_in(one) for one in self.attachment.halves if self.halves.is_busy(one)}
        raise Late(f"the {role} sleeps in {self.asleep[role]}: {why} within {self.attachment.within_s:g} s")

    def finish(self, role: str, why: str) -> bytes:
        """What that brought. Raises also OSError, as the call did."""
        self.awaits(role, why)
        return self.halves.finish(role)

    def begin(self, plan: Plan, hear: Hear) -> Pair:
        """The processes, which have not touched the channel yet. Raises OSError, DemoError."""
        self._halves = AttachedPair.on(self.attachment, hear)
        return self._halves

    def _sleeps_in(self, role: str) -> str:
        """The call that has not returned."""
        side = SIDE_OF[role]
        returned = {report.began_at for one, report in self._heard if one == side and report.took_s is not None}
        begun = [report for one, report in self._heard if one == side and report.began_at not in returned]
        return begun[-1].call if begun else "its call"
