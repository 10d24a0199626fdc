"""The machine and the observer: name, boot, kernel, namespaces, start of time."""

from __future__ import annotations

import math
import os
from typing import NamedTuple

from ipcinspect.kernel import procfs


class HostFacts(NamedTuple):
    """What stays the same as long as the observer runs."""

    name: str
    boot_id: str
    release: str
    uid: int
    pid: int
    """Of the observer, as this /proc numbers it."""
    starttime: int
    net_namespace: int | None
    ipc_namespace: int | None
    booted_at: float
    """Seconds since the epoch (btime of proc_stat(5))."""
    ticks_per_second: int
    pids_agree: bool
    """Whether this /proc numbers processes as system calls of the observer do (pid_namespaces(7))."""

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor version of the kernel; (0, 0) for a release that does not begin with them."""
        return parse_version(self.release)


def parse_version(release: str) -> tuple[int, int]:
    """(6, 1) of `6.1.0-18-amd64`."""
    parts = release.split(".")
    if len(parts) < 2:
        return 0, 0
    digits = [part[: len(part) - len(part.lstrip("0123456789"))] for part in parts[:2]]
    return (int(digits[0]), int(digits[1])) if all(digits) else (0, 0)


def read_host(root: str) -> HostFacts:
    """Facts of the machine and of this process. Raises OSError where there is no /proc."""
    system = os.uname()
    process = os.open(f"{root}/self", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        pid = own_pid(root)
        starttime = procfs.parse_stat(procfs.read_file(process, "stat")).starttime
        net, ipc = (_namespace(process, kind) for kind in ("net", "ipc"))
    finally:
        os.close(process)
    return HostFacts(
        system.nodename,
        _line(f"{root}/sys/kernel/random/boot_id"),
        system.release,
        os.geteuid(),
        pid,
        starttime,
        net,
        ipc,
        _booted_at(root),
        os.sysconf("SC_CLK_TCK"),
        pid == os.getpid(),
    )


def own_pid(root: str) -> int:
    """In a pid namespace of its own a process has another number in the /proc of the outer one."""
    try:
        return int(os.readlink(f"{root}/self"))
    except (OSError, ValueError):
        return os.getpid()


def _namespace(process: int, kind: str) -> int | None:
    try:
        return procfs.parse_namespace(os.readlink(f"ns/{kind}", dir_fd=process))
    except (OSError, ValueError):
        return None


def _line(path: str) -> str:
    try:
        with open(path, "rb", buffering=0) as file:
            return os.fsdecode(file.read(256)).strip()
    except OSError:
        return ""


def _booted_at(root: str) -> float:
    """Infinity where it cannot be read: then no process is older than a record, and no record is believed."""
    try:
        with open(f"{root}/stat", "rb") as file:
            for line in file:
                if line.startswith(b"btime "):
                    return float(line.split()[1])
    except (OSError, ValueError):
        pass
    return math.inf
