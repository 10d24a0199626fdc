"""Real programs that are stuck are found, all of them; others that only wait are not, none of them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ipcinspect.diagnosis.finding import Finding
from ipcinspect.inspector import Inspector, Observation
from ipcinspect.kernel import sysv
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.stuck_programs import PRELUDE, STUCK, WELL
from tests.live.subjects import WITHIN_S, until

NARROWER = {
    "a parent waits before it reads its child's output": "wait-before-read",
    "a parent in waitid of a child that writes to it": "wait-before-read",
    "a reader that holds the only write end": "self-held-write-end",
    "flock in the wrong order": "file-lock-deadlock",
    "open file description locks in the wrong order": "file-lock-deadlock",
}
LOOKS = 3


class Programs:
    """All of them at once; each in a session of its own, by which its processes are known."""

    def __init__(self, directory: str) -> None:
        """`directory`: for their files, which they do not remove."""
        self.started = {
            name: subprocess.Popen(
                [sys.executable, "-S", "-c", PRELUDE + code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "TMPDIR": directory},
            )
            for name, code in {**STUCK, **WELL}.items()
        }

    def wait(self) -> None:
        """Until each stands where it stays."""
        for name, process in self.started.items():
            assert process.stdout is not None
            assert select.select([process.stdout], [], [], WITHIN_S)[0], f"{name}: not ready in time"
            assert process.stdout.readline() == b"ready\n", name

    def name_of(self, pid: int) -> str | None:
        """The program that a process belongs to."""
        try:
            session = os.getsid(pid)
        except OSError:
            return None
        return next((name for name, process in self.started.items() if process.pid == session), None)

    def end(self) -> None:
        """Gone, all of them."""
        for process in self.started.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            process.wait()


def _semaphore_sets() -> set[int]:
    with open("/proc/sysvipc/sem", encoding="ascii") as table:
        return {int(line.split()[1]) for line in table.readlines()[1:]}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    made = Programs(str(tmp_path_factory.mktemp("stuck")))
    try:
        made.wait()
        yield made
    finally:
        used = {
            channel.key.number
            for channel in LiveSource().take(Want()).channels
            if channel.mechanism == "sysv-sem"
            and any(end.process is not None and made.name_of(end.process.pid) for end in channel.endpoints)
        }
        made.end()
        for semid in used & _semaphore_sets():
            sysv.remove_semaphores(semid)


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


def test_looking_changes_nothing_for_those_who_are_stuck(programs: Programs) -> None:
    """No thread ran because it was looked at: strace and gdb dissolve such a deadlock."""
    source = LiveSource()

    def switches() -> dict[int, int | None]:
        waits = source.take(Want(waits=True)).waits
        stuck = [
            one for sleepers in waits.values() for one in sleepers.waits if programs.name_of(one.thread.tid) in STUCK
        ]
        return {one.thread.tid: one.switches for one in stuck}

    before = until(switches, "the stuck threads are seen")
    for _ in range(8):
        after = switches()
    assert {tid: after.get(tid) for tid in before} == before
