"""Everything that /proc tells about one process, read in one go while its directory is held open."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ipcinspect.kernel import cgroup, maps, procfs
from ipcinspect.kernel.descriptors import Detail, Table, read_table
from ipcinspect.kernel.errors import Denied, KernelError, Vanished, translated

_CMDLINE_LIMIT = 4096
_EMPTY = Table([], [], [], [], 0, 0, 0)


class ProcessFacts(NamedTuple):
    """One process. Fields that could not be read are None, and `refused` says which."""

    pid: int
    comm: str
    state: str
    ppid: int
    flags: int
    num_threads: int
    starttime: int
    tty_nr: int
    tpgid: int
    pgrp: int
    uid: int | None
    signals: procfs.SignalRow | None
    """None where they were not asked for."""
    container: str | None
    cmdline: tuple[str, ...] | None
    net_namespace: int | None
    ipc_namespace: int | None
    mount_namespace: int | None
    table: Table
    mappings: list[maps.SharedMapping]
    refused: tuple[str, ...]
    """Names of what the kernel refused: `descriptors`, `maps`."""

    @property
    def is_kernel_thread(self) -> bool:
        """Kernel threads have no descriptors and no memory of their own."""
        return bool(self.flags & procfs.PF_KTHREAD)


class Walk(NamedTuple):
    """What to read of each process."""

    root: str
    detail: Detail
    """Of descriptors that are neither pipe, FIFO nor socket."""
    with_signals: bool
    with_cmdline: bool
    deadline_s: float
    """Seconds for one process's descriptors."""

    def read(self, pid: int) -> ProcessFacts | KernelError:
        """All facts of one process; an error as a value, since processes come and go all the time."""
        try:
            process = procfs.open_process(self.root, pid)
        except OSError as error:
            return translated(error, f"process {pid}")
        try:
            return self._read(process, pid)
        except OSError as error:
            return translated(error, f"process {pid}")
        except ValueError as error:
            return Vanished(f"process {pid}: {error}")
        finally:
            os.close(process)

    def _read(self, process: int, pid: int) -> ProcessFacts:
        row = procfs.parse_stat(procfs.read_file(process, "stat"))
        refused: list[str] = []
        table, mappings, container, cmdline = _EMPTY, [], None, None
        uid, signals = _status(process, self.with_signals)
        if not row.flags & procfs.PF_KTHREAD:
            container = _container(process)
            cmdline = _cmdline(process) if self.with_cmdline else None
            with _living_thread(process, row) as thread:
                if thread is not None:
                    table = _table(thread, self, refused)
                    mappings = _mappings(thread, refused)
        return ProcessFacts(
            pid,
            *row,
            uid,
            signals,
            container,
            cmdline,
            _namespace(process, "net"),
            _namespace(process, "ipc"),
            _namespace(process, "mnt"),
            table,
            mappings,
            tuple(refused),
        )


@contextmanager
def _living_thread(process: int, row: procfs.StatRow) -> Iterator[int | None]:
    """The directory through which descriptors and memory show.

    Usually the process's own. Where its first thread has ended and others go on, the process looks like a zombie,
    and its descriptors stand below /proc/PID/task/TID of another thread. A zombie without one has nothing any more
    (and would refuse to show it to its own user): None.
    """
    if row.state not in "ZX":
        yield process
        return
    other = _other_thread(process)
    if other is None:
        yield None
        return
    thread = os.open(f"task/{other}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=process)
    try:
        yield thread
    finally:
        os.close(thread)


def _other_thread(process: int) -> str | None:
    tasks = os.open("task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=process)
    try:
        names = sorted(os.listdir(tasks), key=int)
    finally:
        os.close(tasks)
    return names[-1] if len(names) > 1 else None


def _status(process: int, with_signals: bool) -> tuple[int | None, procfs.SignalRow | None]:
    try:
        text = procfs.read_file(process, "status")
        uid = procfs.parse_effective_uid(text)
    except (OSError, ValueError):
        return None, None
    try:
        return uid, procfs.parse_signals(text) if with_signals else None
    except ValueError:
        return uid, None


def _container(process: int) -> str | None:
    try:
        return cgroup.parse_container(procfs.read_file(process, "cgroup"))
    except OSError:
        return None


def _cmdline(process: int) -> tuple[str, ...] | None:
    try:
        return procfs.parse_cmdline(procfs.read_file(process, "cmdline", _CMDLINE_LIMIT))
    except OSError:
        return None


def _namespace(process: int, kind: str) -> int | None:
    try:
        return procfs.parse_namespace(os.readlink(f"ns/{kind}", dir_fd=process))
    except (OSError, ValueError):
        return None


def _table(thread: int, walk: Walk, refused: list[str]) -> Table:
    try:
        table = read_table(thread, walk.detail, time.monotonic() + walk.deadline_s)
    except Denied:
        refused.append("descriptors")
        return _EMPTY
    except KernelError:
        return _EMPTY
    if table.refused:
        refused.append("descriptors")
    return table


def _mappings(thread: int, refused: list[str]) -> list[maps.SharedMapping]:
    try:
        return maps.parse_shared(procfs.read_file(thread, "maps", maps.LIMIT))
    except PermissionError:
        refused.append("maps")
    except OSError:
        pass
    return []
