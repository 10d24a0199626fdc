"""A pipe whose write end another program has inherited without knowing of it."""

from __future__ import annotations

import os

from ipcinspect.demo.broken.scenario import Scenario, close, fork, rest_for_ever


def _begin(directory: str) -> None:
    reader, writer = os.pipe()

    def other() -> None:
        close(reader)
        rest_for_ever()

    fork(other, "broken-backup")
    close(writer)
    os.read(reader, 1)


SCENARIO = Scenario(
    "eof-held-open", "eof-held-open", "the end of a pipe does not come: a child keeps a copy of its write end", _begin
)
