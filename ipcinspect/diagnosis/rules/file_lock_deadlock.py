"""Processes that hold a file lock each and want the other's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import handlers
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.deadlock import caveats, message
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.diagnosis.stuck import Knot


@dataclass(frozen=True)
class FileLockDeadlock:
    """A circle in which each waits for a lock of a file."""

    ID = "file-lock-deadlock"
    SEVERITY = "error"
    NEEDS_WAITS = True
    EXPLANATION = Explanation(
        "Processes hold a lock of a file each and wait for one that another of them holds. The kernel finds such a "
        "circle (EDEADLK) for POSIX locks alone, never for flock(2) and OFD locks.",
        "Who holds and who waits stands in proc_locks(5); each of them sleeps in flock(2) or fcntl(2).",
        "End one of them: the kernel gives its locks back. In the program: take locks in one order, or with LOCK_NB.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a circle."""
        return [_finding(judged, knot) for knot in judged.knots if _is_of_locks(judged, knot)]


def _is_of_locks(judged: Judged, knot: Knot) -> bool:
    channels = [judged.graph.channel(one) for key in knot.cycle for one in judged.graph.waits[key].awaited]
    return len(knot.cycle) > 1 and all(one is not None and one.mechanism == "file-lock" for one in channels)


def _finding(judged: Judged, knot: Knot) -> Finding:
    waits = [judged.graph.waits[key] for key in knot.cycle]
    pids = {key.process.pid for key in knot.cycle}
    return Finding(
        rule=FileLockDeadlock.ID,
        severity="error",
        certainty="likely" if any(handlers.may_time(judged.snapshot.processes.get(pid)) for pid in pids) else "exact",
        message=message(judged.graph, knot),
        remedy=f"kill {knot.cycle[-1].process.pid} ends it: the kernel gives its locks back",
        threads=knot.cycle,
        channels=tuple(dict.fromkeys(one.channel for wait in waits for one in wait.awaited if one.channel)),
        evidence=(Evidence("each holds what another one waits for", "proc_locks(5)"),),
        caveats=tuple(caveats(judged, knot.cycle)),
        since=max((wait.since for wait in waits if wait.since is not None), default=None),
    )
