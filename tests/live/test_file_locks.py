"""File locks: who holds them, whoever asked for them, and who waits; told without touching a locked file."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot
from tests.live.conftest import Start
from tests.live.subjects import asleep_in, ends, field, look, until

LOCKS = """
OFD_SETLK, OFD_SETLKW = 37, 38
def ofd(fd, start, length, how=OFD_SETLK, kind=fcntl.F_WRLCK):
    fcntl.fcntl(fd, how, struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0))
def opened(path=None):
    return os.open(path or ARGS[0], os.O_RDWR)
"""
"""What subjects lock with; ARGS[0] is the file."""


@pytest.fixture
def path(directory: Path) -> Path:
    """A file to lock."""
    made = directory / "data"
    made.write_bytes(b"x" * 100)
    return made


def locked(snapshot: Snapshot, path: Path) -> Channel:
    """The channel of a locked file, by its device and inode."""
    facts = path.stat()
    name = f"file-lock:[{os.major(facts.st_dev)}:{os.minor(facts.st_dev)}:{facts.st_ino}]"
    found = [channel for channel in snapshot.channels if channel.id == name]
    assert len(found) == 1, f"{name} is {found}"
    return found[0]


def waiting(pid: int) -> None:
    """Until a process sleeps for a lock."""
    until(lambda: asleep_in(pid, "lock", "setlk"), "the waiter to sleep")


def test_a_flock_is_held_by_everybody_who_inherited_the_descriptor(start: Start, path: Path) -> None:
    subject = start(
        LOCKS
        + """
fd = opened(); fcntl.flock(fd, fcntl.LOCK_EX)
child = os.fork()
if child == 0: order()
say(child, fd); stay(); os.kill(child, 9); os.waitpid(child, 0)
""",
        str(path),
    )
    child, fd = subject.said
    channel = locked(look(), path)
    assert ends(channel) == {(subject.pid, fd), (child, fd)}
    assert {end.role for end in channel.endpoints} == {"holder"}
    assert (channel.state, channel.relation, channel.name) == ("idle", "synchronisation", str(path))
    assert (field(channel, "kinds"), field(channel, "modes"), field(channel, "ranges")) == (
        "flock",
        "write",
        "whole file",
    )


def test_a_flock_whose_maker_is_dead_is_held_by_who_is_left_and_never_by_the_dead(start: Start, path: Path) -> None:
    subject = start(
        LOCKS
        + """
fd = opened(); made = os.fork()
if made == 0:
    fcntl.flock(fd, fcntl.LOCK_SH); os._exit(0)
os.waitpid(made, 0); say(fd); stay()
""",
        str(path),
    )
    channel = locked(look(), path)
    assert ends(channel) == {(subject.pid, subject.said[0])}
    assert field(channel, "modes") == "read"


def test_who_waits_for_a_flock_runs_into_its_holder_with_both_descriptors(start: Start, path: Path) -> None:
    holder = start(LOCKS + "fd = opened(); fcntl.flock(fd, fcntl.LOCK_EX); say(fd); stay()", str(path))
    waiters = [
        start(LOCKS + "fd = opened(); say(fd); fcntl.flock(fd, fcntl.LOCK_EX); say(); stay()", str(path))
        for _ in range(2)
    ]
    for waiter in waiters:
        waiting(waiter.pid)
    channel = locked(look(), path)
    assert channel.state == "full"
    assert ends(channel, "holder") == {(holder.pid, holder.said[0])}
    assert ends(channel, "waiter") == {(waiter.pid, waiter.said[0]) for waiter in waiters}
    assert field(channel, "waiting") == 2
    holder.end()
    until(lambda: locked(look(), path).state == "full" and len(ends(locked(look(), path), "waiter")) == 1, "the next")


def test_record_locks_are_told_with_their_ranges_holders_and_waiters(start: Start, path: Path) -> None:
    holder = start(
        LOCKS + "fd = opened(); fcntl.lockf(fd, 2, 5, 10); fcntl.lockf(fd, 1, 0, 50); say(fd); stay()", str(path)
    )
    other = start(LOCKS + "fd = opened(); fcntl.lockf(fd, 1, 0, 60); say(fd); stay()", str(path))
    waiter = start(LOCKS + "fd = opened(); say(fd); fcntl.lockf(fd, 2, 3, 12); say(); stay()", str(path))
    waiting(waiter.pid)
    channel = locked(look(), path)
    assert ends(channel, "holder") == {(holder.pid, holder.said[0]), (other.pid, other.said[0])}
    assert ends(channel, "waiter") == {(waiter.pid, waiter.said[0])}
    assert set(field(channel, "ranges").split(", ")) == {"10-14", "50-end", "60-end"}
    assert (field(channel, "kinds"), field(channel, "modes")) == ("posix", "read write")
    assert field(channel, "asked") == "write 12-14"


def test_a_child_does_not_inherit_record_locks(start: Start, path: Path) -> None:
    subject = start(
        LOCKS
        + """
fd = opened(); fcntl.lockf(fd, 2); child = os.fork()
if child == 0: order()
say(child, fd); stay(); os.kill(child, 9); os.waitpid(child, 0)
""",
        str(path),
    )
    assert ends(locked(look(), path)) == {(subject.pid, subject.said[1])}


def test_open_file_description_locks_that_name_no_pid_are_held_and_waited_for(start: Start, path: Path) -> None:
    holder = start(LOCKS + "fd = opened(); ofd(fd, 0, 10); say(fd); stay()", str(path))
    bystander = start(LOCKS + "fd = opened(); ofd(fd, 50, 10); say(fd); stay()", str(path))
    waiter = start(LOCKS + "fd = opened(); say(fd); ofd(fd, 5, 10, OFD_SETLKW); say(); stay()", str(path))
    waiting(waiter.pid)
    channel = locked(look(), path)
    assert ends(channel, "holder") == {(holder.pid, holder.said[0]), (bystander.pid, bystander.said[0])}
    assert ends(channel, "waiter") == {(waiter.pid, waiter.said[0])}
    assert field(channel, "kinds") == "ofd"


def test_a_lock_travels_with_a_descriptor_that_was_sent(start: Start, path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = start(
            LOCKS
            + """
fd = opened(); fcntl.flock(fd, 2)
s = socket.socket(fileno=ARGS[1]); socket.send_fds(s, [b"x"], [fd]); os.close(fd); say(); stay()
""",
            str(path),
            ours.fileno(),
            pass_fds=[ours.fileno()],
        )
        in_flight = locked(look(), path)
        assert [(end.role, end.process) for end in in_flight.endpoints] == [("holder", None)]
        receiver = start(
            LOCKS + "s = socket.socket(fileno=ARGS[1]); _, fds, _, _ = socket.recv_fds(s, 9, 1); say(fds[0]); stay()",
            str(path),
            theirs.fileno(),
            pass_fds=[theirs.fileno()],
        )
        assert ends(locked(look(), path)) == {(receiver.pid, receiver.said[0])}
        assert sender.pid != receiver.pid


def test_a_lease_is_named(start: Start, path: Path) -> None:
    holder = start(LOCKS + "fd = os.open(ARGS[0], os.O_RDONLY); fcntl.fcntl(fd, 1024, 0); say(fd); stay()", str(path))
    channel = locked(look(), path)
    assert field(channel, "kinds") == "lease"
    assert ends(channel) == {(holder.pid, holder.said[0])}


@pytest.fixture
def two_tmpfs(root: None, directory: Path) -> Iterator[tuple[Path, Path]]:
    """Two files of one inode number on two file systems."""
    places = (directory / "one", directory / "two")
    mounted = []
    try:
        for place in places:
            place.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], check=True)
            mounted.append(place)
            (place / "file").touch()
        assert places[0].joinpath("file").stat().st_ino == places[1].joinpath("file").stat().st_ino
        yield places[0] / "file", places[1] / "file"
    finally:
        for place in mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)


def test_two_files_of_one_inode_number_are_two_locks(two_tmpfs: tuple[Path, Path], start: Start) -> None:
    one, two = two_tmpfs
    first = start(LOCKS + "fd = opened(); ofd(fd, 0, 0); say(fd); stay()", str(one))
    second = start(LOCKS + "fd = opened(); ofd(fd, 0, 0); say(fd); stay()", str(two))
    waiter = start(LOCKS + "fd = opened(); say(fd); ofd(fd, 0, 0, OFD_SETLKW); say(); stay()", str(two))
    waiting(waiter.pid)
    seen = look()
    assert ends(locked(seen, one)) == {(first.pid, first.said[0])}
    assert locked(seen, one).state == "idle"
    assert ends(locked(seen, two), "holder") == {(second.pid, second.said[0])}
    assert ends(locked(seen, two), "waiter") == {(waiter.pid, waiter.said[0])}


def test_a_holder_in_another_pid_namespace_is_told_by_our_number_of_it(root: None, start: Start, path: Path) -> None:
    start(
        LOCKS + "fd = opened(); fcntl.flock(fd, 2); say(fd, os.getpid()); stay()",
        str(path),
        command=["unshare", "--pid", "--fork", "--kill-child"],
    )
    channel = locked(look(), path)
    (holder,) = channel.endpoints
    assert holder.process is not None
    assert "NSpid:" in Path(f"/proc/{holder.process.pid}/status").read_text()
    assert os.readlink(f"/proc/{holder.process.pid}/ns/pid") != os.readlink("/proc/self/ns/pid")


def test_an_overlay_that_numbers_its_files_otherwise_still_tells_the_holder(
    root: None, directory: Path, start: Start
) -> None:
    for name in ("lower", "upper", "work", "merged"):
        (directory / name).mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", str(directory / "lower")], check=True)
    (directory / "lower" / "file").write_text("x")
    options = ",".join(f"{name}dir={directory}/{name}" for name in ("lower", "upper", "work"))
    merged = directory / "merged"
    mounted = subprocess.run(["mount", "-t", "overlay", "none", "-o", options, str(merged)], check=False)
    try:
        if mounted.returncode:
            pytest.skip("this kernel has no overlay file system")
        holder = start(
            LOCKS + "fd = os.open(ARGS[0], os.O_RDONLY); fcntl.flock(fd, 2); say(fd); stay()", str(merged / "file")
        )
        channels = [one for one in look().channels if (holder.pid, holder.said[0]) in ends(one, "holder")]
        assert [one.name for one in channels] == [str(merged / "file")]
        holder.end()
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", "-l", str(merged)], check=True)
        subprocess.run(["umount", "-l", str(directory / "lower")], check=True)


def test_looking_prolongs_no_lock_and_borrows_no_locked_file(start: Start, path: Path) -> None:
    """The lock is free at the very moment its holder is gone, in the middle of looks."""
    ours = os.open(path, os.O_RDWR)
    try:
        for _ in range(10):
            holder = start(LOCKS + "fd = opened(); fcntl.flock(fd, 2); say(fd); stay()", str(path))
            assert locked(look(), path).endpoints
            holder.process.kill()
            holder.process.wait()
            fcntl.flock(ours, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(ours, fcntl.LOCK_UN)
    finally:
        os.close(ours)


def test_a_file_name_that_is_an_attack_stays_exact(start: Start, directory: Path) -> None:
    path = directory / "a\x1b[2J\nlock:\t1: FLOCK  ADVISORY  WRITE 1 00:01:1 0 EOF"
    path.touch()
    holder = start(LOCKS + "fd = opened(); fcntl.flock(fd, 2); say(fd); stay()", str(path))
    channel = locked(look(), path)
    assert channel.name is not None
    assert (channel.name, ends(channel)) == (str(path), {(holder.pid, holder.said[0])})
