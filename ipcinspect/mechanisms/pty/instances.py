"""Which devpts file system a master belongs to."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ipcinspect.kernel import procfs
from ipcinspect.kernel.anon_info import number_in, parse_values
from ipcinspect.kernel.mounts import LIMIT, Mount, parse_mounts
from ipcinspect.mechanisms.scan import OtherHolder, Scan
from ipcinspect.model.process import Process

_DEVPTS = b"devpts"
_TABLES = 64
"""Mount namespaces whose tables are read at most."""


class Instances:
    """The mount tables of one scan, read as they are needed."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._tables: dict[int | None, dict[int, Mount]] = {}

    def candidates(self, master: OtherHolder) -> list[int]:
        """Devices of the instances that it may belong to, the likeliest first; empty where nothing tells.

        More than one where an instance is mounted over another: a master may have been opened before that.
        """
        file, info = master.end.file, master.end.info
        number = None if info is None else number_in(parse_values(info), "mnt_id")
        if file is None or number is None:
            return []
        for table in self._searched(master.process):
            mount = table.get(number)
            if mount is not None:
                return [mount.device] if mount.fstype == _DEVPTS else _beside(master.end.target, table)
        return []

    def _searched(self, process: Process) -> Iterator[dict[int, Mount]]:
        """The tables that may have the mount of a descriptor: the process's own, then those of everybody else."""
        yield self._table(process)
        others = {other.mount_namespace: other for other in self._scan.processes.values() if not other.kernel_thread}
        for namespace, other in others.items():
            if namespace != process.mount_namespace and len(self._tables) < _TABLES:
                yield self._table(other)

    def _table(self, process: Process) -> dict[int, Mount]:
        known = self._tables.get(process.mount_namespace)
        if known is None:
            known = self._tables[process.mount_namespace] = {mount.mount_id: mount for mount in self._read(process)}
        return known

    def _read(self, process: Process) -> list[Mount]:
        root = self._scan.surroundings.root
        try:
            return parse_mounts(procfs.read_of(root, process.pid, process.starttime, "mountinfo", LIMIT))
        except OSError:
            return []


def _beside(multiplexer: str, table: dict[int, Mount]) -> list[int]:
    """What is mounted on `pts` in the directory of a multiplexer (devpts_mntget, fs/devpts/inode.c), topmost first."""
    place = os.fsencode(multiplexer.rpartition("/")[0]) + b"/pts"
    mounts = [mount for mount in table.values() if mount.fstype == _DEVPTS and mount.mount_point == place]
    covered = {mount.parent_id for mount in mounts}
    return [mount.device for mount in sorted(mounts, key=lambda mount: mount.mount_id in covered)]
