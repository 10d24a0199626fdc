"""`ipcinspect demo --broken NAME`: processes that are broken in one way, to look at."""

from __future__ import annotations

import argparse
import os
import sys
import time

from ipcinspect.cli.complaints import DONE, Unable
from ipcinspect.cli.finding_text import FindingText
from ipcinspect.cli.session import Session
from ipcinspect.demo.breaking import Broken
from ipcinspect.demo.broken import SCENARIOS
from ipcinspect.demo.ending import signals_end_in_order
from ipcinspect.demo.process import DemoError
from ipcinspect.diagnosis.finding import Finding
from ipcinspect.export.findings_document import findings_document
from ipcinspect.inspector import Observation
from ipcinspect.model.snapshot import Want
from ipcinspect.selection import unknown

_SHOWS_WITHIN_S = 20.0
_OF_NOBODY = ("sysv-orphan", "sysv-limit-near")
"""Rules about what no process holds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be broken."""
    words = ", ".join(scenario.word for scenario in SCENARIOS)
    parser.add_argument("--broken", metavar="NAME", help=f"processes broken in one way, to look at: {words}")


def run(session: Session) -> int:
    """Start it, tell what the rules find, and keep it until Enter or the end of input. Raises WordError, Unable."""
    word: str = session.arguments.broken
    scenario = next((one for one in SCENARIOS if word == one.word), None)
    if scenario is None:
        raise unknown("broken scenario", word, [one.word for one in SCENARIOS])
    try:
        with signals_end_in_order(), Broken(scenario) as broken:
            observation, found = _found(session, broken)
            if session.options.json:
                session.write_document(findings_document(observation.snapshot, found))
            else:
                _tell(session, broken, found, observation.snapshot.taken_at)
            session.output.flush()
            sys.stdin.readline()
    except DemoError as error:
        raise Unable(str(error)) from error
    return DONE


def _found(session: Session, broken: Broken) -> tuple[Observation, list[Finding]]:
    """What the rules say of its processes, as soon as the one that is meant does."""
    inspector = session.inspector()
    deadline = time.monotonic() + _SHOWS_WITHIN_S
    while True:
        observation = session.observe(inspector, Want(waits=True, limits=True, cmdlines=True))
        found = [one for one in observation.findings if _is_about(one, observation, broken)]
        if any(one.rule == broken.scenario.rule for one in found):
            return observation, found
        if time.monotonic() > deadline:
            raise Unable(
                f"{broken.scenario.tells}: rule {broken.scenario.rule} did not find it within {_SHOWS_WITHIN_S:g} s"
            )


def _is_about(finding: Finding, observation: Observation, broken: Broken) -> bool:
    """Whether it is about processes of this scenario, or about what its processes hold."""
    snapshot = observation.snapshot
    mine = {pid for pid in snapshot.processes if _group_of(pid) == broken.pid}
    people = {*(key.process.pid for key in finding.threads), *(key.pid for key in finding.processes)}
    for key in finding.channels:
        channel = snapshot.channels_by_key.get(key)
        people |= {end.process.pid for end in channel.endpoints if end.process is not None} if channel else set()
    rule = broken.scenario.rule
    return bool(people & mine) or (finding.rule == rule and rule in _OF_NOBODY)


def _group_of(pid: int) -> int | None:
    """The process group of a process; all of a scenario are in the one of its first."""
    try:
        return os.getpgid(pid)
    except OSError:
        return None


def _tell(session: Session, broken: Broken, found: list[Finding], taken_at: float) -> None:
    text = FindingText(session.style(), session.width(), session.options.ascii)
    lines = [*text.prose(f"{broken.scenario.tells}; its first process is {broken.pid}.", "", "strong"), "\n"]
    lines += text.lines(found, taken_at)
    if sys.stdin.isatty():
        told = f"Look at it from another terminal: ipcinspect why, ipcinspect why {broken.pid}. Enter ends it."
        lines += ["\n", *text.prose(told, "", "text")]
    for line in lines:
        session.output.write(line)
