"""The mount tables (proc_pid_mountinfo(5)) of the processes of one look, each namespace's read when first wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ipcinspect.kernel import procfs
from ipcinspect.kernel.mounts import LIMIT, Mount, parse_mounts
from ipcinspect.model.process import Process

_TABLES = 64
"""Mount namespaces that are searched at most."""
_ROOT = b"/"


class MountTables:
    """Holds what it read: it lives as long as its scan."""

    def __init__(self, root: str, processes: Iterable[Process]) -> None:
        self._root = root
        self._inhabitants: dict[int, Process] = {}
        for process in processes:
            if process.mount_namespace is not None and not process.kernel_thread:
                self._inhabitants.setdefault(process.mount_namespace, process)
        self._tables: dict[int, list[Mount]] = {}

    def of(self, process: Process) -> list[Mount]:
        """What is mounted where it lives; empty where that is refused or it is gone."""
        namespace = process.mount_namespace
        known = self._tables.get(namespace) if namespace is not None else None
        if known is not None:
            return known
        table = self._read(process)
        if namespace is not None and any(mount.mount_point == _ROOT for mount in table):
            self._tables[namespace] = table  # a process in a chroot is shown less: that is nobody else's table
        return table

    def nearest(self, process: Process) -> Iterator[list[Mount]]:
        """Its own table, then those of the other namespaces, up to a limit."""
        yield self.of(process)
        for namespace, other in self._inhabitants.items():
            if namespace != process.mount_namespace and (namespace in self._tables or len(self._tables) < _TABLES):
                yield self.of(other)

    def devices(self) -> set[int]:
        """Of everything that is mounted in any of the namespaces, up to the same limit."""
        tables = (self.of(one) for one in list(self._inhabitants.values())[:_TABLES])
        return {mount.device for table in tables for mount in table}

    def _read(self, process: Process) -> list[Mount]:
        try:
            return parse_mounts(procfs.read_of(self._root, process.pid, process.starttime, "mountinfo", LIMIT))
        except OSError:
            return []
