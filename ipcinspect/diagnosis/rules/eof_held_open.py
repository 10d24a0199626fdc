"""A reader that waits for the end of a pipe of which only copies in other programs are left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.deadlock import caveats
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.model.wait import Wait

_AT_REST = frozenset(("signal", "child"))
"""What a process waits for that has nothing to write: whoever waits for data, a client or a time may write then."""
_STANDARD = 2
"""Descriptors up to this one are meant to be written to by whoever has them."""


@dataclass(frozen=True)
class EofHeldOpen:
    """No write end is anybody's standard output, and every one is in another program than the reader's."""

    ID = "eof-held-open"
    SEVERITY = "info"
    NEEDS_WAITS = True
    EXPLANATION = Explanation(
        "A process reads a pipe to its end, and the end does not come: programs that hardly know of it still have "
        "a copy of the write end, which they inherited. It is told as information, for a writer may be at rest as "
        "well.",
        "The reader sleeps in read(2) of the empty pipe; the write ends that are left have numbers above 2, in "
        "processes of another name than the reader's, who all sleep in something else.",
        "Make the pipe with O_CLOEXEC (pipe2(2)), or close the copy before exec; now: end the process that keeps it.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a reader."""
        for key in sorted(judged.graph.waits):
            wait = judged.graph.waits[key]
            for channel in _read_to_its_end(judged, wait):
                writers = [end for end in channel.endpoints if end.role in ("writer", "both")]
                if writers and all(_keeps(judged, wait, end) for end in writers):
                    yield _finding(judged, wait, channel, writers)


def _read_to_its_end(judged: Judged, wait: Wait) -> Iterable[Channel]:
    """The empty pipe that a thread reads, and nothing else."""
    if wait.call not in ("read", "readv") or wait.has_timeout is not False or wait.unchanged_s == 0:
        return
    for awaited in wait.awaited[:1]:
        channel = judged.graph.channel(awaited)
        if len(wait.awaited) == 1 and channel is not None and channel.mechanism == "pipe" and not channel.queued_bytes:
            yield channel


def _keeps(judged: Judged, wait: Wait, end: Endpoint) -> bool:
    """Whether this write end looks like one that was inherited without need."""
    process = end.process
    if process is None or end.fd is None or end.fd <= _STANDARD or process.key == wait.thread.process:
        return False
    reader = judged.snapshot.processes.get(wait.thread.process.pid)
    sleepers = judged.graph.sleepers.get(process.key)
    if sleepers is None or not sleepers.known or sleepers.others or reader is None or reader.comm == process.comm:
        return False
    waits = [(wait.has_timeout, awaited.what) for wait in sleepers.waits for awaited in wait.awaited]
    return bool(waits) and all(has_timeout is False and what in _AT_REST for has_timeout, what in waits)


def _finding(judged: Judged, wait: Wait, channel: Channel, writers: list[Endpoint]) -> Finding:
    who = wording.who(wait.thread, judged.snapshot)
    kept = [
        f"{wording.process_name(end.process.key, judged.snapshot)} (descriptor {end.fd})"
        for end in writers
        if end.process is not None
    ]
    return Finding(
        rule=EofHeldOpen.ID,
        severity="info",
        certainty="likely",
        message=f"{who} waits for the end of {channel.id}, which {wording.some(kept)} keeps from coming",
        remedy="close the copy before exec, or make the pipe with O_CLOEXEC",
        threads=(wait.thread,),
        channels=(channel.key,),
        evidence=(Evidence(f"no other write end is left than {wording.some(kept)}", "proc_pid_fd(5)"),),
        caveats=("a writer may be at rest", *caveats(judged, (wait.thread,))),
        since=wait.since,
    )
