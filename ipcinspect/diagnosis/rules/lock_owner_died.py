"""A lock in shared memory whose owner has died with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.deadlock import caveats, may_be_missed
from ipcinspect.diagnosis.rules.rule import Explanation, Judged


@dataclass(frozen=True)
class LockOwnerDied:
    """Somebody sleeps for it, and nobody is left to give it back."""

    ID = "lock-owner-died"
    SEVERITY = "error"
    NEEDS_WAITS = True
    EXPLANATION = Explanation(
        "A mutex or rwlock in shared memory says which thread has it, and there is no such thread any more: the "
        "process died with the lock. Whoever wants it sleeps for good.",
        "The thread sleeps in futex(2); the lock's memory names its owner, and no process that has that memory mapped "
        "has a thread of that number.",
        "End and start anew all who use that memory. In the program: pthread_mutexattr_setrobust(3), with which the "
        "next one gets the lock and EOWNERDEAD.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a waiting thread."""
        for key in sorted(judged.graph.waits):
            wait = judged.graph.waits[key]
            gone = [(one.gone_tid, one.how) for one in wait.awaited if one.gone_tid is not None]
            if gone and wait.unchanged_s > 0:
                tid, lock = gone[0]
                who = wording.who(key, judged.snapshot)
                yield Finding(
                    rule=self.ID,
                    severity="error",
                    certainty="likely" if may_be_missed(judged.snapshot) else "exact",
                    message=f"{who} wants a {lock or 'lock'} of thread {tid}, which is gone: nobody gives it back",
                    remedy="end and start anew all who use that memory; make the mutex robust in the program",
                    threads=(key,),
                    evidence=(
                        Evidence(f"{who} sleeps in {wait.told}", "proc_pid_syscall(5)"),
                        Evidence(f"no process that has the memory has a thread {tid}", "proc_pid_task(5)"),
                    ),
                    caveats=tuple(caveats(judged, (key,))),
                    since=wait.since,
                )
