"""Which /dev/shm is gone to, and what happens where one does not answer."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from ipcinspect.kernel import shm_files
from ipcinspect.kernel.errors import Denied
from ipcinspect.kernel.shm_files import SemaphoreNow, ShmListing, parse_semaphore
from ipcinspect.mechanisms.shm_directories import Inhabitant, ShmDirectories, own_place, relay

ROOT = b"1 0 254:0 / / rw - ext4 /dev/vda rw"
DEV = b"2 1 0:6 / /dev rw - devtmpfs devtmpfs rw"
SHM = b"3 2 0:27 / /dev/shm rw - tmpfs tmpfs rw"
OVER = b"4 3 0:28 / /dev/shm rw - tmpfs tmpfs rw"


def place_in(tmp_path: Path, *lines: bytes) -> int | None:
    """The device that is gone to with that mount table of our own."""
    process(tmp_path, os.getpid(), *lines)
    (tmp_path / "self").symlink_to(str(os.getpid()))
    place = own_place(str(tmp_path))
    return None if place is None else place.device


def process(root: Path, pid: int, *lines: bytes) -> None:
    """A process with a mount table and a beginning."""
    (root / str(pid)).mkdir()
    (root / str(pid) / "mountinfo").write_bytes(b"\n".join(lines) + b"\n")
    (root / str(pid) / "stat").write_text(f"{pid} (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {pid} 0 0\n")


@pytest.mark.parametrize(
    ("lines", "device"),
    [
        ([ROOT, DEV, SHM], os.makedev(0, 27)),
        ([ROOT, DEV, SHM, OVER], os.makedev(0, 28)),
        ([ROOT.replace(b"ext4", b"overlay"), DEV, SHM], os.makedev(0, 27)),
        ([ROOT.replace(b"ext4", b"fuse.sshfs"), DEV, SHM], None),
        ([ROOT.replace(b"ext4", b"nfs4"), DEV, SHM], None),
        ([ROOT, DEV.replace(b"devtmpfs", b"fuse"), SHM], None),
        ([ROOT, DEV, SHM.replace(b"- tmpfs", b"- 9p")], None),
        ([ROOT, DEV, SHM, b"5 2 0:40 / /dev rw - fuse x rw"], None),
        ([ROOT, DEV, SHM, b"5 1 0:40 / /dev rw - fuse x rw"], None),
        ([DEV, SHM], None),
        ([ROOT, DEV], None),
        ([], None),
    ],
    ids=[
        "as usual", "one on top of another", "in a container", "user file system at the root", "server at the root",
        "user file system at /dev", "no tmpfs", "something over the way", "two at one place",
        "root directory not told", "no mount", "nothing",
    ],
)  # fmt: skip
def test_only_a_tmpfs_past_no_file_server_is_gone_to(tmp_path: Path, lines: list[bytes], device: int | None) -> None:
    assert place_in(tmp_path, *lines) == device


def test_one_tmpfs_of_many_namespaces_is_listed_once_and_each_other_named_where_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[tuple[str, int]] = []

    def listing(root: str, door: str, device: int, until: float) -> ShmListing:
        listed.append((door, device))
        if device == os.makedev(0, 99):
            raise Denied("/dev/shm")
        return ShmListing([], 0)

    monkeypatch.setattr(shm_files, "list_files", listing)
    place_in(tmp_path, ROOT, DEV, SHM)
    process(tmp_path, 4001, ROOT, DEV, SHM)
    process(tmp_path, 4002, ROOT, DEV, SHM.replace(b"0:27", b"0:99"))
    process(tmp_path, 4003, ROOT.replace(b"ext4", b"fuse"), DEV, SHM.replace(b"0:27", b"0:77"))
    people = [Inhabitant(4, os.getpid(), 1), *(Inhabitant(pid, pid, pid) for pid in (4001, 4002, 4003))]
    found = ShmDirectories(str(tmp_path), 4, people, relay())
    assert listed == [(str(os.getpid()), os.makedev(0, 27)), ("4002", os.makedev(0, 99))]
    assert [(gap.what.split(" (")[0], gap.why) for gap in found.gaps()] == [
        ("/dev/shm of mount namespace 4003", "unsupported"),
        ("/dev/shm of mount namespace 4002", "denied"),
    ]
    assert found.complete == {os.makedev(0, 27)}
    assert found.devices == {os.makedev(0, minor) for minor in (27, 99, 77)}


def test_a_directory_that_never_answers_costs_its_deadline_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def hang(*_: object) -> ShmListing:
        gate.wait(20)
        return ShmListing([], 0)

    monkeypatch.setattr(shm_files, "list_files", hang)
    place_in(tmp_path, ROOT, DEV, SHM)
    listings = relay(0.3)
    try:
        for times, within_s in ((1, 10.0), (20, 3.0)):
            begun = time.monotonic()
            for _ in range(times):
                found = ShmDirectories(str(tmp_path), 4, (), listings)
            assert time.monotonic() - begun < within_s
            assert [(gap.what, gap.why) for gap in found.gaps()] == [
                ("/dev/shm of our own mount namespace", "timed out")
            ]
    finally:
        gate.set()


@pytest.mark.parametrize(
    ("data", "size", "told"),
    [
        (b"\3\0\0\0\2\0\0\0\x80\0\0\0", 32, SemaphoreNow(3, 2)),
        (b"\3\0\0\0\2\0\0\0\0\0\0\0", 32, SemaphoreNow(3, 2)),
        (b"\0\0\0\x80\1\0\0\0\0\0\0\0", 32, SemaphoreNow(0, 1)),
        (b"\3\0\0\0\2\0\0\0\7\0\0\0", 32, None),
        (b"\3\0\0\0\2\0\0\0\x80\0\0\0", 16, None),
        (b"\3\0\0\0", 32, None),
    ],
    ids=["glibc", "musl", "musl with somebody asleep", "another layout", "a 32-bit program's", "cut"],
)
def test_a_semaphore_is_read_where_its_layout_is_known(data: bytes, size: int, told: SemaphoreNow | None) -> None:
    assert parse_semaphore(data, size) == told
