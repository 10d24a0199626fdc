"""Pseudo-terminals of real processes: identity, both directions, the end of either side."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ipcinspect.inspector import Inspector
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.selection.addresses import find
from ipcinspect.sources.live import LiveSource
from tests.live.conftest import Start
from tests.live.subjects import ends, field, look, until
from tests.live.test_disturbs_nobody import IN_TIME_S, LOOKS, Watcher, watching
from tests.live.test_without_privilege import NOBODY, looks, nobody

__all__ = ["nobody", "watching"]  # fixtures

MAKE = """
import tty
def made(raw=True):
    master, slave = os.openpty()
    if raw: tty.setraw(slave)
    return master, slave
def named(slave):
    return int(os.readlink(f"/proc/self/fd/{slave}").rpartition("/")[2])
"""
RAW_PAIR = MAKE + "master, slave = made(); say(os.getpid(), master, slave); "


def terminals_of(pid: int, snapshot: Snapshot | None = None) -> list[Channel]:
    """The terminals of which a process holds an end."""
    return [
        channel
        for channel in (snapshot or look()).channels
        if channel.mechanism == "pty" and any(end.process and end.process.pid == pid for end in channel.endpoints)
    ]


def terminal_of(pid: int, snapshot: Snapshot | None = None) -> Channel:
    """The only one."""
    found = terminals_of(pid, snapshot)
    assert len(found) == 1, found
    return found[0]


def waiting(channel: Channel) -> dict[str, int | None]:
    """Bytes by the side that will read them."""
    return {queue.to: queue.bytes for queue in channel.queues}


def test_a_terminal_has_its_master_and_all_its_slaves_as_ends(start: Start) -> None:
    subject = start(
        MAKE
        + """
master, slave = made(); child = os.fork()
if child == 0: os.close(master); stay(); os._exit(0)
say(os.getpid(), master, slave, child, named(slave), os.major(os.fstat(slave).st_dev), os.minor(os.fstat(slave).st_dev))
stay()
"""
    )
    pid, master, slave, child, number, major, minor = subject.said

    def seen() -> Channel | None:
        channel = terminal_of(pid)
        return channel if len(channel.endpoints) == 3 else None

    channel = until(seen, "the child to close its master")
    assert channel is not None
    assert ends(channel, "master") == {(pid, master)}
    assert ends(channel, "slave") == {(pid, slave), (child, slave)}
    assert (channel.id, channel.name) == (f"pty:[{major}:{minor}:{number}]", f"/dev/pts/{number}")
    snapshot = look()
    for text in (channel.id, f"{pid}/{master}", f"pty:/dev/pts/{number}"):
        assert channel.id in [one.id for one in find(text, snapshot)]


def test_in_raw_mode_every_byte_is_counted_in_its_direction(start: Start) -> None:
    subject = start(RAW_PAIR + "os.write(master, b'x' * 7); os.write(slave, b'y' * 3000); say(); stay()")
    subject.hear()
    channel = terminal_of(subject.said[0])
    assert waiting(channel) == {"b": 7, "a": 3000}
    assert channel.state == "holding"
    assert (field(channel, "line_mode"), field(channel, "echo")) == (False, False)


def test_in_line_mode_only_whole_lines_count(start: Start) -> None:
    subject = start(
        MAKE
        + """
master, slave = made(raw=False); os.write(master, b"abc"); say(os.getpid()); order()
os.write(master, chr(10).encode()); say(); stay()
"""
    )
    (pid,) = subject.said
    channel = terminal_of(pid)
    assert waiting(channel)["b"] == 0
    assert field(channel, "line_mode") is True
    subject.ask()
    assert waiting(terminal_of(pid)) == {"b": 4, "a": len(b"abc\r\n")}


@pytest.mark.parametrize(("least", "tenths", "ends_by_itself"), [(0, 5, True), (1, 5, False), (0, 0, False)])
def test_whether_a_read_ends_by_itself_follows_from_the_modes(
    start: Start, least: int, tenths: int, ends_by_itself: bool
) -> None:
    subject = start(
        MAKE
        + """
import termios
master, slave = made(raw=True); modes = termios.tcgetattr(slave)
modes[6][termios.VMIN], modes[6][termios.VTIME] = ARGS; termios.tcsetattr(slave, termios.TCSANOW, modes)
say(os.getpid()); stay()
""",
        least,
        tenths,
    )
    assert field(terminal_of(subject.said[0]), "timed_reads") is ends_by_itself


def test_more_than_the_kernel_counts_is_unknown_and_full_is_what_blocks(start: Start) -> None:
    subject = start(
        RAW_PAIR
        + """
os.write(slave, b"x" * 6000); say(); order()
os.set_blocking(slave, False)
try:
    while True: os.write(slave, b"x" * 1000)
except BlockingIOError: say()
stay()
"""
    )
    subject.hear()
    channel = terminal_of(subject.said[0])
    assert (channel.state, waiting(channel)["a"]) == ("holding", None)
    subject.ask()
    channel = until(lambda: _full(subject.said[0]), "the terminal to be full")
    assert waiting(channel)["a"] is None


def _full(pid: int) -> Channel | None:
    channel = terminal_of(pid)
    return channel if channel.state == "full" else None


def test_who_cannot_be_seen_at_the_other_side_makes_no_idle_terminal(start: Start) -> None:
    """A master alone, whose slave was never open, or is on its way in a message: nobody can tell."""
    subject = start("master = os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY); say(os.getpid()); stay()")
    assert terminal_of(subject.said[0]).state == "unknown"


def test_a_terminal_whose_slaves_are_closed_is_half_closed(start: Start) -> None:
    subject = start(RAW_PAIR + "order(); os.close(slave); say(); stay()")
    pid, master, _ = subject.said
    assert terminal_of(pid).state == "idle"
    subject.ask()
    channel = terminal_of(pid)
    assert (channel.state, ends(channel)) == ("half-closed", {(pid, master)})


def test_a_terminal_whose_master_is_closed_is_half_closed_and_keeps_its_number(start: Start) -> None:
    subject = start(
        MAKE
        + """
master, slave = made(); number = named(slave); say(os.getpid(), slave); order()
os.close(master); say(); order()
again, fresh = made(); say(named(fresh) == number, again, fresh); stay()
"""
    )
    pid, slave = subject.said
    before = terminal_of(pid)
    subject.ask()
    closed = terminal_of(pid)
    assert (closed.key, closed.id, closed.name, closed.state) == (before.key, before.id, before.name, "half-closed")
    assert ends(closed) == {(pid, slave)}
    same, master, fresh = subject.ask()
    assert not same, "the kernel keeps the number while a slave is open"
    found = {channel.id: channel for channel in terminals_of(pid)}
    assert ends(found.pop(before.id)) == {(pid, slave)}
    assert [ends(channel) for channel in found.values()] == [{(pid, master), (pid, fresh)}]


def test_a_descriptor_that_is_a_place_alone_is_no_end(start: Start) -> None:
    subject = start(RAW_PAIR + "os.open(f'/dev/pts/{named(slave)}', os.O_PATH | os.O_NOCTTY); say(); stay()")
    subject.hear()
    pid, master, slave = subject.said
    assert ends(terminal_of(pid)) == {(pid, master), (pid, slave)}


SESSION = (
    MAKE
    + """
master, slave = made(); leader = os.fork()
if leader == 0:
    os.setsid(); os.close(master); fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    own = os.open("/dev/tty", os.O_RDWR); signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    group = os.fork()
    if group == 0: os.setpgid(0, 0); os.tcsetpgrp(own, os.getpid()); os.close(own)
    if group == 0: os.write(slave, b"."); signal.pause()
    signal.pause()
os.read(master, 1); os.close(slave)
say(os.getpid(), master, slave, leader); stay()
"""
)


def test_the_session_and_its_foreground_group_are_named_and_dev_tty_is_an_end(start: Start) -> None:
    subject = start(SESSION)
    pid, master, slave, leader = subject.said
    channel = terminal_of(pid)
    foreground = field(channel, "foreground")
    assert field(channel, "session") == leader
    assert foreground not in (None, leader, pid)
    assert ends(channel, "master") == {(pid, master)}
    slaves = ends(channel, "slave")
    assert {(leader, slave), (foreground, slave)} < slaves
    assert {fd_pid for fd_pid, _ in slaves} == {leader, foreground}
    assert len(slaves) == 3, "the leader's /dev/tty too"
    comm = Path(f"/proc/{leader}/comm").read_text().strip()
    assert field(channel, "session_name") == field(channel, "foreground_name") == comm


TWO_INSTANCES = """
import tempfile
place = tempfile.mkdtemp(prefix="ipci-pts-", dir=ARGS[0])
checked(LIBC.mount(b"none", b"/", None, 0x4000 | 0x40000, None))
checked(LIBC.mount(b"devpts", place.encode(), b"devpts", 0, b"newinstance,ptmxmode=0666"))
"""


def test_two_instances_with_the_same_number_are_two_terminals(root: None, start: Start, directory: Path) -> None:
    code = (
        TWO_INSTANCES
        + """
master = os.open(place + "/ptmx", os.O_RDWR | os.O_NOCTTY); fcntl.ioctl(master, 0x40045431, struct.pack("i", 0))
number = struct.unpack("i", fcntl.ioctl(master, 0x80045430, b"0000"))[0]
slave = os.open(f"{place}/{number}", os.O_RDWR | os.O_NOCTTY)
say(os.getpid(), master, slave, number); stay()
"""
    )
    subjects = [start(code, str(directory), command=["unshare", "-m"]) for _ in range(2)]
    snapshot = look()
    seen = [terminal_of(subject.said[0], snapshot) for subject in subjects]
    assert {subject.said[3] for subject in subjects} == {0}
    assert len({channel.key for channel in seen}) == 2
    for subject, channel in zip(subjects, seen, strict=True):
        pid, master, slave, _ = subject.said
        assert ends(channel) == {(pid, master), (pid, slave)}


def test_a_master_of_an_instance_that_another_one_covers_is_not_guessed(
    root: None, start: Start, directory: Path
) -> None:
    """Through /dev/ptmx; then another instance is mounted over /dev/pts, and the number is given there as well."""
    subject = start(
        """
checked(LIBC.mount(b"none", b"/", None, 0x4000 | 0x40000, None))
def opened(path):
    master = os.open(path, os.O_RDWR | os.O_NOCTTY); fcntl.ioctl(master, 0x40045431, struct.pack("i", 0))
    number = struct.unpack("i", fcntl.ioctl(master, 0x80045430, b"0000"))[0]
    return master, os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY)
checked(LIBC.mount(b"devpts", b"/dev/pts", b"devpts", 0, b"newinstance,ptmxmode=0666"))
covered = opened("/dev/ptmx")
checked(LIBC.mount(b"devpts", b"/dev/pts", b"devpts", 0, b"newinstance,ptmxmode=0666"))
above = opened("/dev/ptmx")
say(os.getpid(), *covered, *above); stay()
""",
        command=["unshare", "-m"],
    )
    pid, covered_master, covered_slave, master, slave = subject.said
    snapshot = look()
    seen = terminals_of(pid, snapshot)
    assert sorted(map(sorted, (ends(channel, "slave") for channel in seen))) == [
        [(pid, covered_slave)],
        [(pid, slave)],
    ]
    told = {place for channel in seen for place in ends(channel, "master")}
    assert not told & {(pid, covered_master), (pid, master)}
    assert any("terminals" in gap.what for gap in snapshot.gaps)


def test_a_terminal_cannot_be_looked_into(start: Start) -> None:
    subject = start(RAW_PAIR + "os.write(master, b'secret'); say(); stay()")
    subject.hear()
    inspector = Inspector(LiveSource())
    channel = terminal_of(subject.said[0], inspector.observe().snapshot)
    contents = inspector.peek(channel.key, 100)
    assert contents is not None
    assert contents.refusal is not None
    assert not contents.pieces
    assert waiting(terminal_of(subject.said[0]))["b"] == len(b"secret")


def test_an_ordinary_user_sees_his_own_terminal(nobody: None, start: Start) -> None:
    subject = start(RAW_PAIR + "os.write(master, b'x' * 7); say(); stay()", command=NOBODY)
    subject.hear()
    pid, master, slave = subject.said
    found = [row for row in looks(NOBODY)["channels"] if row[1] == "pty" and any(end[2] == pid for end in row[3])]
    assert [(row[2], sorted(end[3] for end in row[3])) for row in found] == [("holding", sorted((master, slave)))]


def test_a_hangup_comes_in_time_and_the_foreground_group_stays(watching: Watcher, start: Start) -> None:
    """A borrowed master that outlived its owner would keep the session alive."""
    for _ in range(LOOKS // 2):
        subject = start(SESSION)
        pid, _, _, leader = subject.said
        before = _terminal_facts(leader)
        watching.looks(2)
        assert _terminal_facts(leader) == before
        subject.process.kill()
        subject.process.wait()
        died = time.monotonic()
        until(lambda: not _is_alive(leader), "the hangup of the session")  # noqa: B023 (called at once)
        assert time.monotonic() - died < IN_TIME_S
        assert pid != leader


def _terminal_facts(pid: int) -> list[str]:
    """tty_nr and tpgid."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[4:6]


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (ProcessLookupError, FileNotFoundError):
        return False
