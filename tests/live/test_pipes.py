"""Pipes and FIFOs that are not of the usual kind."""

from __future__ import annotations

import array
import fcntl
import os
import socket
import time
from pathlib import Path

import pytest

from tests.live.conftest import Start
from tests.live.subjects import asleep_in, channel_at, channels_at, ends, field, inode, look, until, written_until_full

ME = os.getpid()
FORK_AND_HOLD = """
children = []
for _ in range(ARGS[0]):
    child = os.fork()
    if not child:
        signal.pause()
    children.append(child)
say(*children)
try:
    stay()
finally:
    for child in children:
        os.kill(child, signal.SIGKILL)
"""


TWO_EQUAL_FIFOS = """
checked(LIBC.unshare(0x20000))
checked(LIBC.mount(b"none", b"/", None, 0x44000, None))
fds = []
for name in ("one", "two"):
    place = os.path.join(ARGS[0], name)
    os.mkdir(place)
    checked(LIBC.mount(b"none", place.encode(), b"tmpfs", 0, None))
    os.mkfifo(place + "/fifo")
    fds.append(os.open(place + "/fifo", os.O_RDWR))
say(fds, [os.fstat(fd).st_ino for fd in fds])
stay()
"""


@pytest.fixture
def pipe():
    """A pipe of ours: (read end, write end)."""
    r, w = os.pipe()
    yield r, w
    for fd in (r, w):
        try:
            os.close(fd)
        except OSError:
            continue


def test_a_pipe_with_five_writers_shows_five(start: Start, pipe) -> None:
    r, w = pipe
    subject = start(FORK_AND_HOLD, 4, pass_fds=[w])
    os.close(w)
    channel = channel_at(look(), "pipe", inode(r))
    assert ends(channel, "writer") == {(pid, w) for pid in (subject.pid, *subject.said)}
    assert ends(channel, "reader") == {(ME, r)}
    assert field(channel, "writers") == 5


def test_a_descriptor_inherited_by_many_shows_them_all(start: Start, pipe) -> None:
    r, w = pipe
    subject = start(FORK_AND_HOLD, 40, pass_fds=[r, w])
    channel = channel_at(look(), "pipe", inode(r))
    holders = {ME, subject.pid, *subject.said}
    assert ends(channel) == {(pid, fd) for pid in holders for fd in (r, w)}
    assert channel.relation == "splitting work"


def test_a_pipe_that_refuses_a_3000_byte_record_at_48000_bytes_is_full(pipe) -> None:
    r, w = pipe
    os.set_blocking(w, False)
    written = written_until_full(lambda: os.write(w, b"x" * 3000))
    channel = channel_at(look(), "pipe", inode(r))
    assert (written, channel.queued_bytes, channel.capacity_bytes) == (48_000, 48_000, 65_536)
    assert channel.state == "full"
    os.read(r, 3000)
    assert channel_at(look(), "pipe", inode(r)).state == "holding"


def test_a_packet_pipe_is_full_after_sixteen_packets_of_one_byte() -> None:
    r, w = os.pipe2(os.O_DIRECT | os.O_NONBLOCK)
    for _ in range(16):
        os.write(w, b"x")
    channel = channel_at(look(), "pipe", inode(r))
    os.close(r), os.close(w)
    assert (channel.state, channel.queued_bytes) == ("full", 16)


def test_a_full_pipe_with_a_blocked_writer_is_full(start: Start, pipe) -> None:
    r, w = pipe
    subject = start("say(); os.write(ARGS[0], b'x' * 100000)", w, pass_fds=[w])
    until(lambda: asleep_in(subject.pid, "pipe"), "the writer to block")
    channel = channel_at(look(), "pipe", inode(r))
    assert (channel.state, channel.queued_bytes, channel.fill) == ("full", 65_536, 1.0)


def test_ends_that_are_gone_are_told(pipe) -> None:
    r, w = pipe
    os.close(r)
    assert channel_at(look(), "pipe", inode(w)).state == "no-reader"
    other_r, other_w = os.pipe()
    os.write(other_w, b"left")
    os.close(other_w)
    channel = channel_at(look(), "pipe", inode(other_r))
    os.close(other_r)
    assert (channel.state, channel.queued_bytes) == ("no-writer", 4)


def test_an_end_in_flight_is_not_declared_gone(pipe) -> None:
    """The only write end lies in the queue of a unix socket: no process has it, and still it is there."""
    r, w = pipe
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [w]))])
        os.close(w)
        channel = channel_at(look(), "pipe", inode(r))
        assert channel.state == "idle"
        assert ends(channel, "writer") <= {(None, None)}
    assert channel_at(look(), "pipe", inode(r)).state == "no-writer"


def test_a_reader_in_flight_is_not_declared_gone(pipe) -> None:
    r, w = pipe
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [r]))])
        os.close(r)
        assert channel_at(look(), "pipe", inode(w)).state == "idle"
    assert channel_at(look(), "pipe", inode(w)).state == "no-reader"


def test_a_path_descriptor_is_no_end_of_a_pipe(pipe) -> None:
    """O_PATH leads to a file without opening it: such a descriptor neither reads nor writes."""
    r, w = pipe
    handle = os.open(f"/proc/self/fd/{r}", os.O_PATH)
    try:
        assert ends(channel_at(look(), "pipe", inode(r))) == {(ME, r), (ME, w)}
    finally:
        os.close(handle)


def test_a_path_descriptor_is_no_end_of_a_fifo(directory: Path) -> None:
    path = directory / "fifo"
    os.mkfifo(path)
    handle = os.open(path, os.O_PATH)
    both = os.open(path, os.O_RDWR)
    seen = look()
    assert ends(channel_at(seen, "fifo", inode(both))) == {(ME, both)}
    number = inode(both)
    os.close(both)
    assert not channels_at(look(), "fifo", number)
    os.close(handle)


def test_fifos_of_equal_inode_on_two_mounts_are_two_channels(root: None, start: Start, directory: Path) -> None:
    subject = start(
        TWO_EQUAL_FIFOS,
        str(directory),
    )
    fds, inodes = subject.said
    assert inodes[0] == inodes[1], "the premise: equal numbers"
    found = channels_at(look(), "fifo", inodes[0])
    ours = [channel for channel in found if any(pid == subject.pid for pid, _ in ends(channel))]
    assert [ends(channel) for channel in sorted(ours, key=lambda channel: channel.name or "")] == [
        {(subject.pid, fds[0])},
        {(subject.pid, fds[1])},
    ]
    assert len({channel.key for channel in ours}) == len({channel.id for channel in ours}) == 2


def test_a_fifo_really_named_deleted_keeps_its_name(directory: Path) -> None:
    path = directory / "x (deleted)"
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR)
    there = channel_at(look(), "fifo", inode(fd))
    os.unlink(path)
    gone = channel_at(look(), "fifo", inode(fd))
    os.close(fd)
    assert (there.name, field(there, "deleted")) == (str(path), False)
    assert (gone.name, field(gone, "deleted")) == (str(path), True)


def test_the_times_of_a_fifo_tell_its_making_and_what_was_noted_since(directory: Path) -> None:
    path = directory / "fifo"
    started_at = time.time()
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR)
    try:
        fresh = channel_at(look(), "fifo", inode(fd))
        if fresh.created_at is None:
            pytest.skip("no time of birth: this file system keeps none")
        assert started_at - 1 < fresh.created_at < time.time()
        assert (field(fresh, "last_write"), field(fresh, "last_read")) == (None, None)
        noted = int(fresh.created_at) + 3
        os.utime(path, (noted + 1, noted))
        used = channel_at(look(), "fifo", inode(fd))
        assert (field(used, "last_write"), field(used, "last_read")) == (noted, noted + 1)
        assert used.queues == fresh.queues, "such times are those of no write that was seen"
        os.utime(path, (noted, noted - 60))
        copied = channel_at(look(), "fifo", inode(fd))
        assert (copied.created_at, field(copied, "last_write"), used.created_at) == (None, None, fresh.created_at)
    finally:
        os.close(fd)


def test_a_fifo_that_waits_for_its_first_writer_is_not_declared_without_one(directory: Path) -> None:
    path = directory / "fifo"
    os.mkfifo(path)
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fresh = channel_at(look(), "fifo", inode(fd)).state
    os.close(os.open(path, os.O_WRONLY))
    left = channel_at(look(), "fifo", inode(fd)).state
    os.close(fd)
    assert (fresh, left) == ("unknown", "no-writer")


def test_a_pipe_opened_for_both_by_its_link_is_both(pipe) -> None:
    r, w = pipe
    both = os.open(f"/proc/self/fd/{r}", os.O_RDWR)
    os.close(w)
    channel = channel_at(look(), "pipe", inode(r))
    os.close(both)
    assert ends(channel, "both") == {(ME, both)}
    assert channel.state == "idle"


def test_a_pipe_of_another_size_tells_its_own_capacity(pipe) -> None:
    r, w = pipe
    size = fcntl.fcntl(w, 1031, 4096)
    os.write(w, b"x" * 4096)
    channel = channel_at(look(), "pipe", inode(r))
    assert (channel.capacity_bytes, channel.state) == (size, "full")


def test_a_pipe_that_took_the_number_of_another_does_not_lend_it_its_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading the links and asking, a shell has closed its pipe and opened the next one in its place."""
    from ipcinspect.mechanisms import pipe as room

    r, w = os.pipe()
    number = inode(r)
    collect = room.collect

    def swapping(scan):
        scan.pipe_holders  # noqa: B018 (what was read stays read)
        new_r, new_w = os.pipe()
        os.write(new_w, b"x" * 777)
        os.dup2(new_r, r), os.dup2(new_w, w)
        os.close(new_r), os.close(new_w)
        return collect(scan)

    monkeypatch.setattr(room, "collect", swapping)
    channel = channel_at(look(), "pipe", number)
    os.close(r), os.close(w)
    assert (channel.state, channel.queued_bytes) == ("unknown", None)
