"""POSIX shared memory, semaphores, memory files and anonymous memory: who has them, by whatever name."""

from __future__ import annotations

import os

import pytest

from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.conftest import Start
from tests.live.memory import MAPS, MOST, SHM, at, only, peeked
from tests.live.subjects import Subject, ends, field, look, until


def test_an_object_that_nobody_has_open_is_listed_with_its_owner_and_mode(shm_name: str) -> None:
    path = SHM / shm_name
    path.write_bytes(b"left behind")
    path.chmod(0o662)
    seen = look()
    channel = at(seen, "posix-shm", path)
    assert (channel.id, channel.name, ends(channel)) == (f"posix-shm:/{shm_name}", f"/{shm_name}", set())
    assert channel.exposure is not None
    assert (channel.exposure.reach, channel.exposure.mode, channel.exposure.owner_uid) == (
        "everybody",
        0o662,
        os.geteuid(),
    )
    hidden = any(not process.readable and not process.kernel_thread for process in seen.processes.values())
    assert channel.state == ("unknown" if hidden else "orphaned")
    assert peeked(channel).pieces[0].data == b"left behind"


def test_who_has_it_mapped_and_who_has_it_open_are_told_apart(start: Start, shm_name: str) -> None:
    (SHM / shm_name).write_bytes(bytes(4096))
    maps = start("fd = os.open(ARGS[0], os.O_RDWR); LIBC.mmap.restype = ctypes.c_void_p; "
                 "LIBC.mmap(None, ctypes.c_size_t(4096), 3, 1, fd, ctypes.c_long(0)); os.close(fd); say(); stay()",
                 str(SHM / shm_name))  # fmt: skip
    opens = start("fd = os.open(ARGS[0], os.O_RDONLY); say(fd); stay()", str(SHM / shm_name))
    channel = at(look(), "posix-shm", SHM / shm_name)
    assert ends(channel, "attached") == {(maps.pid, None)}
    assert ends(channel, "holder") == {(opens.pid, opens.said[0])}
    assert channel.state == "idle"


def test_an_unlinked_object_and_a_new_one_of_its_name_are_two_channels(start: Start, shm_name: str) -> None:
    (SHM / shm_name).write_bytes(b"old" + bytes(4093))
    old = os.stat(SHM / shm_name)
    holder = start(MAPS, str(SHM / shm_name))
    (SHM / shm_name).unlink()
    (SHM / f"{shm_name}").write_bytes(b"new")
    seen = look()
    gone = only(seen, "posix-shm", lambda channel: channel.key[1:3] == (old.st_dev, old.st_ino))
    assert (gone.state, gone.name) == ("marked-for-deletion", f"/{shm_name}")
    assert {pid for pid, _ in ends(gone)} == {holder.pid}
    new = at(seen, "posix-shm", SHM / shm_name)
    assert (new.id, ends(new)) == (f"posix-shm:/{shm_name}", set())
    assert gone.id != new.id
    assert field(gone, "mount_namespace") == field(new, "mount_namespace") == os.stat("/proc/self/ns/mnt").st_ino
    assert peeked(gone).pieces[0].data[:3] == b"old"


def test_a_name_that_ends_like_the_mark_of_a_deleted_file_is_a_name(start: Start, shm_name: str) -> None:
    path = SHM / f"{shm_name} (deleted)"
    try:
        path.write_bytes(bytes(4096))
        start(MAPS, str(path))
        channel = at(look(), "posix-shm", path)
        assert (channel.name, channel.state) == (f"/{shm_name} (deleted)", "idle")
    finally:
        path.unlink()


def test_a_hostile_name_stays_exact(shm_name: str) -> None:
    path = os.fsencode(SHM / shm_name) + b"\n\x1b[31m\xff"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        channel = at(look(), "posix-shm", descriptor)
        assert os.fsencode(channel.name or "") == path[len("/dev/shm") :]
    finally:
        os.close(descriptor)
        os.unlink(path)


def test_a_file_below_a_subdirectory_shows_with_its_holders_and_something_else_does_not(
    start: Start, shm_name: str
) -> None:
    directory, fifo = SHM / f"{shm_name}.d", SHM / f"{shm_name}.fifo"
    directory.mkdir()
    try:
        os.mkfifo(fifo)
        (directory / "used").write_bytes(bytes(4096))
        (directory / "idle").write_bytes(bytes(4096))
        holder = start(MAPS, str(directory / "used"))
        seen = look()
        used = at(seen, "posix-shm", directory / "used")
        assert (used.name, {pid for pid, _ in ends(used)}) == (f"/{shm_name}.d/used", {holder.pid})
        names = {channel.name for channel in seen.channels if channel.mechanism == "posix-shm"}
        assert f"/{shm_name}.d/idle" not in names
        assert f"/{shm_name}.fifo" not in names
        assert not [c for c in seen.channels if c.mechanism == "mmap" and str(directory) in (c.name or "")]
    finally:
        for path in (fifo, directory / "used", directory / "idle"):
            path.unlink(missing_ok=True)
        directory.rmdir()


SEMAPHORE = """
LIBC.sem_open.restype = ctypes.c_void_p
semaphore = ctypes.c_void_p(LIBC.sem_open(ARGS[0].encode(), os.O_CREAT, 0o640, 3))
value = ctypes.c_int()
def get(): checked(LIBC.sem_getvalue(semaphore, ctypes.byref(value))); return value.value
def wait():
    LIBC.sem_wait(semaphore)
threads = [threading.Thread(target=wait, daemon=True) for _ in range(5)]
say(get())
while True:
    word = order()
    if word == "start": [thread.start() for thread in threads]
    if word == "post": LIBC.sem_post(semaphore)
    say(get())
"""


def test_the_value_of_a_semaphore_is_what_its_users_get_and_waiters_are_counted(start: Start, shm_name: str) -> None:
    subject = start(SEMAPHORE, f"/{shm_name}")
    (value,) = subject.said
    channel = at(look(), "posix-sem", SHM / f"sem.{shm_name}")
    assert (channel.id, channel.relation) == (f"posix-sem:/{shm_name}", "synchronisation")
    assert (field(channel, "value"), field(channel, "waiting")) == (value, 0) == (3, 0)
    assert ends(channel) == {(subject.pid, None)}, "maps call it by the name it had first"
    subject.ask("start")
    until(lambda: field(at(look(), "posix-sem", SHM / f"sem.{shm_name}"), "waiting") == 2, "two that wait")
    assert field(at(look(), "posix-sem", SHM / f"sem.{shm_name}"), "value") == 0 == subject.ask("get")[0]
    assert not [c for c in look().channels if c.mechanism == "posix-shm" and (c.name or "").endswith(shm_name)]


def test_a_semaphore_file_of_another_layout_has_no_value(shm_name: str) -> None:
    path = SHM / f"sem.{shm_name}"
    path.write_bytes(bytes(range(1, 33)))
    assert field(at(look(), "posix-sem", path), "value") is None
    path.write_bytes(b"\1" * 16)
    assert field(at(look(), "posix-sem", path), "value") is None
    path.write_bytes(b"\1" * 5000)
    assert at(look(), "posix-shm", path).name == f"/sem.{shm_name}", "too large for a semaphore: memory"


MEMFD = """
memfd = os.memfd_create(ARGS[0], 2); os.ftruncate(memfd, 8192); os.pwrite(memfd, b"said", 4096)
fcntl.fcntl(memfd, 1033, 0x4)
one, other = socket.socketpair()
child = os.fork()
if not child:
    os.close(memfd); one.close()
    _, (got,), _, _ = socket.recv_fds(other, 1, 1)
    other.send(bytes([got])); signal.pause()
grandchild = os.fork()
if not grandchild:
    signal.pause()
socket.send_fds(one, [b"x"], [memfd])
say(memfd, child, one.recv(1)[0], grandchild, ino(memfd))
try: stay()
finally:
    os.kill(child, 9); os.kill(grandchild, 9)
"""


@pytest.mark.parametrize("label", ["a label", "x (deleted)", "\x1b[31m\nred"])
def test_who_shares_a_memory_file_after_fork_and_after_it_was_sent(start: Start, label: str) -> None:
    subject = start(MEMFD, label)
    fd, child, got, grandchild, inode = subject.said
    channel = only(look(), "memfd", lambda channel: channel.key.number == inode)
    assert (channel.id, channel.name) == (f"memfd:[{inode}]", label)
    assert ends(channel, "holder") == {(subject.pid, fd), (child, got), (grandchild, fd)}
    assert (field(channel, "size"), field(channel, "allocated"), field(channel, "seals")) == (8192, 4096, "grow")
    contents = peeked(channel)
    assert b"".join(piece.data for piece in contents.pieces).strip(b"\0") == b"said"
    assert contents.pieces[0].offset == 4096


ANONYMOUS = """
mapped = mmap.mmap(-1, 1 << 30)
mapped[4096:4100] = b"said"
child = os.fork()
if not child: signal.pause()
alone = mmap.mmap(-1, 8192)
line = next(line for line in open("/proc/self/maps") if "/dev/zero" in line and int(line.split("-")[1].split()[0], 16)
    - int(line.split("-")[0], 16) == 1 << 30)
say(child, int(line.split()[4]))
try: stay()
finally: os.kill(child, 9)
"""


def test_a_child_shares_anonymous_memory_that_was_there_before_the_fork(start: Start) -> None:
    subject = start(ANONYMOUS)
    child, inode = subject.said
    seen = look()
    channel = only(seen, "shared-anon", lambda channel: channel.key.number == inode)
    assert (channel.id, channel.name) == (f"shared-anon:[{inode}]", None)
    assert ends(channel, "attached") == {(subject.pid, None), (child, None)}
    assert (field(channel, "mapped"), field(channel, "writers")) == (1 << 30, 2)
    mine = [c for c in seen.channels if c.mechanism == "shared-anon" and (subject.pid, None) in ends(c)]
    assert {len(ends(c)) for c in mine} == {1, 2}, "what was made after the fork is its own"
    contents = peeked(channel)
    assert b"".join(piece.data for piece in contents.pieces).strip(b"\0") == b"said"
    assert [piece.offset for piece in contents.pieces] == [4096]


def test_a_segment_and_anonymous_memory_on_the_same_device_are_different_channels(start: Start) -> None:
    subject = start(
        "LIBC.shmat.restype = ctypes.c_void_p; shmid = LIBC.shmget(0, 4096, 0o1600); LIBC.shmat(shmid, None, 0)\n"
        "LIBC.shmctl(shmid, 0, None); mapped = mmap.mmap(-1, 4096); say(shmid); stay()"
    )
    kinds = [channel.mechanism for channel in look().channels if (subject.pid, None) in ends(channel)]
    assert sorted(kinds) == ["shared-anon", "sysv-shm"]


def test_subjects_that_die_in_the_middle_leave_no_holder(start: Start, shm_name: str) -> None:
    (SHM / shm_name).write_bytes(bytes(4096))
    holder: Subject = start(MAPS, str(SHM / shm_name))
    source = LiveSource()
    channel = at(source.take(Want()), "posix-shm", SHM / shm_name)
    holder.process.kill()
    holder.process.wait()
    contents = source.peek(channel.key, MOST)
    assert contents is not None
    assert contents.refusal is None, "its directory still tells"
    assert ends(at(source.take(Want()), "posix-shm", SHM / shm_name)) == set()
