"""What a rule is, and what it gets to judge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

from ipcinspect.diagnosis.finding import Finding
from ipcinspect.diagnosis.stuck import Knot, knots, stuck_threads
from ipcinspect.diagnosis.wait_graph import WaitGraph
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.wait import ThreadKey


@dataclass(frozen=True)
class Judged:
    """One snapshot, and what follows from its waits; each is worked out once, when a rule asks for it."""

    snapshot: Snapshot

    @cached_property
    def graph(self) -> WaitGraph:
        """Who could end which wait; empty where no waits were read."""
        return WaitGraph(self.snapshot)

    @cached_property
    def stuck(self) -> set[ThreadKey]:
        """The threads that nobody can help."""
        return stuck_threads(self.graph)

    @cached_property
    def knots(self) -> list[Knot]:
        """The same, those together who wait for one another."""
        return knots(self.graph, self.stuck)

    @cached_property
    def firmly_stuck(self) -> set[ThreadKey]:
        """Those of them that a program at rest does not look like."""
        return {key for knot in self.knots if knot.verdict != "recheck" for key in knot.threads}


class Explanation(NamedTuple):
    """What `check --explain` prints of a rule; each a sentence or some."""

    means: str
    seen_by: str
    remedy: str


class Rule(Protocol):
    """One thing that can be wrong. Thresholds are constructor arguments with defaults."""

    @property
    def ID(self) -> str:
        """A stable word of small letters and hyphens."""
        ...

    @property
    def SEVERITY(self) -> str:
        """The highest of `finding.SEVERITIES` that it gives."""
        ...

    @property
    def NEEDS_WAITS(self) -> bool:
        """Whether it judges what threads wait for."""
        ...

    @property
    def EXPLANATION(self) -> Explanation:
        """For people."""
        ...

    def check(self, judged: Judged) -> Iterable[Finding]:
        """Every place where it is so. What is not known well enough is no finding."""
        ...
