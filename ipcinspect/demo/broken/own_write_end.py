"""A process that reads a pipe to its end, and holds the only write end of it itself."""

from __future__ import annotations

import os

from ipcinspect.demo.broken.scenario import Scenario


def _begin(directory: str) -> None:
    reader, _ = os.pipe()
    os.read(reader, 1)


SCENARIO = Scenario(
    "self-held-write-end",
    "self-held-write-end",
    "a process waits for the end of a pipe whose only write end it holds itself",
    _begin,
)
