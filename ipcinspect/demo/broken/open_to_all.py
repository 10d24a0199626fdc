"""A FIFO that every user may write to."""

from __future__ import annotations

import os

from ipcinspect.demo.broken.scenario import Scenario, rest_for_ever


def _begin(directory: str) -> None:
    path = os.path.join(directory, "fifo")
    os.mkfifo(path)
    os.chmod(path, 0o666)
    os.open(path, os.O_RDWR)
    rest_for_ever()


SCENARIO = Scenario("world-writable", "world-writable", "every user can write to a FIFO that a process reads", _begin)
