"""A reader that waits for the end of file of a pipe whose write end it holds itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.deadlock import caveats, certainty_of
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.model.channel import Channel
from ipcinspect.model.wait import Wait


@dataclass(frozen=True)
class SelfHeldWriteEnd:
    """A plain blocking read, and no other process with a write end."""

    ID = "self-held-write-end"
    SEVERITY = "error"
    NEEDS_WAITS = True
    EXPLANATION = Explanation(
        "A process reads from a pipe or FIFO, and the only write end is its own. Nobody else can write, and the end of "
        "file cannot come either, as long as it holds that end.",
        "The thread sleeps in read(2) of the pipe (proc_pid_syscall(5)), and among all descriptors that could be seen "
        "the write ends are those of the same process. A FIFO that others may open by its name, a program whose "
        "signal handlers may write into the pipe, and one with descriptors in flight are left out.",
        "Close the write end before reading: after fork(2) in the parent and in the child, with O_CLOEXEC before "
        "exec. For a running process: end it, or with gdb -p PID: call (int)close(FD).",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a reader."""
        for key in sorted(judged.stuck):
            wait = judged.graph.waits[key]
            for channel, fds in _own(judged, wait):
                yield _finding(judged, wait, channel, fds)


def _own(judged: Judged, wait: Wait) -> Iterator[tuple[Channel, list[int]]]:
    """The pipe that it reads, with its own write ends, where there are no others."""
    if len(wait.awaited) != 1 or wait.awaited[0].what != "data" or wait.call not in ("read", "readv"):
        return
    channel = judged.graph.channel(wait.awaited[0])
    if channel is None or channel.mechanism not in ("pipe", "fifo"):
        return
    writers = [end for end in channel.endpoints if end.role in ("writer", "both")]
    if writers and all(end.process is not None and end.process.key == wait.thread.process for end in writers):
        yield channel, [end.fd for end in writers if end.fd is not None]


def _finding(judged: Judged, wait: Wait, channel: Channel, fds: list[int]) -> Finding:
    who = wording.who(wait.thread, judged.snapshot)
    own = wording.some([f"descriptor {fd}" for fd in fds])
    return Finding(
        rule=SelfHeldWriteEnd.ID,
        severity="error",
        certainty=certainty_of(judged, (wait.thread,)),
        message=f"{who} reads from {channel.id} and itself holds its only write end ({own}): no end of file comes",
        remedy=f"close {own} before reading; to end the wait now: kill {wait.thread.process.pid}",
        threads=(wait.thread,),
        channels=(channel.key,),
        evidence=(
            Evidence(f"{who} sleeps in {wait.told}", "proc_pid_syscall(5)"),
            Evidence(f"no other process that could be read has a write end of {channel.id}", "proc_pid_fd(5)"),
        ),
        caveats=tuple(caveats(judged, (wait.thread,))),
        since=wait.since,
    )
