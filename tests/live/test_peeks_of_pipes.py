"""What is seen in pipes and FIFOs, and that nobody notices."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcinspect.kernel.borrow import Lender
from ipcinspect.kernel.pipe_copy import ScratchPipe
from ipcinspect.model.channel import Channel
from tests.live.conftest import Start
from tests.live.peeks import Looker, data_of, peeking, room_of
from tests.live.subjects import asleep_in, context_switches, inode, until, written_until_full
from tests.live.test_without_privilege import NOBODY, ROOT

IN_TIME_S = 1.0
HOLDS = "say(); stay()"


@pytest.fixture
def looker() -> Looker:
    """A program that looks."""
    return Looker()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """(read end, write end) of ours."""
    ends = os.pipe()
    yield ends
    _close(*ends)


def _close(*fds: int) -> None:
    for fd in fds:
        with contextlib.suppress(OSError):  # the test closed it
            os.close(fd)


def test_the_first_bytes_are_copied_and_all_are_still_there(looker: Looker, pipe: tuple[int, int]) -> None:
    r, w = pipe
    os.write(w, b"0123456789")
    assert data_of(looker.peek_at(inode(r))) == b"0123456789"
    less = looker.peek_at(inode(r), 4)
    assert (data_of(less), less.total_bytes, less.pieces[0].size) == (b"0123", 10, None)
    assert less.by.startswith("tee(2) through descriptor ")
    assert os.read(r, 100) == b"0123456789"


def test_an_empty_pipe_and_one_at_its_end_are_told_apart(looker: Looker, pipe: tuple[int, int]) -> None:
    r, w = pipe
    empty = looker.peek_at(inode(r))
    assert (empty.pieces, empty.total_bytes, empty.refusal, empty.note) == ((), 0, None, None)
    os.close(w)
    over = looker.peek_at(inode(r))
    assert (over.pieces, over.total_bytes, over.refusal) == ((), 0, None)
    assert over.note is not None
    assert "the end of file" in over.note


def test_a_full_pipe_of_a_mebibyte_is_copied_whole(looker: Looker, pipe: tuple[int, int]) -> None:
    r, w = pipe
    fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 1 << 20)
    os.set_blocking(w, False)
    block = bytes(range(256)) * 256
    written = written_until_full(lambda: os.write(w, block))
    contents = looker.peek_at(inode(r), 1 << 22)
    assert written == 1 << 20
    assert data_of(contents) == block * (written // len(block))
    assert contents.total_bytes == written


def test_packets_keep_their_boundaries_and_the_last_one_may_be_cut(looker: Looker) -> None:
    r, w = os.pipe2(os.O_DIRECT)
    try:
        for packet in (b"one", b"two two", b"three"):
            os.write(w, packet)
        whole = looker.peek_at(inode(r))
        assert [(piece.data, piece.size) for piece in whole.pieces] == [(b"one", 3), (b"two two", 7), (b"three", 5)]
        cut = looker.peek_at(inode(r), 6)
        assert [(piece.data, piece.size) for piece in cut.pieces] == [(b"one", 3), (b"two", None)]
        assert cut.total_bytes == 15
        assert [os.read(r, 100) for _ in range(3)] == [b"one", b"two two", b"three"]
    finally:
        _close(r, w)


def test_what_nobody_visible_can_read_is_refused(looker: Looker, pipe: tuple[int, int]) -> None:
    r, w = pipe
    os.write(w, b"unread")
    os.close(r)
    refusal = looker.peek_at(inode(w)).refusal
    assert refusal is not None
    assert "read end" in refusal


def test_a_fifo_that_each_holder_knows_by_another_name_is_found(looker: Looker, start: Start, directory: Path) -> None:
    os.mkfifo(directory / "one")
    os.link(directory / "one", directory / "two")
    code = (
        "f = os.open(ARGS[0], os.O_RDWR); ARGS[1] and os.write(f, b'unread'); os.unlink(ARGS[0]); say(ino(f)); stay()"
    )
    one = start(code, str(directory / "one"), True)
    start(code, str(directory / "two"), False)
    assert data_of(looker.peek_at(one.said[0])) == b"unread"


def test_two_fifos_of_equal_inode_number_are_not_mixed_up(root: None, start: Start, directory: Path) -> None:
    """On two fresh tmpfs mounts the first file has the same number."""
    places = [directory / "one", directory / "two"]
    try:
        for place in places:
            place.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], check=True)
            os.mkfifo(place / "fifo")
        code = "f = os.open(ARGS[0], os.O_RDWR); os.write(f, ARGS[1].encode()); say(f); stay()"
        subjects = [start(code, str(place / "fifo"), place.name) for place in places]
        looker = Looker()
        found = {
            end.process.pid: channel
            for channel in looker.look().channels
            if channel.mechanism == "fifo"
            for end in channel.endpoints
            if end.process
        }
        assert [data_of(looker.peek(found[subject.pid])) for subject in subjects] == [b"one", b"two"]
        confused = found[subjects[0].pid]._replace(endpoints=found[subjects[1].pid].endpoints)
        assert room_of(confused).peek(peeking(), confused).refusal is not None
    finally:
        for subject in subjects:
            subject.end()
        for place in places:
            subprocess.run(["umount", "-l", str(place)], check=False)


def test_another_process_with_the_same_number_is_not_asked(looker: Looker, pipe: tuple[int, int]) -> None:
    r, w = pipe
    os.write(w, b"secret")
    channel = looker.channel_of(inode(r))
    others = tuple(
        end._replace(process=end.process._replace(starttime=end.process.starttime + 1)) if end.process else end
        for end in channel.endpoints
    )
    contents = room_of(channel).peek(peeking(), channel._replace(endpoints=others))
    assert not contents.pieces
    assert contents.refusal is not None
    assert "gone" in contents.refusal


def test_a_descriptor_that_is_another_pipe_by_now_is_not_asked(looker: Looker, pipe: tuple[int, int]) -> None:
    r, _ = pipe
    channel = looker.channel_of(inode(r))
    other_r, other_w = os.pipe()
    os.write(other_w, b"of another pipe")
    os.dup2(other_r, r)
    contents = looker.peek(channel)
    _close(other_r, other_w)
    assert not contents.pieces
    assert contents.refusal is not None


def test_a_pipe_that_comes_and_goes_is_answered_or_refused_in_a_line(looker: Looker) -> None:
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            r, w = os.pipe()
            os.write(w, b"here")
            os.close(r), os.close(w)

    r, w = os.pipe()
    os.write(w, b"here")
    channel = looker.channel_of(inode(r))
    os.close(r), os.close(w)
    churning = threading.Thread(target=come_and_go)
    churning.start()
    try:
        for _ in range(300):
            contents = looker.peek(channel)
            assert contents.refusal is not None
            assert "\n" not in contents.refusal
    finally:
        over.set()
        churning.join()


def test_flags_times_and_readiness_stay_as_they_were(looker: Looker, directory: Path) -> None:
    os.mkfifo(directory / "fifo")
    fd = os.open(directory / "fifo", os.O_RDWR | os.O_NONBLOCK)
    edges = select.epoll()
    try:
        os.write(fd, b"unread")
        edges.register(fd, select.EPOLLIN | select.EPOLLET)
        assert len(edges.poll(0)) == 1
        os.utime(directory / "fifo", ns=(1, 2))

        def facts() -> tuple[object, ...]:
            told = os.stat(directory / "fifo")
            return told.st_atime_ns, told.st_mtime_ns, told.st_ctime_ns, Path(f"/proc/self/fdinfo/{fd}").read_text()

        before = facts()
        channel = looker.channel_of(inode(fd))
        for _ in range(50):
            assert data_of(looker.peek(channel)) == b"unread"
        assert facts() == before
        assert edges.poll(0) == [], "no new edge"
    finally:
        edges.close()
        os.close(fd)


def test_nobody_who_sleeps_on_it_wakes_up(looker: Looker, start: Start) -> None:
    """A reader of an empty pipe and a writer into a full one."""
    empty_r, empty_w = os.pipe()
    full_r, full_w = os.pipe()
    sleepers = [
        start("say(); os.read(ARGS[0], 1); say('woke'); stay()", empty_r, pass_fds=[empty_r]),
        start("say(); os.write(ARGS[0], b'x' * 200000); say('woke'); stay()", full_w, pass_fds=[full_w]),
    ]
    try:
        for sleeper in sleepers:
            until(lambda: asleep_in(sleeper.pid, "pipe"), "both to block")  # noqa: B023 (called at once)
        channels = [looker.channel_of(inode(fd)) for fd in (empty_r, full_r)]
        channels = [next(c for c in looker.look().channels if c.key == channel.key) for channel in channels]
        before = [context_switches(sleeper.pid) for sleeper in sleepers]
        for _ in range(50):
            assert [len(data_of(looker.peek(channel))) for channel in channels] == [0, 65536]
        assert [context_switches(sleeper.pid) for sleeper in sleepers] == before
        assert all(asleep_in(sleeper.pid, "pipe") for sleeper in sleepers)
    finally:
        _close(empty_r, empty_w, full_r, full_w)


def test_end_of_file_and_sigpipe_come_in_time_while_it_is_looked_into(looker: Looker, start: Start) -> None:
    for _ in range(5):
        r, w = os.pipe()
        reader = start("say(); \nwhile os.read(ARGS[0], 65536): pass\nsay(time.monotonic())", r, pass_fds=[r])
        writer = start("say()\nwhile True: os.write(ARGS[0], b'x'); time.sleep(.001)", w, pass_fds=[w])
        channel = looker.channel_of(inode(r))
        os.close(r), os.close(w)
        with _looking_into(channel):
            died = time.monotonic()
            writer.process.kill()
            assert reader.hear()[0] - died < IN_TIME_S
        r, w = os.pipe()
        code = "signal.signal(signal.SIGPIPE, signal.SIG_DFL); say(); os.write(ARGS[0], b'x' * 200000)"
        writer = start(code, w, pass_fds=[w])
        reader = start(HOLDS, pass_fds=[r])
        channel = looker.channel_of(inode(r))
        os.close(r), os.close(w)
        with _looking_into(channel):
            died = time.monotonic()
            reader.process.kill()
            assert writer.process.wait(20) == -signal.SIGPIPE
            assert time.monotonic() - died < IN_TIME_S


@contextlib.contextmanager
def _looking_into(channel: Channel) -> Iterator[None]:
    """Somebody looks into a channel without a pause."""
    over, seen = threading.Event(), threading.Semaphore(0)
    room, request = room_of(channel), peeking()

    def look() -> None:
        while not over.is_set():
            room.peek(request, channel)
            seen.release()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        assert all(seen.acquire(timeout=20) for _ in range(3))
        yield
        assert thread.is_alive(), "a look raised"
    finally:
        over.set()
        thread.join()


def test_a_pipe_that_merges_small_writes_still_takes_as_much(looker: Looker, pipe: tuple[int, int]) -> None:
    """A copy that kept the writer from filling up a page would halve what fits."""
    r, w = pipe
    channel = looker.channel_of(inode(r))
    os.set_blocking(w, False)
    room, request = room_of(channel), peeking()

    def write_and_look() -> int:
        room.peek(request, channel)
        return os.write(w, b"z" * 100)

    assert written_until_full(write_and_look) >= 65536 // 4096 * 4000


def test_only_the_tee_happens_while_the_end_is_borrowed() -> None:
    """A thousand copies of a mebibyte: the loan is as short as for a count of bytes."""
    r, w = os.pipe()
    fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 1 << 20)
    os.set_blocking(w, False)
    written_until_full(lambda: os.write(w, bytes(65536)))
    loans = []
    with contextlib.closing(Lender("/proc", os.getpid())) as lender:
        for _ in range(300):
            with ScratchPipe(1 << 20) as scratch:
                lender.longest_s = 0.0
                copied = scratch.copy(lender, r, f"pipe:[{inode(r)}]", None, inode(r), 1 << 22)
                loans.append(lender.longest_s)
                assert copied.queued_bytes == 1 << 20
    _close(r, w)
    loans.sort()
    print(f"borrowed for {loans[150] * 1e6:.0f} us, at p99 {loans[296] * 1e6:.0f} us")
    assert loans[150] < 0.0005


def test_where_pipes_are_short_for_a_user_a_smaller_copy_says_what_is_missing(root: None) -> None:
    """Beyond pipe-user-pages-soft a user's new pipe has two slots, and may not grow (pipe(7))."""
    code = """
import fcntl, os, sys
from tests.live.peeks import Looker, data_of
from tests.live.subjects import inode
r, w = os.pipe2(os.O_DIRECT)
hoard = []
for _ in range(900):
    hoard.append(os.pipe())
    try: fcntl.fcntl(hoard[-1][1], fcntl.F_SETPIPE_SZ, 1 << 20)
    except OSError: break
while fcntl.fcntl(hoard[-1][1], fcntl.F_GETPIPE_SZ) >= 65536: hoard.append(os.pipe())
for n in range(10): os.write(w, b"packet %d" % n)
contents = Looker().peek_at(inode(r))
print(len(contents.pieces), contents.total_bytes, contents.refusal)
"""
    done = subprocess.run(
        [*NOBODY, sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    if "Permission denied" in done.stderr or "No module named" in done.stderr:
        pytest.skip("another user cannot run this Python here")
    assert done.returncode == 0, done.stderr
    pieces, total, refusal = done.stdout.split(None, 2)
    assert (int(total), refusal.strip()) == (80, "None")
    assert 1 <= int(pieces) < 10
