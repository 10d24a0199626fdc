"""Limits that are nearly reached: descriptors of a process, System V objects of an IPC namespace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged

_PERCENT = 100


@dataclass(frozen=True)
class FdLimitNear:
    """A process with nearly as many descriptors as it may have."""

    percent: int = 90
    """Of the limit."""

    ID = "fd-limit-near"
    SEVERITY = "warning"
    NEEDS_WAITS = False
    EXPLANATION = Explanation(
        "A process has nearly as many descriptors as its limit allows. At the limit open(2), accept(2), pipe(2) "
        "fail with EMFILE, and many servers then spin or stop to accept.",
        "The number of entries of proc_pid_fd(5), and the soft limit of open files in proc_pid_limits(5).",
        "See what it holds (ipcinspect ps PID) and whether it leaks; prlimit --pid PID --nofile=N raises the limit.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a process."""
        for limit in judged.snapshot.limits:
            if limit.process is not None and limit.used * _PERCENT >= limit.most * self.percent:
                who = wording.process_name(limit.process, judged.snapshot)
                yield Finding(
                    rule=self.ID,
                    severity="warning",
                    certainty="exact",
                    message=f"{who} has {limit.used} of the {limit.most} descriptors that it may have",
                    remedy=f"ipcinspect ps {limit.process.pid} tells what they are; prlimit --nofile raises the limit",
                    processes=(limit.process,),
                    evidence=(Evidence(f"the soft limit is {limit.most}", "proc_pid_limits(5)"),),
                )


@dataclass(frozen=True)
class SysvLimitNear:
    """An IPC namespace with nearly as many queues, segments or semaphore sets as it may have."""

    percent: int = 90

    ID = "sysv-limit-near"
    SEVERITY = "warning"
    NEEDS_WAITS = False
    EXPLANATION = Explanation(
        "An IPC namespace has nearly as many System V queues, segments or semaphore sets as it may have. At the "
        "limit msgget(2), shmget(2), semget(2) fail with ENOSPC. Often they were left behind by programs that "
        "ended.",
        "The number of objects in proc_sysvipc(5), and kernel.msgmni, kernel.shmmni, the last number of kernel.sem.",
        "ipcinspect list kind:sysv-shm state:orphaned shows what was left; ipcrm removes it; sysctl raises the limit.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a mechanism and namespace."""
        for limit in judged.snapshot.limits:
            if limit.process is None and limit.used * _PERCENT >= limit.most * self.percent:
                where = "" if limit.namespace == judged.snapshot.host.ipc_namespace else f" in ipc:[{limit.namespace}]"
                of_these = (one.key for one in judged.snapshot.channels if one.mechanism == limit.what)
                yield Finding(
                    rule=self.ID,
                    severity="warning",
                    certainty="exact",
                    message=f"there are {limit.used} of the {limit.most} {limit.what} that there may be{where}",
                    remedy=f"ipcinspect list kind:{limit.what} shows them; ipcrm removes what nobody uses",
                    channels=tuple(key for key in of_these if key.space == (limit.namespace or 0))[:_TOLD],
                    evidence=(Evidence(f"the limit is {limit.most}", "proc_sys_kernel(5)"),),
                )


_TOLD = 16
