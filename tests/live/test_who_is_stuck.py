"""Real programs that are stuck are found, all of them; others that only wait are not, none of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest

from ipcinspect.diagnosis.finding import Finding
from ipcinspect.diagnosis.rules import find
from ipcinspect.diagnosis.rules.fifo_open_waits import FifoOpenWaits
from ipcinspect.inspector import Inspector, Observation
from ipcinspect.mechanisms.waits import looks as wait_looks
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.running_programs import Programs, running
from tests.live.stuck_programs import ALARMED, CHURN, FIFOS, STUCK, WELL
from tests.live.subjects import until
from tests.live.test_without_privilege import NOBODY, looks, nobody

__all__ = ["nobody"]

NARROWER = {
    "a parent waits before it reads its child's output": "wait-before-read",
    "a parent in waitid of a child that writes to it": "wait-before-read",
    "a parent that polls the pidfd of a child that writes to it": "wait-before-read",
    "a parent in waitid of the pidfd of a child that writes to it": "wait-before-read",
    "a reader that holds the only write end": "self-held-write-end",
    "a POSIX lock and a flock in the wrong order": "file-lock-deadlock",
    "flock in the wrong order": "file-lock-deadlock",
    "open file description locks in the wrong order": "file-lock-deadlock",
}
LOOKS = 3


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    with running({**STUCK, **WELL}, str(tmp_path_factory.mktemp("stuck"))) as made:
        yield made


def found(programs: Programs, observation: Observation) -> dict[str, dict[str, Finding]]:
    """By program, what is said of its threads, by rule."""
    said: dict[str, dict[str, Finding]] = {}
    for finding in observation.findings:
        for key in finding.threads:
            name = programs.name_of(key.process.pid)
            if name is not None and finding.severity != "info":
                said.setdefault(name, {})[finding.rule] = finding
    return said


def test_every_program_that_is_stuck_is_found_and_none_that_only_waits(programs: Programs) -> None:
    inspector = Inspector(LiveSource())
    looked: list[dict[str, dict[str, Finding]]] = []

    def all_found() -> bool:
        looked.append(found(programs, inspector.observe(Want(waits=True))))
        return set(STUCK) <= set(looked[-1])

    until(all_found, "every program that is stuck is found")
    while len(looked) < LOOKS:
        all_found()
    accused = {name: list(rules) for said in looked for name, rules in said.items() if name in WELL}
    assert accused == {}
    for name in STUCK:
        assert "deadlock" in looked[-1][name], name
        if name in NARROWER:
            assert NARROWER[name] in looked[-1][name], name


def test_a_look_at_what_is_slept_in_alone_says_the_same_of_each(programs: Programs) -> None:
    """`why` leaves out what nobody sleeps in; no verdict may hang on that."""

    def rules(**want: bool) -> dict[str, set[str]]:
        said = found(programs, Inspector(LiveSource()).observe(Want(waits=True, **want)))
        return {name: set(said[name]) for name in said}

    until(lambda: rules(only_waited=True) == rules(), "a quick look to say what a whole one says")
    assert not rules(only_waited=True).keys() & WELL.keys()


def test_a_hundred_looks_change_nothing_for_those_who_are_stuck(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread ran because it was looked at, and each is told as before: strace and gdb dissolve such a deadlock."""
    inspector = Inspector(LiveSource())

    def seen() -> dict[int, int | None]:
        observation = inspector.observe(Want(waits=True, only_waited=True))
        waits = [one for sleepers in observation.snapshot.waits.values() for one in sleepers.waits]
        return {one.thread.tid: one.switches for one in waits if programs.name_of(one.thread.tid) in STUCK}

    def all_told() -> bool:
        return set(STUCK) <= set(found(programs, inspector.observe(Want(waits=True, only_waited=True))))

    until(all_told, "every program that is stuck is found")
    before = seen()
    with monkeypatch.context() as patch:
        patch.setattr(wait_looks, "LEAST_APART_S", 0.0)
        for _ in range(100):
            after = seen()
    assert {tid: after.get(tid) for tid in before} == before
    until(all_told, "all of them to be told as before")


def test_an_alarm_that_nobody_sees_makes_it_likely_and_a_caveat_says_so(programs: Programs) -> None:
    """A pending alarm(2) stands nowhere: that a handler for it is there is all that is known."""
    inspector = Inspector(LiveSource())
    told = until(lambda: found(programs, inspector.observe(Want(waits=True))).get(ALARMED), "it is found")
    assert told is not None
    assert {one.certainty for one in told.values()} == {"likely"}
    assert any("SIGALRM" in caveat for caveat in told["deadlock"].caveats)


def test_two_who_open_fifos_in_the_wrong_order_are_told(tmp_path: object) -> None:
    inspector = Inspector(LiveSource())
    with running({"two FIFOs": FIFOS}, str(tmp_path)) as programs:

        def who() -> list[Finding]:
            judged = inspector.observe(Want(waits=True)).judged
            told = find(judged, [FifoOpenWaits(longest_s=0.2)])
            return [one for one in told if programs.name_of(one.threads[0].process.pid) and one.severity == "warning"]

        until(lambda: len(who()) == 2, "both are told")


def test_a_deadlock_is_found_beside_processes_that_come_and_go_and_none_of_these_is_accused(tmp_path: object) -> None:
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
        for _ in range(10):
            is_found()
    assert accused == set()


AS_NOBODY = """
import json
from ipcinspect.inspector import Inspector
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
inspector = Inspector(LiveSource())
for _ in range(3):
    found = inspector.observe(Want(waits=True)).findings
told = [[one.rule, one.severity, one.certainty, [key.process.pid for key in one.threads]] for one in found]
print(json.dumps({"findings": told}))
"""


@pytest.mark.usefixtures("nobody")
def test_an_ordinary_user_finds_the_same_of_processes_of_his_own_and_is_certain_of_none() -> None:
    """Of other users' processes he sees nothing: one of them may hold an end."""
    directory = tempfile.mkdtemp()
    os.chmod(directory, 0o777)
    try:
        with running({**STUCK, **WELL}, directory, NOBODY) as programs:

            def rules() -> dict[str, set[str]]:
                said: dict[str, set[str]] = {}
                for rule, severity, certainty, pids in looks(NOBODY, AS_NOBODY)["findings"]:
                    for name in {programs.name_of(pid) for pid in pids} - {None}:
                        assert certainty == "likely" or rule == "file-lock-deadlock"
                        if severity != "info":
                            said.setdefault(str(name), set()).add(rule)
                return said

            until(lambda: set(STUCK) <= set(rules()), "every program that is stuck is found")
            said = rules()
    finally:
        shutil.rmtree(directory)
    assert {name: told for name, told in said.items() if name in WELL} == {}
    assert {name for name, rule in NARROWER.items() if rule not in said[name]} == set()
