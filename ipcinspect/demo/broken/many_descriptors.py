"""A process that opens and never closes."""

from __future__ import annotations

import os
import resource

from ipcinspect.demo.broken.scenario import Scenario, rest_for_ever

_MOST = 200


def _begin(directory: str) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST, hard))
    while True:
        try:
            os.pipe()
        except OSError:
            break
    rest_for_ever()


SCENARIO = Scenario("fd-limit-near", "fd-limit-near", "a process leaks descriptors until it may have no more", _begin)
