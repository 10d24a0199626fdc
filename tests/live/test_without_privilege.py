"""An ordinary user, a hidden /proc, a sandbox: what can be seen is shown, what cannot is said, nothing is guessed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import Start
from tests.live.subjects import inode, look

ROOT = Path(__file__).resolve().parents[2]
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")

LOOKS = """
import json, os, sys
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
seen = LiveSource().take(Want(descriptors=True, cmdlines=True, sights=True))
print(json.dumps({
    "pid": os.getpid(),
    "observer": list(seen.host.observer),
    "processes": {pid: [process.comm, process.readable] for pid, process in seen.processes.items()},
    "channels": [
        [channel.id, channel.mechanism, channel.state,
         [[end.side, end.role, end.process and end.process.pid, end.fd, end.inode] for end in channel.endpoints]]
        for channel in seen.channels
    ],
    "gaps": [[gap.what, gap.why, gap.count] for gap in seen.gaps],
    "sights": {sight.subject: sight.verdict for sight in seen.sights},
}))
"""


def looks(command: Sequence[str] = (), code: str = LOOKS, pass_fds: Sequence[int] = ()) -> dict[str, Any]:
    """What a look of another process finds. It runs where the package is, which any user may read."""
    finished = subprocess.run(
        [*command, sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
        pass_fds=pass_fds,
    )
    assert finished.returncode == 0, finished.stderr.decode()
    assert not finished.stderr, finished.stderr.decode()
    found = json.loads(finished.stdout)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="session")
def nobody(root: None) -> None:
    """Where an ordinary user can run this interpreter and read the package."""
    command = [*NOBODY, sys.executable, "-c", "import ipcinspect.sources.live"]
    if subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip(f"an ordinary user may not run {sys.executable}, or not read {ROOT}")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe of ours."""
    r, w = os.pipe()
    yield r, w
    for fd in (r, w):
        try:
            os.close(fd)
        except OSError:
            continue


def channels(found: dict[str, Any], number: int) -> list[Any]:
    """Channels with an end of that inode."""
    return [channel for channel in found["channels"] if any(end[4] == number for end in channel[3])]


def test_an_ordinary_user_sees_what_is_his_and_is_told_the_rest(nobody: None, start: Start) -> None:
    subject = start("keep = os.pipe(); say(ino(keep[0])); stay()", command=NOBODY)
    found = looks(NOBODY)
    (own,) = channels(found, subject.said[0])
    assert (own[2], len(own[3])) == ("idle", 2)
    gaps = {what: (why, count) for what, why, count in found["gaps"]}
    assert gaps["descriptors of processes"][0] == "denied"
    assert gaps["descriptors of processes"][1] > 0
    assert found["processes"]["1"][1] is False
    assert found["sights"]["privilege"] == "partly"


def test_ends_that_only_others_hold_are_not_declared_gone(nobody: None, start: Start, pipe: tuple[int, int]) -> None:
    """The observer may read the one holder, and not us, who have the other end."""
    r, w = pipe
    numbers = {}
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = start("say(); stay()", command=NOBODY, pass_fds=[r, theirs.fileno()])
        other_r, other_w = os.pipe()
        writer = start("say(); stay()", command=NOBODY, pass_fds=[other_w])
        os.close(r), os.close(other_w)
        numbers = {"read end": inode(w), "write end": inode(other_r), "socket": inode(theirs.fileno())}
        theirs.close()
        found = looks(NOBODY)
        os.close(other_r)
    for what, number in numbers.items():
        (channel,) = channels(found, number)
        assert channel[2] in ("idle", "holding", "unknown"), what
        holders = {end[2] for end in channel[3] if end[2] is not None}
        assert holders <= {reader.pid, writer.pid}, what
        assert holders, what


def test_a_zombie_of_another_user_hides_nothing(nobody: None, start: Start) -> None:
    """It has no descriptors any more, and that needs no privilege to know."""
    subject = start(
        """
child = os.fork()
if not child: os._exit(0)
while open(f"/proc/{child}/stat").read().rpartition(")")[2][1] != "Z": pass
say(child); stay()
""",
        command=NOBODY,
    )
    found = looks(NOBODY)
    assert found["processes"][str(subject.said[0])][1] is True


def test_processes_that_the_mount_hides_are_a_gap(nobody: None) -> None:
    """hidepid=2 on a fresh mount in a namespace of its own: a remount would change the machine's."""
    script = f'mount --make-rprivate / && mount -t proc -o hidepid=2 proc /proc && exec {" ".join(NOBODY)} "$@"'
    found = looks(["unshare", "-m", "sh", "-c", script, "sh"])
    assert "1" not in found["processes"]
    assert str(found["pid"]) in found["processes"]
    assert found["sights"]["hidepid"] == "no"
    assert [gap for gap in found["gaps"] if "hid" in gap[0]], found["gaps"]


def test_root_sees_through_a_mount_that_hides(root: None) -> None:
    script = 'mount --make-rprivate / && mount -t proc -o hidepid=2 proc /proc && exec "$@"'
    found = looks(["unshare", "-m", "sh", "-c", script, "sh"])
    assert "1" in found["processes"]
    assert found["sights"]["hidepid"] == "yes"
    assert not [gap for gap in found["gaps"] if "hid" in gap[0]]


def test_an_observer_in_a_pid_namespace_with_the_outer_proc_names_nobody_wrongly(root: None, start: Start) -> None:
    """Its own numbers mean other processes than those in /proc."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here: apt-get install util-linux")
    subject = start("keep = os.pipe(); os.write(keep[1], b'xyz'); say(ino(keep[0])); stay()")
    found = looks(["unshare", "--pid", "--fork"])
    comm, _ = found["processes"][str(found["observer"][0])]
    assert comm.startswith("python")
    assert found["observer"][0] != found["pid"], "the number in /proc"
    (channel,) = channels(found, subject.said[0])
    assert {end[2] for end in channel[3]} == {subject.pid}
    assert channel[2] in ("unknown", "holding")


NO_SOCK_DIAG = """
from ipcinspect.kernel import netlink
from ipcinspect.kernel.errors import Unsupported
def refuse():
    raise Unsupported("sock_diag")
netlink.open_diag_socket = refuse
"""


def test_without_sock_diag_there_are_rows_and_no_guesses(start: Start) -> None:
    ours, theirs = socket.socketpair()
    with (
        ours,
        theirs,
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as accepted,
    ):
        found = looks(code=NO_SOCK_DIAG + LOOKS)
        for one in (ours, theirs):
            (channel,) = channels(found, inode(one.fileno()))
            assert channel[2] == "unknown"
            assert [end[2:4] for end in channel[3]] == [[os.getpid(), one.fileno()]]
        (connection,) = channels(found, inode(client.fileno()))
        assert {end[4] for end in connection[3]} == {inode(client.fileno()), inode(accepted.fileno())}
        whys = {what: why for what, why, _ in found["gaps"]}
        assert {why for what, why in whys.items() if "sock_diag" in what} == {"unsupported"}
        for table in ("unix sockets", "TCP sockets", "UDP sockets"):
            assert f"peers and queues of {table} by sock_diag" in whys


def test_without_pidfd_getfd_the_fill_is_unknown_and_said_to_be(pipe: tuple[int, int]) -> None:
    code = """
from ipcinspect.kernel import borrow
def refuse(pidfd, fd):
    raise PermissionError(1, "refused")
borrow.pidfd_getfd = refuse
"""
    found = looks(code=code + LOOKS)
    (channel,) = channels(found, inode(pipe[0]))
    assert channel[2] == "unknown"
    assert len(channel[3]) == 2
    assert [gap for gap in found["gaps"] if "pidfd_getfd" in gap[0] and gap[1] == "denied"]


def test_few_descriptors_of_our_own_are_enough(start: Start) -> None:
    """An observer may have fewer descriptors than there are processes."""
    subject = start(
        """
children, inodes = [], []
for _ in range(150):
    r, w = os.pipe()
    inodes.append(ino(r))
    child = os.fork()
    if not child: signal.pause()
    children.append(child)
    os.close(r), os.close(w)
say(*inodes)
try: stay()
finally:
    for child in children: os.kill(child, signal.SIGKILL)
"""
    )
    code = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))\n"
    found = looks(code=code + LOOKS)
    states = {channel[0]: channel[2] for channel in found["channels"]}
    assert [states[f"pipe:[{number}]"] for number in subject.said] == ["idle"] * 150
    assert not [gap for gap in found["gaps"] if "pidfd_getfd" in gap[0]]


def test_our_own_look_agrees_with_that_of_another_process(pipe: tuple[int, int]) -> None:
    (theirs,) = channels(looks(), inode(pipe[0]))
    (ours,) = [channel for channel in look().channels if channel.id == theirs[0]]
    assert (ours.state, len(ours.endpoints)) == (theirs[2], len(theirs[3]))
