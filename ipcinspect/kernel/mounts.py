"""The mounts of a mount namespace: /proc/PID/mountinfo (proc_pid_mountinfo(5))."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

LIMIT = 4 << 20
"""Bytes of one table that are read at most."""

_LOCAL = frozenset(
    b"rootfs ramfs tmpfs devtmpfs proc sysfs ext2 ext3 ext4 xfs btrfs f2fs zfs squashfs erofs overlay mqueue".split()
)
"""File systems without a server that may be dead, and without a user's program behind them (fuse, autofs)."""
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")


class Mount(NamedTuple):
    """A line of the table."""

    mount_id: int
    parent_id: int
    device: int
    root: bytes
    """The directory of the file system that is mounted."""
    mount_point: bytes
    """As the process sees it from its root directory."""
    fstype: bytes


def parse_mounts(text: bytes) -> list[Mount]:
    """The whole lines of a mountinfo; lines that are cut or odd are passed over."""
    found = []
    for line in text.split(b"\n"):
        place, dash, file_system = line.partition(b" - ")
        cells, kind = place.split(b" "), file_system.split(b" ")
        if not dash or len(cells) < 6 or len(kind) < 3:
            continue
        try:
            major, minor = map(int, cells[2].split(b":"))
            device = os.makedev(major, minor)
            found.append(Mount(int(cells[0]), int(cells[1]), device, _plain(cells[3]), _plain(cells[4]), kind[0]))
        except (ValueError, OverflowError):
            continue
    return found


def is_safe_to_walk_to(mount: Mount, mounts: Sequence[Mount]) -> bool:
    """Whether its mount point leads to it, past no file system whose server could be dead."""
    by_id = {one.mount_id: one for one in mounts}
    way, at = {mount.mount_id}, mount
    while at.parent_id in by_id and at.parent_id not in way:
        at = by_id[at.parent_id]
        way.add(at.mount_id)
    if any(by_id[step].fstype not in _LOCAL for step in way):
        return False
    covers = (one for one in mounts if one.parent_id in way and one.mount_id not in way)
    return not any((mount.mount_point + b"/").startswith(one.mount_point.rstrip(b"/") + b"/") for one in covers)


def _plain(path: bytes) -> bytes:
    """Without the octal escapes for blanks, newlines and backslashes."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 8)]), path)
