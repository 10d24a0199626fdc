"""Shared memory whose name is gone while several processes still use it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.mechanisms import field_of
from ipcinspect.model.figures import size


@dataclass(frozen=True)
class DeletedButMapped:
    """As a rule that is meant so: told as information."""

    ID = "deleted-but-mapped"
    SEVERITY = "info"
    NEEDS_WAITS = False
    EXPLANATION = Explanation(
        "The name of a piece of POSIX shared memory is gone (shm_unlink(3)), and processes still have it mapped. Those "
        "who open the name now get another piece, or none: two halves of a program can talk past each other.",
        "The file has no name left (nlink 0), and mappings of it are there.",
        "Nothing, where it is meant so; else start all of its users anew.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding an object."""
        for channel in judged.snapshot.channels:
            if channel.mechanism != "posix-shm" or field_of(channel, "deleted") is not True:
                continue
            users = dict.fromkeys(end.process.key for end in channel.endpoints if end.process is not None)
            if users:
                names = wording.some([wording.process_name(key, judged.snapshot) for key in users])
                told = "" if channel.capacity_bytes is None else f", {size(channel.capacity_bytes)},"
                yield Finding(
                    rule=self.ID,
                    severity="info",
                    certainty="exact",
                    message=f"the name of {channel.id}{told} is gone, and {names} still uses it",
                    remedy="nothing, where it is meant so; else start its users anew",
                    channels=(channel.key,),
                    evidence=(Evidence("no name is left (nlink 0)", "statx(2)"),),
                )
