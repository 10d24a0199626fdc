"""What is wrong on this machine, worked out once for each look that read waits: who is stuck, on whom, and findings."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.chains import Chain, chain
from ipcinspect.diagnosis.finding import Finding
from ipcinspect.diagnosis.rules import Judged
from ipcinspect.diagnosis.stuck import Knot, may_be_stuck
from ipcinspect.inspector import Observation
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.wait import OBLIGES, ThreadKey, Wait

HELD_UP_S = 10.0
"""For how long somebody has to be seen in one wait for another one before that is told: a slow reader is no trouble."""
_FOLLOWED_AT_MOST = 50
"""Tangles whose chains are followed before anybody asks."""
_COMPARED_AT_MOST = 20
"""Threads of which the longest chain is looked for."""
_CHAINS_AT_MOST = 2000
"""Threads whose chains are followed in one look."""
_HOLDS_UP = frozenset(("room", "lock", "partner"))
"""What somebody else is late with; who waits for a child alone may just wait for its work."""
_KINDS = {"fifo-open-waits": "partner", "full-dgram-queue": "queue", "self-held-write-end": "own end"}
"""Findings with threads that are no knot, in at most 9 cells."""


class Tangle(NamedTuple):
    """Threads that cannot go on, as one row of the screen Stuck."""

    kind: str
    """`deadlock`, `chain`, or what a finding is about: at most 9 cells."""
    severity: str
    """One of `finding.SEVERITIES`: error where nobody can help them, for certain."""
    identity: Hashable
    """Outlives the look."""
    sentence: str
    """Who waits for whom; kernel text."""
    threads: tuple[ThreadKey, ...]
    """Those that do not go on."""
    start: ThreadKey
    """From whom on the chain is drawn."""
    since: float | None
    """Seconds since the epoch, as far as watched."""
    findings: tuple[Finding, ...] = ()
    """What rules say of it, the most telling first."""
    root: ThreadKey | None = None
    """Who holds them up; None where they wait for each other."""
    certain: bool = False
    """Whether it is a knot that no program at rest looks like."""
    chains: tuple[Chain, ...] = ()
    """What is drawn of it, followed in the thread of the feed: of a thread that polls thousands of channels that takes
    longer than a key may wait. Empty for those that are far down the list."""

    @property
    def processes(self) -> set[ProcessKey]:
        """Those of its threads."""
        return {thread.process for thread in self.threads}


@dataclass(frozen=True)
class Trouble:
    """Everything that one look with waits tells."""

    judged: Judged
    findings: tuple[Finding, ...] = ()
    tangles: tuple[Tangle, ...] = ()
    """The worst first, then the oldest."""
    waits_at: Mapping[ChannelKey, tuple[Wait, ...]] = field(default_factory=dict)
    """Who sleeps on which channel."""
    written_since: Mapping[ChannelKey, float] = field(default_factory=dict)
    """Channels into which somebody sleeps writing, since when the first of them does."""
    deadlocked: Mapping[ChannelKey, float] = field(default_factory=dict)
    """Channels through which a deadlock goes, since when."""
    findings_of: Mapping[ChannelKey, tuple[Finding, ...]] = field(default_factory=dict)

    @property
    def taken_at(self) -> float:
        """When the machine was looked at."""
        return self.judged.snapshot.taken_at

    def tangle_of(self, process: ProcessKey) -> Tangle | None:
        """The worst one that a process is in, or that waits for it."""
        for tangle in self.tangles:
            if process in tangle.processes or (tangle.root is not None and tangle.root.process == process):
                return tangle
        return None

    def tangle_at(self, key: ChannelKey) -> Tangle | None:
        """The worst one that goes through a channel."""
        threads = {wait.thread for wait in self.waits_at.get(key, ())}
        return next((tangle for tangle in self.tangles if threads & set(tangle.threads)), None)

    def chain(self, thread: ThreadKey) -> Chain:
        """From a thread to the root of its waiting."""
        return chain(self.judged.graph, thread, self.judged.stuck)


def longest_chain(judged: Judged, threads: Iterable[ThreadKey]) -> Chain | None:
    """Of the chains of the first of some threads the longest: it shows most of them."""
    first = islice(threads, _COMPARED_AT_MOST)
    chains = (chain(judged.graph, thread, judged.stuck) for thread in first)
    return max(chains, key=lambda one: len(one.hops), default=None)


def shown_chains(judged: Judged, tangle: Tangle) -> tuple[Chain, ...]:
    """What is drawn of threads that do not go on."""
    one = longest_chain(judged, tangle.threads if tangle.root is None else (tangle.start,))
    return () if one is None else (one,)


def diagnose(observation: Observation) -> Trouble | None:
    """None where no waits were read: then nothing can be said of who is stuck."""
    if not observation.snapshot.waits:
        return None
    judged, findings = observation.judged, observation.findings
    tangles = [*_knots(judged, findings)]
    known = {thread for tangle in tangles for thread in tangle.threads}
    tangles += _of_findings(judged, findings, known)
    known |= {thread for tangle in tangles for thread in tangle.threads}
    tangles += _held_up(judged, known)
    ordered = sorted(tangles, key=lambda one: (one.severity != "error", one.since or 0.0))
    drawn = [one._replace(chains=shown_chains(judged, one)) for one in ordered[:_FOLLOWED_AT_MOST]]
    waits_at: dict[ChannelKey, list[Wait]] = {}
    for wait in judged.graph.waits.values():
        for key in dict.fromkeys(each.channel for each in wait.awaited if each.channel is not None):
            waits_at.setdefault(key, []).append(wait)
    return Trouble(
        judged=judged,
        findings=findings,
        tangles=(*drawn, *ordered[_FOLLOWED_AT_MOST:]),
        waits_at={key: tuple(waits) for key, waits in waits_at.items()},
        written_since=_written_since(judged),
        deadlocked=_deadlocked(judged, tangles),
        findings_of=_by_channel(findings),
    )


def _knots(judged: Judged, findings: Iterable[Finding]) -> Iterator[Tangle]:
    for knot in judged.knots:
        if knot.verdict == "recheck":
            continue
        threads = set(knot.threads)
        about = [one for one in findings if one.threads and threads.issuperset(one.threads)]
        about.sort(key=lambda one: one.rule == "deadlock")
        is_error = knot.verdict == "yes" or any(one.severity == "error" for one in about)
        yield Tangle(
            kind="deadlock",
            severity="error" if is_error else "warning",
            identity=frozenset(knot.cycle),
            sentence=_who_waits(judged, knot),
            threads=knot.threads,
            start=knot.cycle[0],
            since=max((one.since for one in about if one.since is not None), default=None),
            findings=tuple(about),
            certain=knot.verdict == "yes",
        )


def _who_waits(judged: Judged, knot: Knot) -> str:
    names = list(dict.fromkeys(wording.process_name(key.process, judged.snapshot) for key in knot.cycle))
    if len(names) > 1:
        told = f"{wording.some(names)} wait for each other"
    elif len(knot.cycle) == 1:
        told = f"{names[0]} waits for itself"
    else:
        told = f"threads of {names[0]} wait for each other"
    more = len(knot.threads) - len(knot.cycle)
    return told if not more else f"{told}, {more} more for them"


def _of_findings(judged: Judged, findings: Iterable[Finding], known: set[ThreadKey]) -> Iterator[Tangle]:
    """What rules tell of threads that are in no knot."""
    for one in findings:
        if one.severity == "info" or not one.threads or known.issuperset(one.threads):
            continue
        yield Tangle(
            kind=_KINDS.get(one.rule, "waits"),
            severity=one.severity,
            identity=(one.rule, one.threads),
            sentence=one.message,
            threads=one.threads,
            start=one.threads[0],
            since=one.since,
            findings=(one,),
        )


def _held_up(judged: Judged, known: set[ThreadKey]) -> Iterator[Tangle]:
    """Who waits for somebody that does something else: nobody is stuck for good, but it has lasted."""
    now = judged.snapshot.taken_at
    groups: dict[ThreadKey, list[Chain]] = {}
    obliged = [wait for wait in judged.graph.waits.values() if wait.thread not in known and _is_obliged(wait)]
    late = {wait.thread for wait in obliged if _is_late(wait, now)}
    for wait in obliged[:_CHAINS_AT_MOST] if late else ():
        one = chain(judged.graph, wait.thread, judged.stuck)
        if one.back_to is None and len(one.hops) > 1 and any(hop.thread in late for hop in one.hops[:-1]):
            groups.setdefault(one.hops[-1].thread, []).append(one)
    for root, chains in groups.items():
        yield _chain_tangle(judged, root, chains, late)


def _is_obliged(wait: Wait) -> bool:
    return may_be_stuck(wait) and all(awaited.what in OBLIGES for awaited in wait.awaited)


def _is_late(wait: Wait, now: float) -> bool:
    kinds = all(awaited.what in _HOLDS_UP for awaited in wait.awaited)
    return kinds and wait.since is not None and now - wait.since >= HELD_UP_S


def _chain_tangle(judged: Judged, root: ThreadKey, chains: list[Chain], late: set[ThreadKey]) -> Tangle:
    threads = tuple(dict.fromkeys(hop.thread for one in chains for hop in one.hops[:-1]))
    names = list(dict.fromkeys(wording.process_name(key.process, judged.snapshot) for key in threads))
    waits = [judged.graph.waits[key] for key in threads if key in late]
    name = wording.process_name(root.process, judged.snapshot)
    return Tangle(
        kind="chain",
        severity="warning",
        identity=("chain", root),
        sentence=f"{wording.some(names)} {'waits' if len(names) == 1 else 'wait'} for {name}",
        threads=threads,
        start=max(chains, key=lambda one: len(one.hops)).hops[0].thread,
        since=min((wait.since for wait in waits if wait.since is not None), default=None),
        root=root,
    )


def _written_since(judged: Judged) -> dict[ChannelKey, float]:
    """A channel has been full for as long as somebody has not got rid of what he writes."""
    found: dict[ChannelKey, float] = {}
    for wait in judged.graph.waits.values():
        if wait.since is not None and not wait.stopped and len(wait.awaited) == 1:
            (awaited,) = wait.awaited
            if awaited.what == "room" and awaited.channel is not None:
                found[awaited.channel] = min(wait.since, found.get(awaited.channel, wait.since))
    return found


def _deadlocked(judged: Judged, tangles: Iterable[Tangle]) -> dict[ChannelKey, float]:
    return {
        awaited.channel: tangle.since or judged.snapshot.taken_at
        for tangle in tangles
        if tangle.kind == "deadlock" and tangle.severity == "error"
        for thread in tangle.threads
        for awaited in judged.graph.waits[thread].awaited
        if awaited.channel is not None
    }


def _by_channel(findings: Iterable[Finding]) -> dict[ChannelKey, tuple[Finding, ...]]:
    found: dict[ChannelKey, list[Finding]] = {}
    for one in findings:
        for key in one.channels:
            found.setdefault(key, []).append(one)
    return {key: tuple(rows) for key, rows in found.items()}
