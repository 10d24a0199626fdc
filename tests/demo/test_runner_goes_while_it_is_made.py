"""A runner that is gone before it heard what was made: the keeper takes it out of the system all the same."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ipcinspect.demo import DemoError, DemoPair
from ipcinspect.mechanisms import sysv_msg
from ipcinspect.mechanisms.demo_part import Report
from tests.demo.test_nothing_is_left import until

ROOT = Path(__file__).parents[2]
LATE = """
import sys
import time
from pathlib import Path
from ipcinspect.mechanisms import sysv_msg
from ipcinspect.mechanisms.demo_part import Calls
NAME = "sysv-msg"
def create(making):
    def late(report):
        if report.took_s is not None:
            Path(__file__).with_name("made").write_text(report.result)
            deadline = time.monotonic() + 10
            while not Path(__file__).with_name("go").exists() and time.monotonic() < deadline:
                time.sleep(0.005)
        making.calls.tell(report)
    return sysv_msg.DEMO.create(making._replace(calls=Calls(late)))
DEMO = sysv_msg.DEMO._replace(create=create)
"""
"""A room whose maker has made the queue, and has not said so yet, until it may."""

GOES = """
import os, signal, sys
import late_room
from ipcinspect.demo import DemoPair
def hear(side, report):
    if report.call == "msgget":
        {go}
DemoPair.start(late_room, below=sys.argv[1], hear=hear)
"""
WAYS = {
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "ctrl-C": "open(os.path.join(sys.argv[2], 'go'), 'w').close(); raise KeyboardInterrupt",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_queue_goes_though_nobody_heard_of_it(way: str, tmp_path: Path) -> None:
    below, rooms = tmp_path / "below", tmp_path / "rooms"
    below.mkdir()
    rooms.mkdir()
    (rooms / "late_room.py").write_text(LATE)
    program = GOES.format(go=WAYS[way])
    path = os.pathsep.join((str(rooms), str(ROOT)))
    subprocess.run(
        [sys.executable, "-c", program, str(below), str(rooms)],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
        check=False,
    )
    (rooms / "go").touch()
    until(lambda: not os.listdir(below), "the keeper is through")
    number = (rooms / "made").read_text()
    rows = Path("/proc/sysvipc/msg").read_text().splitlines()[1:]
    assert number not in {row.split()[1] for row in rows}


def test_a_keeper_that_is_killed_before_it_answered_leaves_nothing(tmp_path: Path) -> None:
    """The runner knows by then what was made: it is told as soon as it is there."""
    made: list[str] = []

    def hear(side: str, report: Report) -> None:
        if report.call == "msgget" and report.result is not None:
            made.append(report.result)
        if report.call == "fork":
            for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                if Path(f"/proc/{pid}/comm").read_text() == "demo-keeper\n":
                    os.kill(int(pid), signal.SIGKILL)

    with contextlib.suppress(DemoError):  # it may have answered before the signal came
        DemoPair.start(sysv_msg, below=str(tmp_path), hear=hear).end()
    assert made
    rows = Path("/proc/sysvipc/msg").read_text().splitlines()[1:]
    assert made[0] not in {row.split()[1] for row in rows}
    assert list(tmp_path.iterdir()) == []
