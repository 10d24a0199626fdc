"""A System V segment that is removed and still attached."""

from __future__ import annotations

from ipcinspect.demo.broken.scenario import Scenario, rest_for_ever
from ipcinspect.kernel import sysv


def _begin(directory: str) -> None:
    shmid = sysv.create_segment(4096)
    try:
        sysv.attach_segment(shmid)
    finally:
        sysv.remove_segment(shmid)
    rest_for_ever()


SCENARIO = Scenario(
    "marked-for-deletion", "marked-for-deletion", "a segment is removed, and its last user keeps it", _begin
)
