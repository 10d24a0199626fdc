"""The mount table, and which mount points may be walked to without meeting a file server."""

from __future__ import annotations

import os

import pytest

from ipcinspect.kernel.mounts import Mount, is_safe_to_walk_to, parse_mounts

TABLE = b"""\
20 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
21 20 0:6 / /dev rw shared:2 - devtmpfs devtmpfs rw
22 21 0:20 / /dev/mqueue rw shared:3 - mqueue mqueue rw
23 20 0:50 / /srv rw - nfs4 server:/srv rw
24 23 0:20 / /srv/queues rw - mqueue mqueue rw
25 20 0:20 /one /run/one\\040queue rw - mqueue mqueue rw
"""


def at(mount_point: bytes, table: bytes = TABLE) -> Mount:
    """The mount there."""
    return next(mount for mount in parse_mounts(table) if mount.mount_point == mount_point)


def test_a_line_is_read_whole_with_its_escapes() -> None:
    assert at(b"/run/one queue") == Mount(25, 20, os.makedev(0, 20), b"/one", b"/run/one queue", b"mqueue")


@pytest.mark.parametrize("line", [b"", b"20 1 254:0 / /", b"20 1 x:0 / / rw - ext4 a b", b"9 9 0:1 / / rw - mqueue"])
def test_a_line_that_is_cut_or_odd_is_passed_over(line: bytes) -> None:
    assert parse_mounts(line + b"\n" + TABLE) == parse_mounts(TABLE)


def test_a_mount_point_below_local_file_systems_is_safe() -> None:
    assert is_safe_to_walk_to(at(b"/dev/mqueue"), parse_mounts(TABLE))


def test_one_below_a_file_server_is_not() -> None:
    assert not is_safe_to_walk_to(at(b"/srv/queues"), parse_mounts(TABLE))


@pytest.mark.parametrize(
    "cover",
    [
        b"30 22 0:60 / /dev/mqueue rw - fuse.x x rw\n",
        b"30 21 0:60 / /dev rw - tmpfs tmpfs rw\n",
        b"30 20 0:60 / / rw - nfs server:/ rw\n",
    ],
    ids=["the point itself", "a directory above", "the root"],
)
def test_one_that_something_was_mounted_over_is_not(cover: bytes) -> None:
    assert not is_safe_to_walk_to(at(b"/dev/mqueue"), parse_mounts(TABLE + cover))


def test_a_mount_elsewhere_covers_nothing() -> None:
    table = parse_mounts(
        TABLE + b"30 21 0:60 / /dev/mqueue2 rw - fuse.x x rw\n31 21 0:61 / /dev/pts rw - devpts d rw\n"
    )
    assert is_safe_to_walk_to(at(b"/dev/mqueue"), table)


def test_a_table_whose_mounts_are_each_others_parents_ends() -> None:
    table = parse_mounts(b"1 2 0:20 / /a rw - mqueue m rw\n2 1 0:6 / / rw - tmpfs t rw\n")
    assert isinstance(is_safe_to_walk_to(table[0], table), bool)
