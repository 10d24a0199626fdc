"""System V shared memory that is removed and stays as long as somebody has it attached."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.model.figures import size


@dataclass(frozen=True)
class MarkedForDeletion:
    """As a rule that is meant so: told as information."""

    ID = "marked-for-deletion"
    SEVERITY = "info"
    NEEDS_WAITS = False
    EXPLANATION = Explanation(
        "A segment of System V shared memory has been removed (IPC_RMID). Nobody can attach it any more by its key, "
        "and it keeps its memory until the last one detaches. Many programs do that on purpose: it goes with them.",
        "proc_sysvipc(5): SHM_DEST among its mode bits.",
        "Nothing, where it is meant so. Where a program cannot find its segment any more: start all of its users anew.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a segment."""
        for channel in judged.snapshot.channels:
            if channel.state == "marked-for-deletion":
                users = [end.process.key for end in channel.endpoints if end.process and end.role == "attached"]
                names = [wording.process_name(key, judged.snapshot) for key in dict.fromkeys(users)]
                told = "" if channel.capacity_bytes is None else f" of {size(channel.capacity_bytes)}"
                until = f"{wording.some(names)} let it go" if names else "its last user lets it go"
                yield Finding(
                    rule=self.ID,
                    severity="info",
                    certainty="exact",
                    message=f"{channel.id}{told} is removed and stays until {until}",
                    remedy="nothing, where it is meant so; else start its users anew",
                    channels=(channel.key,),
                    evidence=(Evidence("it is marked to be destroyed (SHM_DEST)", "proc_sysvipc(5)"),),
                )
