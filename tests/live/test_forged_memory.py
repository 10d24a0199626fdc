"""Files of users that are called and numbered like memory of the kernel's own: never an end of the real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipcinspect.kernel import huge_pages
from ipcinspect.mechanisms import kernel_memory
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot
from tests.live.conftest import Start
from tests.live.namespaces import inode_of
from tests.live.subjects import Subject, asleep_in, ends, field, look, until

MAP = """
LIBC.mmap.restype = LIBC.shmat.restype = ctypes.c_void_p
LIBC.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
LIBC.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
def mapped(fd, size=4096, flags=mmap.MAP_SHARED):
    address = LIBC.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, fd, 0)
    if address == ctypes.c_void_p(-1).value: raise OSError(ctypes.get_errno(), "mmap")
    return address
def sleeps_on(address):
    number = {"x86_64": 202, "aarch64": 98}[os.uname().machine]
    LIBC.syscall(ctypes.c_long(number), ctypes.c_void_p(address), 0, ctypes.c_uint(0), None, None, 0)
"""

REAL = (
    MAP
    + """
shmids = [checked(LIBC.shmget(0x5151 + each, 4096, 0o1600)) for each in range(8)]
address = LIBC.shmat(shmids[-1], None, 0)
memfd = os.memfd_create("x"); os.ftruncate(memfd, 4096); mapped(memfd)
threading.Thread(target=sleeps_on, args=(address,), daemon=True).start()
say(shmids[-1], ino(memfd)); stay()
"""
)
"""In an IPC namespace of its own, where numbers are small; the segments go with it."""

FORGED = (
    MAP
    + """
how, name, number = ARGS
def own_file_system():
    if how == "never mounted":
        context = checked(LIBC.syscall(ctypes.c_long(430), b"tmpfs", 0))
        checked(LIBC.syscall(ctypes.c_long(431), context, 6, None, None, 0))
        return checked(LIBC.syscall(ctypes.c_long(432), context, 0, 0))
    checked(LIBC.mount(b"tmpfs", b"/mnt", b"tmpfs", 0, None))
    top = os.open("/mnt", os.O_RDONLY | os.O_DIRECTORY)
    os.fchdir(top)
    if how == "is the root":
        checked(LIBC.syscall(ctypes.c_long({"x86_64": 155, "aarch64": 41}[os.uname().machine]), b".", b"."))
    checked(LIBC.umount2(b"." if how == "is the root" else b"/mnt", 2))
    return top
top = own_file_system()
while True:
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=top)
    os.unlink(name, dir_fd=top)
    if ino(fd) >= number: break
    os.close(fd)
os.ftruncate(fd, 4096)
address = mapped(fd)
threading.Thread(target=sleeps_on, args=(address,), daemon=True).start()
say(os.fstat(fd).st_dev, ino(fd)); stay()
"""
)
HOWS = ["is the root", "unmounted", "never mounted"]
ANY_USER = ("unshare", "--user", "--map-root-user", "--mount")


@pytest.fixture
def real(root: None, start: Start) -> Subject:
    """Who has a real segment and a real memory file, and sleeps on a word of the segment."""
    subject = start(REAL, command=["unshare", "--ipc"])
    until(lambda: sleeps_on_a_word(subject), "it to sleep")
    return subject


@pytest.mark.parametrize("how", HOWS)
def test_a_file_called_and_numbered_like_a_segment_is_no_end_of_it(real: Subject, start: Start, how: str) -> None:
    shmid, _ = real.said
    inside = ("nsenter", f"--ipc=/proc/{real.pid}/ns/ipc")
    forger = start(FORGED, how, f"SYSV{0x5151 + 7:08x}", shmid, command=[*inside, *ANY_USER])
    until(lambda: sleeps_on_a_word(forger), "the forger to sleep")
    device, inode = forger.said
    assert (inode, inode_of(forger.pid, "ipc")) == (shmid, inode_of(real.pid, "ipc")), "the forgery is complete"
    assert f"/SYSV{0x5151 + 7:08x} (deleted)" in Path(f"/proc/{forger.pid}/maps").read_text()
    seen = look()
    segment = next(one for one in seen.channels if one.id == f"sysv-shm:{shmid}@ipc:[{inode_of(real.pid, 'ipc')}]")
    assert ends(segment, "attached") == {(real.pid, None)}
    assert (field(segment, "attached"), field(segment, "attached_seen")) == (1, 1)
    futexes = {pid: one for pid in (real.pid, forger.pid) for one in held_by(seen, "futex", pid)}
    assert futexes[real.pid].key[0] == "futex-sysv"
    assert futexes[forger.pid].key[:3] == ("futex", device, inode)
    assert [field(one, "mapped_by") for one in futexes.values()] == [1, 1]
    assert [one.key[1:3] for one in held_by(seen, "mmap", forger.pid)] == [(device, inode)], "it is a mapped file"


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(("name", "mechanism"), [("memfd:x", "memfd"), ("anon_hugepage", "shared-anon")])
def test_a_file_called_like_memory_of_the_kernel_is_a_mapped_file(
    real: Subject, start: Start, name: str, mechanism: str, how: str
) -> None:
    forger = start(FORGED, how, name, 5, command=ANY_USER)
    assert f"/{name} (deleted)" in Path(f"/proc/{forger.pid}/maps").read_text()
    seen = look()
    assert not held_by(seen, mechanism, forger.pid)
    assert [one.key[1:3] for one in held_by(seen, "mmap", forger.pid)] == [tuple(forger.said)]
    (memfd,) = held_by(seen, "memfd", real.pid)
    assert {pid for pid, _ in ends(memfd)} == {real.pid}


@pytest.mark.parametrize(("how", "is_known"), [("is the root", True), ("unmounted", False)])
def test_a_kernel_that_does_not_number_its_memory_first_is_asked_for_its_mounts(
    real: Subject, start: Start, monkeypatch: pytest.MonkeyPatch, how: str, is_known: bool
) -> None:
    """What is mounted is a forgery; where nothing tells which one is, both are left out, and a gap says so."""
    monkeypatch.setattr(kernel_memory, "_SHM_FIRST", (1000, 0))
    forger = start(FORGED, how, "memfd:x", 5, command=ANY_USER)
    seen = look()
    assert [bool(held_by(seen, mechanism, real.pid)) for mechanism in ("memfd", "sysv-shm")] == [is_known, True]
    (segment,) = [one for one in held_by(seen, "sysv-shm", real.pid) if field(one, "attached") == 1]
    assert (real.pid in {pid for pid, _ in ends(segment, "attached")}) == is_known
    assert not held_by(seen, "memfd", forger.pid)
    assert bool([gap for gap in seen.gaps if "forged" in gap.what]) != is_known


HUGE = (
    MAP
    + """
NORESERVE = 0x4000
shmid = checked(LIBC.shmget(0x5151, 2 << 20, 0o5600 | 0o10000))
if LIBC.shmat(shmid, None, 0) == ctypes.c_void_p(-1).value: raise OSError(ctypes.get_errno(), "shmat")
memfd = checked(LIBC.memfd_create(b"huge", 4)); os.ftruncate(memfd, 2 << 20)
mapped(memfd, 2 << 20, mmap.MAP_SHARED | NORESERVE)
mapped(-1, 2 << 20, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | NORESERVE | 0x40000)
say(shmid, memfd); stay()
"""
)


def test_memory_of_huge_pages_is_told_as_what_it_is(root: None, start: Start) -> None:
    if not huge_pages.own_devices("/proc"):
        pytest.skip("this kernel has no huge pages (CONFIG_HUGETLBFS)")
    subject = start(HUGE, command=["unshare", "--ipc"])
    shmid, memfd = subject.said
    seen = look()
    (segment,) = held_by(seen, "sysv-shm", subject.pid)
    assert segment.id == f"sysv-shm:{shmid}@ipc:[{inode_of(subject.pid, 'ipc')}]"
    assert ends(segment, "attached") == {(subject.pid, None)}
    assert [ends(one) for one in held_by(seen, "memfd", subject.pid)] == [{(subject.pid, memfd)}]
    assert [field(one, "huge_pages") for one in held_by(seen, "shared-anon", subject.pid)] == [True]
    assert not held_by(seen, "mmap", subject.pid)


def test_learning_the_devices_of_huge_pages_takes_none_and_leaves_no_mapping() -> None:
    def pages() -> list[str]:
        return [line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("HugePages_")]

    before = pages()
    devices = huge_pages.own_devices("/proc")
    assert pages() == before
    assert "anon_hugepage" not in Path("/proc/self/maps").read_text()
    assert all(os.major(device) == 0 for device in devices)
    assert huge_pages.own_devices("/proc") == devices


def sleeps_on_a_word(subject: Subject) -> bool:
    """Whether a thread of it does."""
    return any(asleep_in(int(thread), "futex") for thread in os.listdir(f"/proc/{subject.pid}/task"))


def held_by(snapshot: Snapshot, mechanism: str, pid: int) -> list[Channel]:
    """The channels of a mechanism of which a process has an end."""
    return [
        channel
        for channel in snapshot.channels
        if channel.mechanism == mechanism and pid in {holder for holder, _ in ends(channel)}
    ]
