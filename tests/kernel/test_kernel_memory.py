"""Which devices are believed to be the kernel's own memory, by what is known of a machine."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import pytest

from ipcinspect.kernel import maps
from ipcinspect.mechanisms.kernel_memory import KernelMemory
from ipcinspect.mechanisms.mount_tables import MountTables
from ipcinspect.model.process import Process

FIRST, SHM, OWN, DISK = os.makedev(0, 1), os.makedev(0, 5), os.makedev(0, 40), os.makedev(254, 0)


def memory(
    kernel: tuple[int, int], mounted: Collection[int] = (), claimed: Collection[int] | None = None
) -> KernelMemory:
    """Of a machine without huge pages that we could map."""
    return KernelMemory("/nonexistent", kernel, lambda: mounted, None if claimed is None else lambda: claimed)


@pytest.mark.parametrize("kernel", [(5, 3), (6, 18), (10, 0)])
def test_a_kernel_that_mounts_it_first_has_it_at_the_first_number_alone(kernel: tuple[int, int]) -> None:
    told = memory(kernel, claimed=(FIRST, OWN))
    assert [told.has(device) for device in (FIRST, SHM, OWN, DISK)] == [True, False, False, False]
    assert not told.doubtful


def test_an_older_kernel_has_it_where_everything_so_called_lies_and_nothing_is_mounted() -> None:
    told = memory((4, 18), mounted=(OWN,), claimed=(SHM, OWN, DISK))
    assert [told.has(device) for device in (SHM, OWN, DISK)] == [True, False, False]
    assert not told.doubtful


def test_on_an_older_kernel_two_that_are_left_are_both_in_doubt() -> None:
    told = memory((4, 18), claimed=(SHM, OWN))
    assert not told.has(SHM)
    assert not told.has(OWN)
    assert set(told.doubtful) == {SHM, OWN}


def test_a_device_alone_is_judged_by_the_mount_tables_of_an_older_kernel() -> None:
    told = memory((4, 18), mounted=(OWN,))
    assert (told.has(SHM), told.has(OWN), told.has(DISK)) == (True, False, False)


def test_a_release_that_is_no_number_counts_as_old() -> None:
    assert not memory((0, 0), mounted=(FIRST,)).has(FIRST)


def test_mount_tables_are_asked_only_where_they_are_needed() -> None:
    def fail() -> Collection[int]:
        raise AssertionError

    assert KernelMemory("/nonexistent", (5, 3), fail, fail).has(FIRST)
    assert not KernelMemory("/nonexistent", (5, 3), fail, fail).has(OWN)


TEXT = b"""\
00007f00-00007f10 rw-s 00000000 00:01 7  /x
17f007f00-17f007f10 ---p 00000000 00:11 8  /anon_hugepage (deleted)
00007f20-00007f30 rw"""
"""The kernel prints eight digits of an address at least."""


@pytest.mark.parametrize(
    ("start", "device"), [(0x7F00, (0, 1)), (0x17F007F00, (0, 17)), (0x7F10, None), (0x7F20, None)]
)
def test_the_device_of_a_mapping_is_found_by_its_address(start: int, device: tuple[int, int] | None) -> None:
    assert maps.parse_device_at(TEXT, start) == (None if device is None else os.makedev(*device))


def process(pid: int, namespace: int | None) -> Process:
    """It, with nothing else."""
    return Process(pid, 1, "x", 1, 0, None, None, False, True, None, None, namespace)


def written(root: Path, pid: int, *lines: str) -> None:
    """Its mount table in a /proc of our own."""
    (root / str(pid)).mkdir()
    (root / str(pid) / "stat").write_text(f"{pid} (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0\n")
    (root / str(pid) / "mountinfo").write_text("\n".join(lines) + "\n")


def test_a_mount_table_is_read_once_for_a_namespace_but_not_what_a_chroot_shows(tmp_path: Path) -> None:
    written(tmp_path, 1, "21 20 0:33 / /below rw - tmpfs x rw")
    written(tmp_path, 2, "20 1 254:0 / / rw - ext4 x rw", "21 20 0:33 / /chroot/below rw - tmpfs x rw")
    written(tmp_path, 3, "30 1 0:44 / / rw - tmpfs x rw")
    in_chroot, whole, elsewhere = process(1, 7), process(2, 7), process(3, 8)
    tables = MountTables(str(tmp_path), [whole, in_chroot, elsewhere])
    assert len(tables.of(in_chroot)) == 1
    assert len(tables.of(whole)) == 2
    (tmp_path / "2" / "mountinfo").unlink()
    assert (len(tables.of(whole)), len(tables.of(in_chroot))) == (2, 1)
    assert [len(table) for table in tables.nearest(whole)] == [2, 1]
    assert tables.devices() == {DISK, os.makedev(0, 33), os.makedev(0, 44)}


def test_a_process_that_is_gone_or_hidden_has_no_mounts(tmp_path: Path) -> None:
    assert MountTables(str(tmp_path), []).of(process(5, None)) == {}
