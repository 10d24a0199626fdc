"""The processes of a demo on a channel that is there already: one half or both, and somebody may keep them waiting."""

from __future__ import annotations

from typing import Self

from ipcinspect.demo import protocol
from ipcinspect.demo.attaching import Attachment
from ipcinspect.demo.process import HalfProcess, Hear
from ipcinspect.demo.protocol import Question
from ipcinspect.demo.runner import ANSWERS_WITHIN_S, DemoPair


class AttachedPair(DemoPair):
    """Nothing is made and nothing is removed: the keeper forks the halves that are wanted, and ends them."""

    @classmethod
    def on(cls, attachment: Attachment, hear: Hear = lambda side, report: None) -> Self:
        """Halves that are ready and have not touched the channel yet. Raises OSError, DemoError."""
        pair = cls(attachment.room, attachment.plan, ANSWERS_WITHIN_S, None, hear)
        pair._joins = attachment.joins
        try:
            pair._make()
        except BaseException:
            pair.end()
            raise
        return pair

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the halves, and of who forked them."""
        return (*(half.pid for half in self.halves), self.maker_pid)

    def half(self, role: str) -> HalfProcess:
        """The one of that name."""
        return next(half for half in self.halves if half.role == role)

    def begin_open(self, role: str) -> None:
        """Have one take hold of its end."""
        self.half(role).ask(Question(protocol.OPEN))

    def begin_close(self, role: str) -> None:
        """Have one let go of its end."""
        self.half(role).ask(Question(protocol.CLOSE))

    def is_busy(self, role: str) -> bool:
        """Whether something was begun there that is not finished."""
        return self.half(role).talk.is_asked

    def comes(self, role: str, within_s: float) -> bool:
        """Whether the answer to what was begun is there, at the latest after so long. Raises DemoError."""
        return self.half(role).talk.comes(within_s)

    def finish(self, role: str) -> bytes:
        """What was begun there, once it `comes`: what it brought, if anything. Raises OSError as the call did."""
        return self.half(role).answer().payload
