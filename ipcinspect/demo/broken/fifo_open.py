"""A process that opens a FIFO which nobody opens from the other side."""

from __future__ import annotations

import os

from ipcinspect.demo.broken.scenario import Scenario


def _begin(directory: str) -> None:
    path = os.path.join(directory, "fifo")
    os.mkfifo(path, 0o600)
    os.open(path, os.O_RDONLY)


SCENARIO = Scenario(
    "fifo-open-waits", "fifo-open-waits", "a process opens a FIFO that nobody opens from the other side", _begin
)
