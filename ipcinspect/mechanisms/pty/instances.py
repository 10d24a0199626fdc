"""Which devpts file system a master belongs to."""

from __future__ import annotations

import os

from ipcinspect.kernel.anon_info import number_in, parse_values
from ipcinspect.mechanisms.mount_tables import Table
from ipcinspect.mechanisms.scan import OtherHolder, Scan

_DEVPTS = b"devpts"


class Instances:
    """Asks the mount tables of one scan."""

    def __init__(self, scan: Scan) -> None:
        self._mounts = scan.mounts

    def candidates(self, master: OtherHolder) -> list[int]:
        """Devices of the instances that it may belong to, the likeliest first; empty where nothing tells.

        More than one where an instance is mounted over another: a master may have been opened before that.
        """
        file, info = master.end.file, master.end.info
        number = None if info is None else number_in(parse_values(info), "mnt_id")
        if file is None or number is None:
            return []
        for table in self._mounts.nearest(master.process):
            mount = table.get(number)
            if mount is not None:
                return [mount.device] if mount.fstype == _DEVPTS else _beside(master.end.target, table)
        return []


def _beside(multiplexer: str, table: Table) -> list[int]:
    """What is mounted on `pts` in the directory of a multiplexer (devpts_mntget, fs/devpts/inode.c), topmost first."""
    place = os.fsencode(multiplexer.rpartition("/")[0]) + b"/pts"
    mounts = [mount for mount in table.values() if mount.fstype == _DEVPTS and mount.mount_point == place]
    covered = {mount.parent_id for mount in mounts}
    return [mount.device for mount in sorted(mounts, key=lambda mount: mount.mount_id in covered)]
