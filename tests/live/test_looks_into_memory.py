"""What is in memory is copied so that no page, no record, no time and no position changes."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ipcinspect.kernel import borrow, shm_files
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.conftest import Start
from tests.live.memory import SHM, TERA, at, only, peeked
from tests.live.subjects import asleep_in, ends, look, until
from tests.live.test_without_privilege import NOBODY, ROOT, nobody  # noqa: F401 (a fixture)

SPARSE = """
fd = os.open(ARGS[0], os.O_RDWR | os.O_CREAT, 0o600) if ARGS[0] else os.memfd_create("sparse")
os.ftruncate(fd, 1 << 40)
LIBC.mmap.restype = ctypes.c_void_p
address = LIBC.mmap(None, ctypes.c_size_t(1 << 40), 3, 1, fd, ctypes.c_long(0))
for place in (0, 1 << 39): ctypes.memmove(address + place, b"here %d" % place, 8)
if not ARGS[1]: os.close(fd)
say(os.getpid())
while True:
    order(); say([line.split()[1] for line in open("/proc/self/smaps_rollup") if line.startswith("Rss")])
"""


@pytest.mark.parametrize("with_descriptor", [True, False])
@pytest.mark.parametrize("as_user", [False, True])
def test_a_look_into_a_sparse_terabyte_is_quick_and_allocates_nothing(
    request: pytest.FixtureRequest, start: Start, shm_name: str, as_user: bool, with_descriptor: bool
) -> None:
    command: tuple[str, ...] = ()
    if as_user:
        request.getfixturevalue("nobody")
        command = NOBODY
    path = str(SHM / shm_name)
    subject = start(SPARSE, path, with_descriptor, command=command)
    try:
        blocks = os.stat(path).st_blocks
        looked(as_user, f"posix-shm:/{shm_name}")
        before = subject.ask()
        begun = time.monotonic()
        found = looked(as_user, f"posix-shm:/{shm_name}")
        assert time.monotonic() - begun < 10
        assert [piece["offset"] for piece in found["pieces"]] == [0, TERA // 2]
        assert [piece["data"][:8] for piece in found["pieces"]] == ["here 0\0\0", "here 549"]
        assert found["note"]
        assert os.stat(path).st_blocks == blocks == 16
        assert _grown_kib(before, subject.ask()) < 1024  # it answers between the two, which takes a page now and then
    finally:
        os.unlink(path)


def _grown_kib(before: list[list[str]], after: list[list[str]]) -> int:
    """By how much the subject holds more memory."""
    return int(after[0][0]) - int(before[0][0])


LOOKS_INTO = """
import dataclasses, json, sys
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
source = LiveSource()
seen = source.take(Want())
(channel,) = [one for one in seen.channels if one.id == sys.argv[1]]
contents = source.peek(channel.key, 65536)
print(json.dumps({"pieces": [{"offset": p.offset, "data": p.data.decode("latin-1")} for p in contents.pieces],
                  "note": contents.note, "refusal": contents.refusal, "by": contents.by}))
"""


def looked(as_user: bool, id: str) -> dict[str, object]:
    """What another process finds in a channel."""
    command = [*(NOBODY if as_user else ()), sys.executable, "-c", LOOKS_INTO, id]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=30)
    assert finished.returncode == 0, finished.stderr.decode()
    return json.loads(finished.stdout)  # type: ignore[no-any-return]


def test_a_user_is_told_why_he_may_not_look_into_memory_of_another(nobody: None, shm_name: str) -> None:  # noqa: F811
    (SHM / shm_name).write_bytes(b"secret")
    (SHM / shm_name).chmod(0o600)
    found = looked(True, f"posix-shm:/{shm_name}")
    assert (found["pieces"], found["by"]) == ([], "")
    assert found["refusal"]


@pytest.mark.parametrize("as_user", [False, True])
def test_a_look_into_a_segment_changes_none_of_its_records(
    request: pytest.FixtureRequest, start: Start, as_user: bool
) -> None:
    if as_user:
        request.getfixturevalue("nobody")
    subject = start(
        """
LIBC.shmat.restype = ctypes.c_void_p
shmid = LIBC.shmget(0, 1 << 30, 0o1600)
address = LIBC.shmat(shmid, None, 0)
LIBC.shmctl(shmid, 0, None)
ctypes.memmove(address + 8192, b"in the middle", 13)
say(shmid); stay()
""",
        command=NOBODY if as_user else (),
    )
    (shmid,) = subject.said

    def record() -> list[str]:
        rows = Path("/proc/sysvipc/shm").read_text().splitlines()
        return next(row.split() for row in rows if row.split()[1] == str(shmid))

    before = record()
    found = looked(as_user, f"sysv-shm:{shmid}")
    assert found["pieces"][0]["offset"] == 8192  # type: ignore[index]
    assert found["pieces"][0]["data"].strip("\0") == "in the middle"  # type: ignore[index]
    assert record() == before
    assert int(before[14]) == 4096, "one page is in memory"


def test_a_look_leaves_no_time_of_access_and_allocates_no_hole(shm_name: str) -> None:
    path = SHM / shm_name
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.pwrite(descriptor, b"x", 1 << 30)
    os.utime(path, ns=(1, 2))
    if os.geteuid() == 0:  # the directory itself is root's: for others it keeps when it was last read
        os.utime(SHM, ns=(1, 2))
    before = os.fstat(descriptor), os.stat(SHM).st_atime_ns
    channel = at(look(), "posix-shm", path)
    assert peeked(channel).pieces[0].data[:1] == b"x"
    after = os.fstat(descriptor), os.stat(SHM).st_atime_ns
    os.close(descriptor)
    fields = ("st_atime_ns", "st_mtime_ns", "st_ctime_ns", "st_blocks")
    assert [getattr(before[0], one) for one in fields] == [getattr(after[0], one) for one in fields]
    assert before[1] == after[1] or os.geteuid()


LEASES = """
fd = os.open(ARGS[0], os.O_RDWR)
signal.signal(signal.SIGIO, lambda *_: None)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
say()
while True: order(); say(fcntl.fcntl(fd, fcntl.F_GETLEASE))
"""


@pytest.mark.parametrize("prefix", ["", "sem."])
def test_a_look_breaks_no_lease(start: Start, shm_name: str, prefix: str) -> None:
    path = SHM / f"{prefix}{shm_name}"
    path.write_bytes(b"\1" + bytes(31))
    try:
        subject = start(LEASES, str(path))
        seen = look()
        assert subject.ask() == [fcntl.F_WRLCK], "a look at the machine broke it"
        contents = peeked(at(seen, "posix-sem" if prefix else "posix-shm", path))
        assert subject.ask() == [fcntl.F_WRLCK], "a look inside broke it"
        assert contents.refusal or contents.pieces
    finally:
        path.unlink(missing_ok=True)


SWAPS = """
say()
while True: LIBC.renameat2(-100, ARGS[0].encode(), -100, ARGS[1].encode(), 2)
"""


def test_a_fifo_that_takes_the_place_of_a_semaphore_is_not_opened(start: Start, shm_name: str) -> None:
    """That would release who waits in it for a reader."""
    file, fifo = SHM / f"sem.{shm_name}", SHM / f"sem.{shm_name}.fifo"
    file.write_bytes(b"\1" + bytes(31))
    os.mkfifo(fifo)
    try:
        writer = start("say(); os.open(ARGS[0], os.O_WRONLY); stay()", str(fifo))
        until(lambda: asleep_in(writer.pid, "fifo_open", "wait_for_partner"), "somebody who waits for a reader")
        start(SWAPS, str(file), str(fifo))
        values = 0
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            listed = shm_files.list_files("/proc", str(os.getpid()), os.stat(SHM).st_dev, deadline + 5)
            values += sum(1 for one in listed.files if one.semaphore is not None and shm_name in one.name)
        assert values > 100
        assert asleep_in(writer.pid, "fifo_open", "wait_for_partner")
    finally:
        for path in (file, fifo):
            path.unlink(missing_ok=True)


def test_a_look_does_not_move_the_position_of_who_has_it_open(start: Start) -> None:
    subject = start(
        'memfd = os.memfd_create("position"); os.write(memfd, b"0123456789"); os.lseek(memfd, 4, 0)\n'
        "say(ino(memfd))\nwhile True: order(); say(os.lseek(memfd, 0, 1))"
    )
    channel = only(look(), "memfd", lambda channel: channel.key.number == subject.said[0])
    contents = peeked(channel, 5)
    assert (contents.pieces[0].data, contents.shown_bytes) == (b"01234", 5)
    assert subject.ask() == [4]


def test_a_look_into_a_memory_file_that_nobody_has_mapped_leaves_no_time_of_access(start: Start) -> None:
    subject = start(
        'memfd = os.memfd_create("times"); os.ftruncate(memfd, 1 << 30); os.pwrite(memfd, b"far", 1 << 29)\n'
        "say(ino(memfd))\n"
        "while True: order(); file = os.fstat(memfd); say(file.st_atime_ns, file.st_ctime_ns, file.st_blocks)"
    )
    channel = only(look(), "memfd", lambda channel: channel.key.number == subject.said[0])
    before = subject.ask()
    contents = peeked(channel)
    assert [(piece.offset, piece.data[:3]) for piece in contents.pieces] == [(1 << 29, b"far")]
    assert subject.ask() == before


def test_what_took_the_place_of_a_memory_file_is_not_borrowed(
    start: Start, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be a file of a dead server, of which to close a duplicate could hang."""
    (directory / "other").write_bytes(b"not memory")
    subject = start(
        'memfd = os.memfd_create("replaced"); os.write(memfd, b"x"); say(ino(memfd))\n'
        "order(); os.dup2(os.open(ARGS[0], os.O_RDONLY), memfd); say(); stay()",
        str(directory / "other"),
    )
    source = LiveSource()
    channel = only(source.take(Want()), "memfd", lambda channel: channel.key.number == subject.said[0])
    subject.ask()
    borrowed: list[int] = []
    real = borrow.pidfd_getfd
    monkeypatch.setattr(borrow, "pidfd_getfd", lambda pidfd, fd: borrowed.append(fd) or real(pidfd, fd))
    contents = source.peek(channel.key, 100)
    assert contents is not None
    assert (contents.pieces, borrowed) == ((), [])
    assert contents.refusal


def test_a_mapped_file_is_read_without_being_opened_and_only_where_it_was_touched(
    start: Start, directory: Path
) -> None:
    path = directory / "mapped"
    path.write_bytes(b"a" * 4096 * 64)
    os.posix_fadvise(os.open(path, os.O_RDONLY), 0, 0, os.POSIX_FADV_RANDOM)
    subject = start(
        'fd = os.open(ARGS[0], os.O_RDWR); LIBC.mmap.restype = ctypes.c_void_p\n'
        "address = LIBC.mmap(None, ctypes.c_size_t(4096 * 64), 3, 1, fd, ctypes.c_long(0))\n"
        'LIBC.madvise(ctypes.c_void_p(address), ctypes.c_size_t(4096 * 64), 1)\n'
        'ctypes.memmove(address + 4096 * 32, b"stored", 6); say(); stay()',
        str(path),
    )  # fmt: skip
    channel = at(look(), "mmap", path)
    contents = peeked(channel, 1 << 20)
    assert contents.refusal is None
    assert subject.pid in {pid for pid, _ in ends(channel)}
    stored = [piece for piece in contents.pieces if b"stored" in piece.data]
    assert len(stored) == 1
    where = stored[0].offset + stored[0].data.index(b"stored")
    assert where == 4096 * 32
