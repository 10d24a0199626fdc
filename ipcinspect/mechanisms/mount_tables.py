"""The mount tables (proc_pid_mountinfo(5)) of the processes of one look, each namespace's read when first wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ipcinspect.kernel import procfs
from ipcinspect.kernel.mounts import LIMIT, Mount, parse_mounts
from ipcinspect.model.process import Process, ProcessKey

_TABLES = 64
"""Mount namespaces that are searched at most."""
_ROOT = b"/"

Table = dict[int, Mount]
"""Mounts by their ids."""


class MountTables:
    """Holds what it read: it lives as long as its scan."""

    def __init__(self, root: str, processes: Iterable[Process]) -> None:
        self._root = root
        self._inhabitants: dict[int, Process] = {}
        for process in processes:
            if process.mount_namespace is not None and not process.kernel_thread:
                self._inhabitants.setdefault(process.mount_namespace, process)
        self._tables: dict[int, Table] = {}
        self._partial: dict[ProcessKey, Table] = {}
        """What a process in a chroot is shown is less: that is nobody else's table."""

    def of(self, process: Process) -> Table:
        """What is mounted where it lives; empty where that is refused or it is gone."""
        namespace = process.mount_namespace
        known = self._partial.get(process.key)
        if known is None and namespace is not None:
            known = self._tables.get(namespace)
        if known is not None:
            return known
        table = self._read(process)
        if namespace is not None and any(mount.mount_point == _ROOT for mount in table.values()):
            self._tables[namespace] = table
        else:
            self._partial[process.key] = table
        return table

    def nearest(self, process: Process) -> Iterator[Table]:
        """Its own table, then those of the other namespaces, up to a limit."""
        yield self.of(process)
        for namespace, other in islice(self._inhabitants.items(), _TABLES):
            if namespace != process.mount_namespace:
                yield self.of(other)

    def devices(self) -> set[int]:
        """Of everything that is mounted in any of the namespaces, up to the same limit."""
        tables = (self.of(one) for one in islice(self._inhabitants.values(), _TABLES))
        return {mount.device for table in tables for mount in table.values()}

    def _read(self, process: Process) -> Table:
        try:
            text = procfs.read_of(self._root, process.pid, process.starttime, "mountinfo", LIMIT)
        except OSError:
            return {}
        return {mount.mount_id: mount for mount in parse_mounts(text)}
