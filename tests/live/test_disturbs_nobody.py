"""Whoever is looked at, and looked into, again and again goes on as if nobody looked."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import oracles, watcher
from tests.live.conftest import Start
from tests.live.subjects import WITHIN_S, asleep_in, context_switches, kernel_state, until

ROOT = Path(__file__).resolve().parents[2]
IN_TIME_S = 1.0
"""Within which an end of file, a signal or a lock has to arrive on a busy machine."""
LOOKS = 12


class Watcher:
    """The watching process."""

    def __init__(self, interval_s: float = 0.02, busy: bool = False) -> None:
        self._counter = os.memfd_create("looks")
        self.process = subprocess.Popen(
            [sys.executable, "-m", watcher.__name__, str(interval_s), "busy" if busy else "calm", str(self._counter)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[self._counter],
            process_group=0,  # with us as its parent: an orphaned group, as a job of CI may be, ignores SIGTSTP
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"looking\n"

    def count(self) -> int:
        """How often it has looked."""
        return int.from_bytes(os.pread(self._counter, 8, 0), "little")

    def looks(self, more: int) -> None:
        """Wait until it has looked so many times more, from beginning to end."""
        wanted = self.count() + more + 1
        until(lambda: self.count() >= wanted, f"{more} looks", 60)

    def finish(self) -> dict[str, Any]:
        """Its report; it is over."""
        output, _ = self.process.communicate(timeout=WITHIN_S)
        report: dict[str, Any] = json.loads(output)
        return report

    def close(self) -> None:
        """Gone, whatever happened; safe to call twice."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        if self._counter >= 0:
            os.close(self._counter)
            self._counter = -1


@pytest.fixture(scope="module")
def watching() -> Iterator[Watcher]:
    """Somebody who looks all the time."""
    watching = Watcher()
    yield watching
    watching.close()


READS_TO_THE_END = """
while os.read(ARGS[0], 65536): pass
say(time.monotonic())
"""
WRITES_FOR_GOOD = """
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
say()
while True:
    os.write(ARGS[0], b"x" * 4096)
    if ARGS[1]: time.sleep(0.001)
"""


def test_a_reader_gets_its_end_of_file_in_time(watching: Watcher, start: Start) -> None:
    for _ in range(LOOKS):
        r, w = os.pipe()
        reader = start(READS_TO_THE_END, r, pass_fds=[r], waits=False)
        writer = start(WRITES_FOR_GOOD, w, True, pass_fds=[w])
        os.close(r), os.close(w)
        died = time.monotonic()
        writer.process.kill()
        writer.process.wait()
        assert reader.hear()[0] - died < IN_TIME_S


def test_a_writer_gets_its_signal_in_time(watching: Watcher, start: Start) -> None:
    for asleep in (True, False):
        for _ in range(LOOKS // 2):
            r, w = os.pipe()
            reader = start("say(); stay()", pass_fds=[r])
            writer = start(WRITES_FOR_GOOD, w, False, pass_fds=[w])
            os.close(r), os.close(w)
            if asleep:
                until(lambda: asleep_in(writer.pid, "pipe"), "the writer to block")  # noqa: B023 (called at once)
            died = time.monotonic()
            reader.process.kill()
            assert writer.process.wait(WITHIN_S) == -signal.SIGPIPE
            assert time.monotonic() - died < IN_TIME_S + 0.1


@pytest.mark.parametrize("mode", ["O_RDONLY", "O_WRONLY"])
def test_who_waits_for_a_partner_at_a_fifo_goes_on_waiting(
    watching: Watcher, start: Start, directory: Path, mode: str
) -> None:
    path = directory / "fifo"
    os.mkfifo(path)
    handle = os.open(path, os.O_PATH)
    before = os.fstat(handle)
    waiting = start("say('opens'); os.open(ARGS[0], getattr(os, ARGS[1])); say('released')", str(path), mode)
    until(lambda: asleep_in(waiting.pid, "fifo", "wait_for_partner"), "the opener to block")
    watching.looks(LOOKS)
    assert asleep_in(waiting.pid, "fifo", "wait_for_partner")
    after = os.fstat(handle)
    os.close(handle)
    assert (before.st_atime_ns, before.st_mtime_ns, before.st_ctime_ns) == (
        after.st_atime_ns,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    assert waiting.hear() == ["released"]


def test_a_deadlock_over_two_full_pipes_stays(watching: Watcher, start: Start) -> None:
    """A short write, as an interrupted one would be, would dissolve it."""
    one_r, one_w = os.pipe()
    two_r, two_w = os.pipe()
    code = "say(); os.write(ARGS[0], b'x' * 200000); say('dissolved'); os.read(ARGS[1], 1)"
    fds = [one_r, one_w, two_r, two_w]
    subjects = [start(code, one_w, two_r, pass_fds=fds), start(code, two_w, one_r, pass_fds=fds)]
    for fd in fds:
        os.close(fd)
    for subject in subjects:
        until(lambda: asleep_in(subject.pid, "pipe"), "both to block")  # noqa: B023 (called at once)
    switches = [context_switches(subject.pid) for subject in subjects]
    watching.looks(LOOKS)
    assert [context_switches(subject.pid) for subject in subjects] == switches, "nobody even woke up"
    assert all(asleep_in(subject.pid, "pipe") for subject in subjects)


def test_system_v_records_do_not_move_and_nothing_is_made(watching: Watcher, start: Start) -> None:
    from tests.live.test_against_other_tools import SYSTEM_V

    subject = start(SYSTEM_V)

    def records() -> list[dict[str, str]]:
        numbers = dict(zip(("msqid", "semid", "shmid"), map(str, subject.said), strict=True))
        return [
            row
            for name in ("msg", "sem", "shm")
            for row in oracles.sysvipc(name)
            if any(row.get(title) == number for title, number in numbers.items())
        ]

    def made_by_the_watcher() -> list[dict[str, str]]:
        return [row for row in oracles.sysvipc("shm") if row["cpid"] == str(watching.process.pid)]

    before = records()
    assert len(before) == 3
    watching.looks(LOOKS)
    assert records() == before
    assert not made_by_the_watcher()


def test_no_time_of_access_and_no_flag_changes(watching: Watcher, start: Start, directory: Path) -> None:
    (directory / "file").write_bytes(b"x" * 4096)
    os.mkfifo(directory / "fifo")
    subject = start(
        """
file = os.open(ARGS[0] + "/file", os.O_RDWR | os.O_APPEND); fifo = os.open(ARGS[0] + "/fifo", os.O_RDWR)
os.write(fifo, b"unread")
mapped = mmap.mmap(file, 4096, mmap.MAP_SHARED)
r, w = os.pipe2(os.O_NONBLOCK); os.write(w, b"unread")
one, other = socket.socketpair(); one.send(b"unread")
one_d, other_d = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); one_d.send(b"unread")
fds = [file, fifo, r, w, one.fileno(), other.fileno(), one_d.fileno(), other_d.fileno()]
say(fds, os.getpid())
stay()
""",
        str(directory),
    )
    fds, pid = subject.said
    for name in ("file", "fifo"):
        os.utime(directory / name, ns=(1, 2))

    def facts() -> list[object]:
        told: list[object] = [Path(f"/proc/{pid}/fdinfo/{fd}").read_text() for fd in fds]
        for name in ("file", "fifo"):
            now = (directory / name).stat()
            told.append((now.st_atime_ns, now.st_mtime_ns, now.st_ctime_ns))
        return told

    before = facts()
    watching.looks(LOOKS)
    assert facts() == before


def test_a_file_lock_is_free_as_soon_as_its_holder_is_gone(watching: Watcher, start: Start, directory: Path) -> None:
    path = directory / "locked"
    path.touch()
    ours = os.open(path, os.O_RDWR)
    flock = ctypes.CDLL(None).flock
    try:
        for _ in range(LOOKS // 2):
            holder = start("f = os.open(ARGS[0], os.O_RDWR); fcntl.flock(f, 2); say(); stay()", str(path))
            assert flock(ours, 2 | 4) == -1
            holder.process.kill()
            holder.process.wait()
            died = time.monotonic()
            until(lambda: flock(ours, 2 | 4) == 0, "the lock")
            assert time.monotonic() - died < IN_TIME_S
            assert flock(ours, 8) == 0
    finally:
        os.close(ours)


def test_a_port_and_a_peer_are_free_as_soon_as_their_holder_is_gone(watching: Watcher, start: Start) -> None:
    import socket

    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for _ in range(LOOKS // 2):
            ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
            with ours:
                subject = start("say(); stay()", pass_fds=[theirs.fileno()])
                theirs.close()
                subject.process.kill()
                subject.process.wait()
                died = time.monotonic()
                ours.settimeout(WITHIN_S)
                if kind == socket.SOCK_STREAM:
                    assert ours.recv(1) == b""
                else:
                    until(lambda: _refused(ours), "the refusal")  # noqa: B023 (called at once)
                assert time.monotonic() - died < IN_TIME_S


def _refused(ours) -> bool:
    with contextlib.suppress(BlockingIOError):
        try:
            ours.send(b"x")
        except (ConnectionRefusedError, ConnectionResetError):
            return True
    return False


def test_a_dead_network_namespace_is_not_kept_alive(root: None, watching: Watcher, start: Start) -> None:
    """A socket in it would: kept ones of the watcher would show as sockets of a namespace that nobody is in."""
    subject = start("say(os.stat('/proc/self/ns/net').st_ino); stay()", command=["unshare", "-n"])
    (number,) = subject.said
    watching.looks(LOOKS)
    assert number in _namespaces_of(subject.pid)
    subject.end()
    watching.looks(LOOKS)
    assert number not in _namespaces_of(watching.process.pid)
    links = Path(f"/proc/{watching.process.pid}/fd").iterdir()
    sockets = [link for link in links if _target(link).startswith(("socket:", "net:"))]
    assert len(sockets) <= 1, "at most the one of the look that is going on"


def _namespaces_of(pid: int) -> set[int]:
    found = set()
    for link in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found.add((link / "ns" / "net").stat().st_ino)
    return found


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


@pytest.mark.alone
def test_a_hundred_looks_borrow_briefly_and_keep_nothing(record_property: Callable[[str, object], None]) -> None:
    with _twenty_pipes(), contextlib.closing(Watcher(0.0)) as watching:
        watching.looks(100)
        report = watching.finish()
    _tell(report, record_property)
    first, last = report["descriptors"]
    assert last <= first
    assert report["loans"] > 1000
    assert report["looks_into"] > 500
    assert report["lights"] > 500
    assert report["p99_s"] < 0.001


@pytest.mark.alone
def test_a_busy_interpreter_does_not_prolong_what_is_borrowed(record_property: Callable[[str, object], None]) -> None:
    with _twenty_pipes(), contextlib.closing(Watcher(0.0, busy=True)) as watching:
        watching.looks(1)
        report = watching.finish()
    _tell(report, record_property)
    assert report["loans"] > 50
    assert report["p99_s"] < 0.001


@contextlib.contextmanager
def _twenty_pipes() -> Iterator[None]:
    pipes = [os.pipe() for _ in range(20)]
    yield
    for r, w in pipes:
        os.close(r), os.close(w)


def _tell(report: dict[str, Any], record_property: Callable[[str, object], None]) -> None:
    print(report)
    for name, value in report.items():
        record_property(name, value)


def test_a_stopped_or_ended_watcher_holds_nothing_borrowed(start: Start) -> None:
    """A storm of SIGTSTP; at each stop its descriptors are read. What it shares with us is ours from the start."""
    subject = start("keep = [os.pipe() for _ in range(100)]; say([ino(r) for r, _ in keep]); stay()")
    foreign = set(subject.said[0])
    watching = Watcher(0.0)
    stops = 0
    try:
        deadline = time.monotonic() + 6
        while time.monotonic() < deadline and stops < 150:
            watching.process.send_signal(signal.SIGTSTP)
            until(lambda: kernel_state(watching.process.pid) == "T", "the stop")
            stops += 1
            held = {_target(link) for link in Path(f"/proc/{watching.process.pid}/fd").iterdir()}
            assert not held & {f"pipe:[{number}]" for number in foreign}
            watching.process.send_signal(signal.SIGCONT)
            until(lambda: kernel_state(watching.process.pid) != "T", "it to go on")
        watching.process.send_signal(signal.SIGTERM)
        assert watching.process.wait(WITHIN_S) == -signal.SIGTERM
    finally:
        watching.close()
    assert stops > 30
    print(f"{stops} stops, nothing borrowed at any")
