"""Threads that wait for one another in a circle, so that none of them can ever go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ipcinspect.diagnosis import handlers, wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.diagnosis.stuck import Knot
from ipcinspect.diagnosis.wait_graph import WaitGraph
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.wait import ThreadKey, Wait


@dataclass(frozen=True)
class Deadlock:
    """Every knot that is one for certain or likely; one that a program at rest looks like is none."""

    ID = "deadlock"
    SEVERITY = "error"
    NEEDS_WAITS = True
    EXPLANATION = Explanation(
        "Threads wait for one another in a circle: each needs another one to act, and all of them sleep. Nothing but "
        "a signal ends that.",
        "The kernel tells for each thread in which call it sleeps and on what (proc_pid_syscall(5)); who holds the "
        "other end or the lock, or is the child, could help it. What is left when everybody is taken away who can be "
        "helped from outside is stuck. It was read twice, and no thread had run in between. Who waits for what a "
        "signal handler, the kernel (io_uring) or a stranger that opens a name may bring is not taken for stuck.",
        "End one of them (kill PID): the others get EPIPE, end of file or the lock, and go on. In the program: read "
        "and write with poll(2), take locks in one order, read a child's output before waiting for its end.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a knot."""
        return [_finding(judged, knot) for knot in judged.knots if knot.verdict != "recheck"]


def _finding(judged: Judged, knot: Knot) -> Finding:
    graph, snapshot = judged.graph, judged.snapshot
    waits = [graph.waits[key] for key in knot.threads]
    certainty = certainty_of(judged, knot.threads) if knot.verdict == "yes" else "likely"
    return Finding(
        rule=Deadlock.ID,
        severity="error" if knot.verdict == "yes" else "warning",
        certainty=certainty,
        message=message(graph, knot),
        remedy=f"kill {knot.cycle[-1].process.pid} ends it: the others then get an error, end of file or the lock",
        threads=knot.threads,
        channels=tuple(dict.fromkeys(one.channel for wait in waits for one in wait.awaited if one.channel is not None)),
        evidence=tuple(_evidence(graph, knot, waits)),
        caveats=tuple(caveats(judged, knot.threads)),
        since=_since(snapshot, waits),
    )


def message(graph: WaitGraph, knot: Knot) -> str:
    """`python3 3301 and python3 3302 wait for each other: python3 3301 writes to ..., python3 3302 ...`."""
    names = list(dict.fromkeys(wording.process_name(key.process, graph.snapshot) for key in knot.cycle))
    if len(names) == 1:
        head = f"{names[0]} waits for itself" if len(knot.cycle) == 1 else f"threads of {names[0]} wait for each other"
    else:
        head = f"{wording.some(names)} wait for each other"
    does = [f"{wording.who(key, graph.snapshot)} {wording.does(graph.waits[key], graph)}" for key in knot.cycle[:_TOLD]]
    more = len(knot.threads) - len(knot.cycle)
    tail = "" if not more else f"; {more} more {'thread waits' if more == 1 else 'threads wait'} for them"
    return f"{head}: {'; '.join(does)}{tail}"


_TOLD = 4
_SHOWN = 16
"""Threads of a knot whose waits are evidence: a pool can have thousands."""


def _evidence(graph: WaitGraph, knot: Knot, waits: list[Wait]) -> Iterator[Evidence]:
    for key, wait in list(zip(knot.threads, waits, strict=True))[:_SHOWN]:
        for awaited, helpers in graph.helpers(wait):
            fact = f"{wording.who(key, graph.snapshot)} sleeps in {wait.told} {wording.until(awaited, helpers, graph)}"
            yield Evidence(fact, "proc_pid_syscall(5)")
    more = len(waits) - _SHOWN
    if more > 0:
        yield Evidence(f"{more} more {'thread waits' if more == 1 else 'threads wait'} for them", "proc_pid_syscall(5)")
    apart = min(wait.unchanged_s for wait in waits)
    yield Evidence(f"none of them ran within {apart:.1f} s", "context switches, proc_pid_status(5)")
    lasted = wording.lasted(_since(graph.snapshot, waits), graph.snapshot.taken_at)
    if lasted:
        yield Evidence(f"none of them has run {lasted}", "the scheduler's times in /proc/PID/sched, and earlier looks")


def _since(snapshot: Snapshot, waits: Iterable[Wait]) -> float:
    """Since when all of them sleep, at the latest."""
    return max((wait.since for wait in waits if wait.since is not None), default=snapshot.taken_at)


def caveats(judged: Judged, threads: Sequence[ThreadKey]) -> Iterator[str]:
    """What could make it not so."""
    hidden = judged.snapshot.hidden_processes
    if hidden:
        yield f"{hidden} {'process' if hidden == 1 else 'processes'} could not be read: one of them may hold an end"
    elif not judged.snapshot.sees_all:
        yield "there are processes that do not show from here: one of them may hold an end"
    pids = dict.fromkeys(key.process.pid for key in threads)
    timed = [pid for pid in pids if handlers.may_time(judged.snapshot.processes.get(pid))]
    if timed:
        names = wording.some([str(pid) for pid in timed])
        yield f"{names} catches a signal that timers send (SIGALRM and others): one that nobody can see may end it"
    waits = (judged.graph.waits.get(key) for key in threads)
    if any(awaited.what == "count" for wait in waits if wait is not None for awaited in wait.awaited):
        yield "a semaphore has no owner, so who used it last is taken for him: anybody else could raise it"


def certainty_of(judged: Judged, threads: Iterable[ThreadKey]) -> str:
    """Likely where a process that cannot be read may hold an end, or a timer may end it."""
    pids = {key.process.pid for key in threads}
    is_timed = any(handlers.may_time(judged.snapshot.processes.get(pid)) for pid in pids)
    return "likely" if is_timed or may_be_missed(judged.snapshot) else "exact"


def may_be_missed(snapshot: Snapshot) -> bool:
    """Whether somebody who cannot be seen may have an end, or the memory of a lock."""
    return bool(snapshot.hidden_processes) or not snapshot.sees_all
