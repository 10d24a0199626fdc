"""A parent that waits for its child before it has read what the child writes."""

from __future__ import annotations

import os

from ipcinspect.demo.broken.scenario import FILLING, Scenario, close, fork, write_all


def _begin(directory: str) -> None:
    reader, writer = os.pipe()

    def child() -> None:
        close(reader)
        write_all(writer, FILLING)

    pid = fork(child, "broken-child")
    close(writer)
    os.waitpid(pid, 0)


SCENARIO = Scenario(
    "wait-before-read",
    "wait-before-read",
    "a parent waits for the end of a child that writes more than the pipe to its parent holds",
    _begin,
)
