"""Who opens a FIFO and waits for somebody who opens the other end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged


@dataclass(frozen=True)
class FifoOpenWaits:
    """A thread asleep in open(2) of a FIFO, for longer than it takes to start a partner."""

    longest_s: float = 30.0
    """Seconds after which it is a warning; until then it is told as information."""

    ID = "fifo-open-waits"
    SEVERITY = "warning"
    NEEDS_WAITS = True
    EXPLANATION = Explanation(
        "A process opens a FIFO and sleeps until somebody opens it in the other direction. Often the partner has not "
        "been started, has ended, or waits in the same way for another FIFO.",
        "The thread sleeps in open(2) in the kernel's wait_for_partner (proc_pid_syscall(5), proc_pid_wchan(5)); the "
        "path is read from its memory.",
        "Start the partner, or open with O_NONBLOCK or O_RDWR, which does not wait (fifo(7)).",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a thread."""
        for key in sorted(judged.graph.waits):
            wait = judged.graph.waits[key]
            if any(one.what == "partner" and one.fd is None for one in wait.awaited):
                known_s = 0.0 if wait.since is None else judged.snapshot.taken_at - wait.since
                who = wording.who(key, judged.snapshot)
                yield Finding(
                    rule=self.ID,
                    severity="warning" if known_s >= self.longest_s else "info",
                    certainty="exact",
                    message=f"{who} sleeps in {wait.told} until somebody opens the other end",
                    remedy="start the partner; open with O_NONBLOCK in the program does not wait",
                    threads=(key,),
                    channels=tuple(one.channel for one in wait.awaited if one.channel is not None),
                    evidence=(Evidence(f"it sleeps in {wait.wchan or 'open'}", "proc_pid_wchan(5)"),),
                    since=wait.since,
                )
