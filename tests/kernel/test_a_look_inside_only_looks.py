"""What a look into channels really asks of the kernel, as Python's own audit events tell (PEP 578)."""

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
import json, os, socket, sys
from ipcinspect.kernel import sysv
from tests.live.peeks import Looker, data_of
from tests.live.subjects import inode, system_v

looker, events, on = Looker(), [], []
def hear(event, args):
    if on and (event in ("open", "socket.__new__") or event.startswith(("os.", "subprocess.", "shutil.", "fcntl."))):
        events.append((event, [arg if isinstance(arg, (int, str)) else repr(arg) for arg in args]))

os.mkfifo(sys.argv[2])
fifo = os.open(sys.argv[2], os.O_RDWR); os.write(fifo, b"x")
r, w = os.pipe(); os.write(w, b"x")
one, other = socket.socketpair(); one.send(b"x")
queue = sysv.create_queue(); sysv.send_message(queue, b"x")
try:
    channels = [looker.channel_of(number) for number in (inode(fifo), inode(r), inode(other.fileno()))]
    channels.append(system_v(looker.look(), "sysv-msg", queue))
    assert [data_of(looker.peek(channel)) for channel in channels] == [b"x"] * 4  # loads what it still needs
    sys.addaudithook(hear)
    on.append(True)
    for channel in channels:
        looker.peek(channel)
    on.clear()
finally:
    sysv.remove_queue(queue)
with open(sys.argv[1], "w") as report:
    json.dump(events, report)
"""

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
OPENED = re.compile(
    r"/proc(/\d+(/fd)?|/self|/stat|/sys/kernel/[\w/]+)?\Z|/proc/\d+/(task/\d+/)?wchan\Z|(stat|fdinfo/\d+|task/\d+/syscall)\Z"
)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, list[object]]]:
    """Everything that four looks did: into a FIFO, a pipe, a pair of sockets and a queue."""
    place = tmp_path_factory.mktemp("audit")
    command = [sys.executable, "-c", LOOK, str(place / "events"), str(place / "fifo")]
    subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=True)
    return [(event, arguments) for event, arguments in json.loads((place / "events").read_text())]


def test_nothing_is_opened_but_tables_of_the_kernel(events: list[tuple[str, list[object]]]) -> None:
    opened = [arguments for event, arguments in events if event == "open"]
    assert opened
    assert not [arguments for arguments in opened if int(str(arguments[2])) & WRITES]
    assert not {str(arguments[0]) for arguments in opened if not OPENED.match(str(arguments[0]))}


def test_no_process_no_socket_and_no_file_is_made(events: list[tuple[str, list[object]]]) -> None:
    assert {event for event, _ in events} <= {"open", "os.listdir", "fcntl.fcntl"}
    grown = {int(str(arguments[1])) for event, arguments in events if event == "fcntl.fcntl"}
    assert grown <= {1031, 1032}, "the size of a pipe of our own, F_SETPIPE_SZ and F_GETPIPE_SZ"
