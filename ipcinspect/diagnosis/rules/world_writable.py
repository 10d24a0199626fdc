"""A channel with a name into which every user of the machine can write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged


@dataclass(frozen=True)
class WorldWritable:
    """Permission bits that let everybody in; sockets of services are often so on purpose."""

    ID = "world-writable"
    SEVERITY = "warning"
    NEEDS_WAITS = False
    EXPLANATION = Explanation(
        "The permission bits of a queue, a segment, a semaphore, a FIFO or a socket let every user write to it. "
        "Sockets of services are often meant so; shared memory and queues hardly ever.",
        "Its mode, as the kernel keeps it (statx(2), proc_sysvipc(5), mq_overview(7)).",
        "Make it with mode 0600 or 0660; chmod, or IPC_SET of msgctl(2), shmctl(2), semctl(2), changes it.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a channel; sockets as information."""
        for channel in judged.snapshot.channels:
            exposure = channel.exposure
            if exposure is None or not exposure.world_writable or exposure.mode is None or exposure.reach == "holders":
                continue
            yield Finding(
                rule=self.ID,
                severity="info" if channel.mechanism == "unix" else "warning",
                certainty="exact",
                message=f"every user can write to {channel.name or channel.id}, mode {exposure.mode & 0o777:04o}",
                remedy="make it with mode 0600 or 0660",
                channels=(channel.key,),
                evidence=(Evidence(f"mode {exposure.mode & 0o777:04o}", "permission bits, statx(2)"),),
            )
