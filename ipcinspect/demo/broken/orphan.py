"""A System V segment whose maker has ended without removing it."""

from __future__ import annotations

import os

from ipcinspect.demo.broken.scenario import Scenario, fork, note_leaving, rest_for_ever
from ipcinspect.kernel import sysv
from ipcinspect.mechanisms.demo_part import Leaving


def _begin(directory: str) -> None:
    def makes() -> None:
        shmid = sysv.create_segment(4096)
        note_leaving(directory, Leaving("sysv-shm", str(shmid)))

    os.waitpid(fork(makes, "broken-maker"), 0)
    rest_for_ever()


SCENARIO = Scenario("sysv-orphan", "sysv-orphan", "the maker of a segment has ended without removing it", _begin)
