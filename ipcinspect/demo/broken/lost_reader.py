"""A pipe with something in it that nobody can read any more."""

from __future__ import annotations

import os

from ipcinspect.demo.broken.scenario import Scenario, close, rest_for_ever


def _begin(directory: str) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"nobody will ever read this")
    close(reader)
    rest_for_ever()


SCENARIO = Scenario("no-reader", "no-reader", "what was written into a pipe is lost: its reader is gone", _begin)
