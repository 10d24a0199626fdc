"""Real programs that are stuck are found, each of them; of others that only wait none is accused.

All of them run at once and are looked at together: each test is about one of them.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from ipcinspect.diagnosis.finding import Finding
from ipcinspect.diagnosis.rules import find
from ipcinspect.diagnosis.rules.fifo_open_waits import FifoOpenWaits
from ipcinspect.inspector import Inspector, Observation
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.running_programs import Programs, running
from tests.live.stuck_programs import ALARMED, FIFOS, OWNER_DIED, STUCK
from tests.live.subjects import WITHIN_S, until
from tests.live.test_without_privilege import NOBODY, looks, nobody
from tests.live.well_programs import CHURN, WELL

__all__ = ["nobody"]

NARROWER = {
    "a parent waits before it reads its child's output": "wait-before-read",
    "a parent waits before it reads its child's terminal": "wait-before-read",
    "a parent in waitid of a child that writes to it": "wait-before-read",
    "a parent in wait4 of any child, one of which writes to it": "wait-before-read",
    "a parent that polls the pidfd of a child that writes to it": "wait-before-read",
    "a parent in waitid of the pidfd of a child that writes to it": "wait-before-read",
    "an asyncio program that waits for a child whose output it does not read": "wait-before-read",
    "a reader that holds the only write end": "self-held-write-end",
    "a POSIX lock and a flock in the wrong order": "file-lock-deadlock",
    "flock in the wrong order": "file-lock-deadlock",
    "open file description locks in the wrong order": "file-lock-deadlock",
    "sixteen who take POSIX locks in a circle, where the kernel looks at ten": "file-lock-deadlock",
}
LOOKS = 3
Said = dict[str, dict[str, Finding]]


class Seen(NamedTuple):
    """What was said of all programs, look by look; in the last one of each that is stuck, if it ever was.

    They have been ended by then: some of them work as fast as they can.
    """

    ran: set[str]
    """The programs that still ran after the last look."""
    looks: list[Said]
    quick: Said
    """What a look at what is slept in alone says, by then the same as another one."""


class SeenByNobody(NamedTuple):
    """The same by an ordinary user: by program, the rules and how certain each is."""

    ran: set[str]
    looks: list[dict[str, dict[str, str]]]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    with running({**STUCK, **WELL}, str(tmp_path_factory.mktemp("stuck"))) as programs:
        inspector, looked, late = Inspector(LiveSource()), [], time.monotonic() + WITHIN_S
        while len(looked) < LOOKS or not (STUCK.keys() <= looked[-1].keys() or time.monotonic() > late):
            looked.append(found(programs, inspector.observe(Want(waits=True))))
        return Seen(_running(programs), looked, until(lambda: _same_of_a_quick_look(programs), "both looks to agree"))


def _running(programs: Programs) -> set[str]:
    return {name for name in programs.started if programs.runs(name)}


def _same_of_a_quick_look(programs: Programs) -> Said | None:
    """`why` leaves out what nobody sleeps in: what it says, where a whole look says the same of each."""
    quick, whole = (
        found(programs, Inspector(LiveSource()).observe(Want(waits=True, only_waited=only))) for only in (True, False)
    )
    rules = [{name: set(told) for name, told in said.items()} for said in (quick, whole)]
    return quick if rules[0] == rules[1] else None


def found(programs: Programs, observation: Observation) -> Said:
    """By program, what is said of its threads, by rule."""
    said: Said = {}
    for finding in observation.findings:
        for key in finding.threads:
            name = programs.name_of(key.process.pid)
            if name is not None and finding.severity != "info":
                said.setdefault(name, {})[finding.rule] = finding
    return said


@pytest.mark.parametrize("name", STUCK)
def test_who_is_stuck_is_found(seen: Seen, name: str) -> None:
    told = seen.looks[-1].get(name, {})
    assert name in seen.ran
    assert "deadlock" in told
    assert NARROWER.get(name, "deadlock") in told


@pytest.mark.parametrize("name", WELL)
def test_who_only_waits_is_not_accused(seen: Seen, name: str) -> None:
    assert name in seen.ran
    assert [list(said[name]) for said in seen.looks if name in said] == []


def test_a_look_at_what_is_slept_in_alone_says_the_same_of_each(seen: Seen) -> None:
    assert set(STUCK) <= set(seen.quick)
    assert not seen.quick.keys() & WELL.keys()


@pytest.mark.parametrize("name", ALARMED)
def test_an_alarm_that_nobody_sees_makes_it_likely_and_a_caveat_says_so(seen: Seen, name: str) -> None:
    """A pending alarm(2) stands nowhere: that a handler for its signal is there is all that is known."""
    told = seen.looks[-1][name]
    assert {one.certainty for one in told.values()} == {"likely"}
    assert any("SIGALRM and others" in caveat for caveat in told["deadlock"].caveats)


def test_who_wants_a_lock_whose_owner_has_died_is_told_of_every_kind_that_names_its_owner(tmp_path: Path) -> None:
    """A robust mutex is among those who are well: the kernel gives it to the next one."""
    with running(OWNER_DIED, str(tmp_path)) as programs:

        def told() -> set[str]:
            said = found(programs, Inspector(LiveSource()).observe(Want(waits=True)))
            return {name for name, rules in said.items() if "lock-owner-died" in rules}

        until(lambda: told() == OWNER_DIED.keys(), "all of them are told")


def test_two_who_open_fifos_in_the_wrong_order_are_told(tmp_path: Path) -> None:
    inspector = Inspector(LiveSource())
    with running({"two FIFOs": FIFOS}, str(tmp_path)) as programs:

        def who() -> list[Finding]:
            judged = inspector.observe(Want(waits=True)).judged
            told = find(judged, [FifoOpenWaits(longest_s=0.2)])
            return [one for one in told if programs.name_of(one.threads[0].process.pid) and one.severity == "warning"]

        until(lambda: len(who()) == 2, "both are told")


@pytest.mark.alone
def test_a_deadlock_is_found_beside_processes_that_come_and_go_and_none_of_these_is_accused(tmp_path: Path) -> None:
    """Whoever forks and ends all the time may be missed by a look: then it is looked at again."""
    crossed = "two in writes to full pipes of each other"
    inspector = Inspector(LiveSource())
    with running({**CHURN, crossed: STUCK[crossed]}, str(tmp_path)) as programs:
        accused: set[str] = set()

        def is_found() -> bool:
            said = found(programs, inspector.observe(Want(waits=True)))
            accused.update(said.keys() & CHURN.keys())
            return crossed in said

        until(is_found, "the deadlock is found")
        for _ in range(5):
            is_found()
        assert [name for name in CHURN if not programs.runs(name)] == []
    assert accused == set()


AS_NOBODY = """
import json
from ipcinspect.inspector import Inspector
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
found = Inspector(LiveSource()).observe(Want(waits=True)).findings
told = [[one.rule, one.severity, one.certainty, [key.process.pid for key in one.threads]] for one in found]
print(json.dumps({"findings": told}))
"""


@pytest.fixture(scope="module")
def seen_by_nobody(nobody: None) -> SeenByNobody:
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o777)
    try:
        with running({**STUCK, **WELL}, str(directory), NOBODY) as programs:
            looked, late = [], time.monotonic() + WITHIN_S
            while len(looked) < LOOKS or not (STUCK.keys() <= looked[-1].keys() or time.monotonic() > late):
                looked.append(_by_program(programs))
            return SeenByNobody(_running(programs), looked)
    finally:
        shutil.rmtree(directory)


def _by_program(programs: Programs) -> dict[str, dict[str, str]]:
    said: dict[str, dict[str, str]] = {}
    for rule, severity, certainty, pids in looks(NOBODY, AS_NOBODY)["findings"]:
        for name in {programs.name_of(pid) for pid in pids} - {None}:
            if severity != "info":
                said.setdefault(str(name), {})[rule] = certainty
    return said


@pytest.mark.parametrize("name", STUCK)
def test_an_ordinary_user_finds_who_is_stuck_of_his_own_and_is_certain_of_none(
    seen_by_nobody: SeenByNobody, name: str
) -> None:
    """Of other users' processes he sees nothing: one of them may hold an end. Of file locks the kernel tells all."""
    told: Mapping[str, str] = seen_by_nobody.looks[-1].get(name, {})
    assert name in seen_by_nobody.ran
    assert told.get("deadlock") == "likely"
    assert NARROWER.get(name, "deadlock") in told
    assert {rule for rule, certainty in told.items() if certainty != "likely"} <= {"file-lock-deadlock"}


@pytest.mark.parametrize("name", WELL)
def test_an_ordinary_user_accuses_none_of_his_own_who_only_wait(seen_by_nobody: SeenByNobody, name: str) -> None:
    assert name in seen_by_nobody.ran
    assert [list(said[name]) for said in seen_by_nobody.looks if name in said] == []
