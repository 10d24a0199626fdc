"""A pipe or FIFO that is written to and that nobody can read any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.model.figures import size


@dataclass(frozen=True)
class NoReader:
    """Its last reader is gone; what is in it is lost."""

    ID = "no-reader"
    SEVERITY = "warning"
    NEEDS_WAITS = False
    EXPLANATION = Explanation(
        "The last read end of a pipe or FIFO is closed. What is in it nobody can read, and the next write into it gets "
        "EPIPE and SIGPIPE.",
        "A write end says so itself (POLLERR, poll(2)).",
        "See why the reader ended; close the write end, or start the reader again.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a pipe."""
        for channel in judged.snapshot.channels:
            if channel.state != "no-reader" or channel.mechanism not in ("pipe", "fifo"):
                continue
            writers = [end.process for end in channel.endpoints if end.process is not None]
            people = list(dict.fromkeys(wording.process_name(one.key, judged.snapshot) for one in writers))
            names = f"{wording.some(people)} {'gets' if len(people) == 1 else 'get'}"
            lost = channel.queued_bytes or 0
            what = f"{size(lost)} in it are lost, and " if lost else ""
            yield Finding(
                rule=self.ID,
                severity="warning" if lost else "info",
                certainty="exact",
                message=f"nobody reads {channel.name or channel.id} any more: {what}{names} EPIPE on the next write",
                remedy="see why the reader ended; close the write end",
                channels=(channel.key,),
                evidence=(Evidence("its write end says that the read end is closed", "POLLERR, poll(2)"),),
            )
