"""A parent that waits for a child's end before it has read what the child writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.deadlock import caveats, certainty_of
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.wait import Wait


@dataclass(frozen=True)
class WaitBeforeRead:
    """A child stuck in a write whose only reader is stuck waiting for that child."""

    ID = "wait-before-read"
    SEVERITY = "error"
    NEEDS_WAITS = True
    EXPLANATION = Explanation(
        "A process waits for its child to end, and the child writes more than a pipe holds into a pipe that only its "
        "parent could read. Both wait for good.",
        "The parent sleeps in wait4(2) or waitid(2) for that child; the child sleeps in a write into a full pipe or "
        "socket whose readers are the parent alone.",
        "Read the output to its end before waiting: subprocess.communicate() in place of wait(), or a file or "
        "/dev/null for output that nobody needs. To end it now: kill the child.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a pair."""
        waiting = _waiting_for_children(judged)
        for key in sorted(judged.stuck) if waiting else ():
            child = judged.graph.waits[key]
            for parent in _parents(judged, child, waiting.get(key.process, ())):
                yield _finding(judged, parent, child)


def _waiting_for_children(judged: Judged) -> dict[ProcessKey, list[Wait]]:
    """By the child, the stuck threads that wait for its end."""
    found: dict[ProcessKey, list[Wait]] = {}
    for key in sorted(judged.stuck):
        wait = judged.graph.waits[key]
        for awaited in wait.awaited:
            for child in (awaited.processes or ()) if awaited.what == "child" else ():
                found.setdefault(child, []).append(wait)
    return found


def _parents(judged: Judged, child: Wait, waiting: Iterable[Wait]) -> Iterable[Wait]:
    """Those who wait for the end of this process and could alone read what it writes."""
    if not child.awaited or any(awaited.what != "room" for awaited in child.awaited):
        return
    readers = {key for _, helpers in judged.graph.helpers(child) for key in helpers.processes}
    for wait in waiting:
        if readers == {wait.thread.process}:
            yield wait


def _finding(judged: Judged, parent: Wait, child: Wait) -> Finding:
    graph, snapshot = judged.graph, judged.snapshot
    one, other = wording.who(parent.thread, snapshot), wording.who(child.thread, snapshot)
    does = wording.does(child, graph)
    return Finding(
        rule=WaitBeforeRead.ID,
        severity="error",
        certainty=certainty_of(judged, (parent.thread, child.thread)),
        message=f"{one} waits for its child {other} to end, which {does}: only {one} could read it",
        remedy=f"read before waiting (communicate() in Python); to end it now: kill {child.thread.process.pid}",
        threads=(parent.thread, child.thread),
        channels=tuple(awaited.channel for awaited in child.awaited if awaited.channel is not None),
        evidence=(
            Evidence(f"{one} sleeps in {parent.told}", "proc_pid_syscall(5)"),
            Evidence(f"{other} sleeps in {child.told}", "proc_pid_syscall(5)"),
        ),
        caveats=tuple(caveats(judged, (parent.thread, child.thread))),
        since=parent.since,
    )
