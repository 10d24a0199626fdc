"""Who cannot be seen may hold an end: then nothing is certain, and where it is likely nobody is accused."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcinspect.inspector import Inspector
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.conftest import Start
from tests.live.running_programs import Programs, running
from tests.live.stuck_programs import STUCK
from tests.live.subjects import asleep_in, until
from tests.live.test_without_privilege import NOBODY, looks, nobody

__all__ = ["nobody"]

CROSSED = "two in writes to full pipes of each other"
AS_NOBODY = """
import json
from ipcinspect.inspector import Inspector
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
seen = Inspector(LiveSource()).observe(Want(waits=True))
told = [
    [one.rule, one.severity, one.certainty, one.caveats, [key.process.pid for key in one.threads]]
    for one in seen.findings
]
print(json.dumps({"findings": told}))
"""
DROP = "os.setgid(65534); os.setuid(65534); LIBC.prctl(4, 1)"
"""From root to an ordinary user, who may be read by his like (PR_SET_DUMPABLE)."""
NOT_READ = {
    "the other writer": f"""
r, w = os.pipe(); fork(lambda: (close(r), signal.pause()))
{DROP}; ready(); os.read(r, 1)
""",
    "the other reader": f"""
r, w = os.pipe(); fork(lambda: (close(w), signal.pause()))
{DROP}; ready(); os.write(w, MUCH)
""",
}
"""Of an ordinary user, who alone seems to hold both ends of a pipe: a child of his that is root's has one too."""


@pytest.fixture
def directory() -> Iterator[Path]:
    """One in which any user may make files."""
    made = Path(tempfile.mkdtemp(prefix="ipci-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


def said(programs: Programs, command: tuple[str, ...]) -> dict[str, list[tuple[str, list[str]]]]:
    """By program, the certainty and the caveats of each error or warning."""
    told: dict[str, list[tuple[str, list[str]]]] = {}
    for _, severity, certainty, caveats, pids in looks(command, AS_NOBODY)["findings"]:
        for name in {programs.name_of(pid) for pid in pids} - {None}:
            if severity != "info":
                told.setdefault(str(name), []).append((certainty, caveats))
    return told


def test_who_shares_an_end_with_whoever_looks_is_accused_only_after_that_one_is_closed(start: Start) -> None:
    with contextlib.ExitStack() as stack:
        r, w = os.pipe()
        ours = stack.enter_context(os.fdopen(w, "wb", buffering=0))
        with os.fdopen(r, "rb"):
            reader = start("say(); os.read(ARGS[0], 1)", r, pass_fds=[r, w])
        stack.callback(reader.process.kill)
        until(lambda: asleep_in(reader.pid, "pipe_read", "anon_pipe_read"), "it to read")
        inspector = Inspector(LiveSource())

        def accused() -> bool:
            found = inspector.observe(Want(waits=True)).findings
            return any(key.process.pid == reader.pid for one in found for key in one.threads)

        for _ in range(3):
            assert not accused()
        ours.close()
        until(accused, "it is accused")


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("hidepid", [1, 2])
def test_where_the_mount_hides_others_a_deadlock_is_found_and_never_certain(hidepid: int, directory: Path) -> None:
    """A fresh mount in a namespace of its own: a remount would change the machine's."""
    script = f'mount --make-rprivate / && mount -t proc -o hidepid={hidepid} proc /proc && exec {" ".join(NOBODY)} "$@"'
    command = ("unshare", "-m", "sh", "-c", script, "sh")
    with running({CROSSED: STUCK[CROSSED]}, str(directory), NOBODY) as programs:
        found = until(lambda: said(programs, command).get(CROSSED), "it is found")
        assert isinstance(found, list)
        for certainty, caveats in found:
            assert certainty == "likely"
            assert any("do not show" in caveat for caveat in caveats)


@pytest.mark.usefixtures("nobody")
def test_who_may_be_helped_by_a_child_that_cannot_be_read_is_not_accused(directory: Path) -> None:
    """As below sudo; beside them somebody is stuck, and found by the same look."""
    with (
        running({**NOT_READ}, str(directory)) as well,
        running({CROSSED: STUCK[CROSSED]}, str(directory), NOBODY) as stuck,
    ):
        until(lambda: said(stuck, NOBODY), "the one that is stuck is found")
        assert said(well, NOBODY) == {}
