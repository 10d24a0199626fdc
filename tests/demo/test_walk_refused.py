"""A walk whose pair cannot be made says why, ends in order, and makes nothing before it is asked for a line."""

from __future__ import annotations

import errno
import os

from ipcinspect.demo.checking import check
from ipcinspect.demo.pairing import Hear, Pair
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.process import DemoError
from ipcinspect.demo.walk import ACTS, Walk
from ipcinspect.inspector import Inspector
from ipcinspect.mechanisms import pipe
from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.model.words import STAGES
from ipcinspect.sources.live import LiveSource


def walk_of(start: object) -> Walk:
    return Walk(start, check(Plan("pipe"), pipe), Inspector(LiveSource()))  # type: ignore[arg-type]


def test_there_is_an_act_for_every_stage_in_their_order() -> None:
    assert tuple(ACTS) == STAGES


def test_what_the_kernel_refuses_is_told_with_its_name_at_creation() -> None:
    def start(plan: Plan, hear: Hear) -> Pair:
        hear("maker", Report("pipe2", ("0",), 1.0, 0.0, None, "EMFILE", "Too many open files"))
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    walk = walk_of(start)
    lines = list(walk)
    assert [told.stage for told in lines] == ["creation", "creation", "termination"]
    assert lines[0].report is not None
    assert lines[0].report.errno == "EMFILE"
    assert (lines[1].says, lines[1].failed) == ("EMFILE: Too many open files", True)
    assert lines[2].says == "nothing was made, nothing is left"
    assert walk.failure == "EMFILE: Too many open files"


def test_a_process_that_does_not_start_is_told() -> None:
    def start(plan: Plan, hear: Hear) -> Pair:
        raise DemoError("demo-keeper (pid 7) ended before it answered to start")

    assert next(told.says for told in walk_of(start)) == "demo-keeper (pid 7) ended before it answered to start"


def test_nothing_is_made_before_the_first_line_or_after_a_close() -> None:
    made: list[Plan] = []

    def start(plan: Plan, hear: Hear) -> Pair:
        made.append(plan)
        raise DemoError("not now")

    walk = walk_of(start)
    walk.close()
    walk.close()
    assert list(walk) == []
    assert made == []
