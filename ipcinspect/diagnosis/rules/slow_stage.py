"""The stage of a pipeline that holds up the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.model.channel import Channel
from ipcinspect.model.process import ProcessKey


@dataclass(frozen=True)
class SlowStage:
    """It is fed faster than it reads, and who comes after it has nothing to read."""

    ID = "slow-stage"
    SEVERITY = "info"
    NEEDS_WAITS = True
    EXPLANATION = Explanation(
        "In a pipeline one process holds up all others: who writes to it sleeps because its pipe is full, who "
        "reads from it sleeps because there is nothing, and it is at work itself.",
        "Threads asleep in a write into the full pipe that it alone reads, and in a read of the empty pipe that "
        "it alone writes (proc_pid_syscall(5)).",
        "Make that stage faster, or run several of it beside one another; the others would not gain from more.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a process."""
        fed: dict[ProcessKey, Channel] = dict(_alone(judged, "room", "reader"))
        asked: dict[ProcessKey, Channel] = dict(_alone(judged, "data", "writer"))
        for key in sorted(fed.keys() & asked.keys()):
            sleepers = judged.graph.sleepers.get(key)
            if sleepers is not None and any(wait.thread in judged.stuck for wait in sleepers.waits):
                continue
            yield _finding(judged, key, fed[key], asked[key])


def _alone(judged: Judged, what: str, role: str) -> Iterator[tuple[ProcessKey, Channel]]:
    """Who alone could bring what somebody sleeps for, and the pipe that it is about."""
    for wait in judged.graph.waits.values():
        if wait.unchanged_s == 0 or len(wait.awaited) != 1 or wait.awaited[0].what != what:
            continue
        channel = judged.graph.channel(wait.awaited[0])
        if channel is None or channel.mechanism not in ("pipe", "fifo"):
            continue
        if (what == "room") != bool(channel.queued_bytes):
            continue
        holders = {
            end.process.key if end.process is not None else None for end in channel.endpoints if end.role == role
        }
        one = holders.pop() if len(holders) == 1 else None
        if one is not None and one != wait.thread.process:
            yield one, channel


def _finding(judged: Judged, key: ProcessKey, before: Channel, behind: Channel) -> Finding:
    who = wording.process_name(key, judged.snapshot)
    return Finding(
        rule=SlowStage.ID,
        severity="info",
        certainty="likely",
        message=f"{who} holds up its pipeline: {before.id} before it is full, {behind.id} behind it is empty",
        remedy="make that stage faster, or run several of it",
        channels=(before.key, behind.key),
        evidence=(
            Evidence(f"a writer sleeps at {before.id}", "proc_pid_syscall(5)"),
            Evidence(f"a reader sleeps at {behind.id}", "proc_pid_syscall(5)"),
        ),
        caveats=("it was so in this one look",),
    )
