"""What one look at the machine really asks of the kernel, as Python's own audit events tell (PEP 578)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LOOK = """
import json, sys
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource

source = LiveSource()
source.take(Want(True, True, True, waits=True, limits=True))  # loads whatever it still needs
events = []

def hear(event, args):
    if event in ("open", "socket.__new__") or event.startswith(("os.", "subprocess.", "shutil.", "fcntl.")):
        events.append((event, [arg if isinstance(arg, (int, str)) else repr(arg) for arg in args]))

sys.addaudithook(hear)
seen = source.take(Want(True, True, True, waits=True, limits=True))
heard = list(events)
queues = [channel.name[1:] for channel in seen.channels if channel.mechanism == "posix-mq"]
with open(sys.argv[1], "w") as report:
    json.dump([heard, queues], report)
"""

A_LOOK_AT_A_QUEUE = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
BY_PROC = re.compile(r"/proc(/[\w./-]+)?\Z")
BELOW_A_PROCESS = re.compile(
    r"(stat|status|limits|cgroup|cmdline|maps|mountinfo|fd|fdinfo/\d+|task(/\d+(/(syscall|pagemap|comm|status|stat|sched|wchan|fdinfo/\d+))?)?)\Z"
)
OF_THE_SYSTEM = {"/etc/passwd", "/etc/nsswitch.conf"}
THE_MOUNT_OF_QUEUES = {"."}
"""A directory by the descriptor of a detached mount, in which queues are then opened by their names."""
A_DESCRIPTOR_BY_ITS_PATH = re.compile(r"(\A|(?<!/self)/)fd/\d+\Z")
"""Of another process: those of our own are how a file that was opened as O_PATH is opened to be read."""


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, list[object]]]:
    """Everything that one look did, with all that can be wanted of it, but for queues that it opened to look."""
    report = tmp_path_factory.mktemp("audit") / "events"
    subprocess.run([sys.executable, "-c", LOOK, str(report)], cwd=ROOT, stdin=subprocess.DEVNULL, check=True)
    heard, queues = json.loads(report.read_text())
    return [
        (event, arguments)
        for event, arguments in heard
        if event != "open" or arguments[0] not in queues or arguments[2] != A_LOOK_AT_A_QUEUE
    ]


def test_nothing_is_opened_for_writing(events: list[tuple[str, list[object]]]) -> None:
    opened = [arguments for event, arguments in events if event == "open"]
    assert opened
    assert not [arguments for arguments in opened if int(str(arguments[2])) & WRITES]


def test_nothing_is_opened_but_tables_of_the_kernel_and_the_user_database(
    events: list[tuple[str, list[object]]],
) -> None:
    opened = {
        str(arguments[0]) for event, arguments in events if event == "open" and not int(str(arguments[2])) & os.O_PATH
    }  # an open as O_PATH asks no file and no server
    others = {path for path in opened if not BY_PROC.match(path) and not BELOW_A_PROCESS.match(path)}
    assert others <= OF_THE_SYSTEM | THE_MOUNT_OF_QUEUES
    assert not [path for path in opened if A_DESCRIPTOR_BY_ITS_PATH.search(path)]


def test_no_process_is_started_and_no_file_is_changed(events: list[tuple[str, list[object]]]) -> None:
    assert {event for event, _ in events if event not in ("open", "socket.__new__")} <= {"os.listdir", "os.scandir"}


def test_the_only_sockets_it_makes_ask_the_kernel(events: list[tuple[str, list[object]]]) -> None:
    netlink = 16
    families = {int(str(arguments[1])) for event, arguments in events if event == "socket.__new__"}
    assert families <= {netlink, -1}
