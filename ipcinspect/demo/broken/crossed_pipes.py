"""Two processes, each in a write into a full pipe that only the other one reads."""

from __future__ import annotations

import os

from ipcinspect.demo.broken.scenario import FILLING, Scenario, close, fork, write_all


def _begin(directory: str) -> None:
    (there, forth), (here, back) = os.pipe(), os.pipe()

    def other() -> None:
        close(forth, here)
        write_all(back, FILLING)
        os.read(there, 1)

    fork(other, "broken-second")
    close(there, back)
    write_all(forth, FILLING)
    os.read(here, 1)


SCENARIO = Scenario(
    "deadlock", "deadlock", "two processes each write into a full pipe that only the other one reads", _begin
)
