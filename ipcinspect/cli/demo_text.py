"""A walk as text: a head for each stage; the sender's calls at the left of the time, the receiver's at its right."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ipcinspect.cli.session import Session
from ipcinspect.cli.sheets import Style
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.telling import Told
from ipcinspect.demo.walk import Walk
from ipcinspect.export.walk_document import walk_document
from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.words import STAGES

_TIME = 11
_LEFT = "maker", "a"
_INDENT = 4
_KERNEL = "kernel  "
_SECOND = "second channel"
_SHOW_SECOND = ("creation", "response", "termination")
"""Stages in which something happens to the channel for answers."""


class WalkText:
    """Writes the lines of one walk, one after the other."""

    def __init__(self, plan: Plan, style: Style, width: int) -> None:
        self._plan, self._style, self._width = plan, style, width
        self._left = max((width - _TIME) // 2, 20)
        self._stage = ""

    def head(self) -> Iterator[str]:
        """What is going to happen."""
        yield from self._wrapped(", ".join(self._summary()), "", "strong")
        titles = f"{'SENDER':>{self._left}}{'TIME ms':>{_TIME - 2}}  RECEIVER"
        yield self._style.painted(titles, "muted") + "\n"

    def _summary(self) -> list[str]:
        plan = self._plan
        return [
            f"{plan.mechanism} {plan.variant}" if plan.variant != plan.mechanism else plan.mechanism,
            f"{plan.messages} x {plan.size} bytes as {plan.format}",
            "blocking" if plan.blocking else "non-blocking",
            f"told by {plan.notification}",
            f"answer through {'the same channel' if plan.response == 'same' else 'a second channel'}",
            *([f"lock {plan.lock}"] if plan.lock else []),
            *([f"fault {plan.fault}"] if plan.fault else []),
        ]

    def lines(self, told: Told) -> Iterator[str]:
        """One line of the walk."""
        if told.stage != self._stage:
            self._stage = told.stage
            yield "\n" + self._style.painted(f"{STAGES.index(told.stage) + 1} {told.stage}", "title") + "\n"
        if told.report is not None:
            yield from self._call(told, told.report)
        if told.says is not None:
            role = "error" if told.failed else "warning" if told.fault else "text"
            yield from self._wrapped(told.says, " " * _INDENT, role)
        if told.evidence is not None and told.evidence.seen:
            for seen in told.evidence.seen.split("; "):
                if seen.startswith(_SECOND) and told.stage not in _SHOW_SECOND:
                    continue
                yield from self._wrapped(_KERNEL + seen, " " * _INDENT, "muted")

    def _call(self, told: Told, report: Report) -> Iterator[str]:
        text = self._style.safe(words_of_call(report))
        text = f"maker: {text}" if told.side == "maker" else text
        time = f"{told.at_s * 1000:>{_TIME - 2}.3f}"
        role = "error" if report.has_failed else "text"
        is_left = told.side in _LEFT
        room = self._left if is_left else max(self._width - self._left - _TIME, 20)
        *above, last = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
        if is_left:
            yield from (self._style.painted(f"{line:>{room}}", role) + "\n" for line in above)
            yield self._style.painted(f"{last:>{room}}", role) + self._style.painted(time, "muted") + "\n"
            return
        first, *below = [*above, last]
        yield " " * self._left + self._style.painted(time, "muted") + "  "
        yield self._style.painted(first, role) + "\n"
        yield from (" " * (self._left + _TIME) + self._style.painted(line, role) + "\n" for line in below)

    def _wrapped(self, text: str, indent: str, role: str) -> Iterator[str]:
        safe = self._style.safe(text)
        after = indent + (" " * len(_KERNEL) if text.startswith(_KERNEL) else "")
        wrapped = textwrap.wrap(
            safe, self._width, initial_indent=indent, subsequent_indent=after, break_on_hyphens=False
        )
        for line in wrapped or [""]:
            yield self._style.painted(line, role) + "\n"


def write_walk(session: Session, walk: Walk, text: WalkText | None, snapshot: Snapshot) -> None:
    """Each line when it happens, as text or as a document. `snapshot`: the last look. Raises ReaderGone or Unable."""
    for line in text.head() if text is not None else ():
        session.output.write(line)
    for told in walk:
        if told.evidence is not None:
            snapshot = told.evidence.snapshot
        if text is None:
            channel = told.evidence.channel if told.evidence is not None else None
            session.write_document(
                walk_document(snapshot, told.stage, told.side, told.at_s, told.report, told.says, channel, told.fault)
            )
        else:
            for line in text.lines(told):
                session.output.write(line)
        session.output.flush()


def words_of_call(report: Report) -> str:
    """`write(4, 64 bytes) = 64`, `read(3, 64) = -1 EPIPE`, `read(3, 64) sleeps`, `json.loads(64 bytes) failed`."""
    call = f"{report.call}({', '.join(report.args)})"
    if report.errno is not None:
        return f"{call} = -1 {report.errno}"
    if report.has_failed:
        return f"{call} failed"
    return f"{call} sleeps" if report.took_s is None else f"{call} = {report.result}"
