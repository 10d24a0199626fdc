"""System V shared memory that nobody has attached and whose maker is gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.mechanisms import field_of
from ipcinspect.model.channel import Channel
from ipcinspect.model.figures import age, size


@dataclass(frozen=True)
class SysvOrphan:
    """Left for a while: it stays until somebody removes it."""

    least_s: float = 10.0
    """Seconds since it was last made or detached; a program may make it before others attach."""

    ID = "sysv-orphan"
    SEVERITY = "warning"
    NEEDS_WAITS = False
    EXPLANATION = Explanation(
        "A segment of System V shared memory has no attachment, and the process that made it is gone. It keeps its "
        "memory until somebody removes it or the machine is started anew.",
        "proc_sysvipc(5): no attachments (shm_nattch 0), and no living process that started before the segment has the "
        "pid of its maker.",
        "ipcrm -m ID removes it, if no program comes back for it. In the program: IPC_RMID after the last shmat(2).",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a segment."""
        for channel in judged.snapshot.channels:
            if channel.mechanism == "sysv-shm" and channel.state == "orphaned":
                if any(end.process is not None for end in channel.endpoints):
                    continue
                left_s = judged.snapshot.taken_at - _touched(channel)
                if left_s >= self.least_s:
                    yield _finding(channel, left_s)


def _touched(channel: Channel) -> float:
    """When it was last made, changed or detached."""
    times = [field_of(channel, name) for name in ("ctime", "dtime")]
    return max((float(time) for time in times if isinstance(time, (int, float))), default=0.0)


def _finding(channel: Channel, left_s: float) -> Finding:
    number = channel.key.number
    told = "" if channel.capacity_bytes is None else f" of {size(channel.capacity_bytes)}"
    return Finding(
        rule=SysvOrphan.ID,
        severity="warning",
        certainty="exact",
        message=f"{channel.id}{told} is attached by nobody since {age(left_s)}, and its maker is gone",
        remedy=f"ipcrm -m {number}, if no program comes back for it",
        channels=(channel.key,),
        evidence=(Evidence("no attachments, and no such process", "proc_sysvipc(5)"),),
    )
