"""A pipeline of three whose middle stage is slow."""

from __future__ import annotations

import os
import time

from ipcinspect.demo.broken.scenario import FILLING, Scenario, close, fork, write_all

_TURN_S = 3600.0


def _begin(directory: str) -> None:
    (middle, first), (last, behind) = os.pipe(), os.pipe()

    def feeds() -> None:
        close(middle, last, behind)
        while True:
            write_all(first, FILLING)

    def eats() -> None:
        close(middle, first, behind)
        while os.read(last, 4096):
            pass

    fork(feeds, "broken-feeds")
    fork(eats, "broken-eats")
    close(first, last)
    while True:
        time.sleep(_TURN_S)
        os.write(behind, os.read(middle, 4096))


SCENARIO = Scenario("slow-stage", "slow-stage", "a pipeline of three waits for its middle stage", _begin)
