"""What this observer can see on this kernel, by asking the kernel; and what would show more.

Everything here only looks: capabilities and seccomp from /proc/self/status, switches from /proc/sys, the options of
the /proc mount, and one duplicate of a descriptor of our own.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from ipcinspect.kernel.errors import KernelError
from ipcinspect.kernel.libc import close, pidfd_getfd
from ipcinspect.kernel.netlink import open_diag_socket
from ipcinspect.kernel.unix_diag import read_unix_sockets

_CAP_DAC_READ_SEARCH, _CAP_SYS_PTRACE, _CAP_SYS_ADMIN = 2, 19, 21
_LIMIT = 65536


class Sighting(NamedTuple):
    """One answer of the doctor: `verdict` is `yes`, `partly` or `no`."""

    subject: str
    verdict: str
    detail: str
    remedy: str | None


def sightings(root: str, release: str, readable: int, processes: int, entered: int, namespaces: int) -> list[Sighting]:
    """All answers. The counts come from the scan: processes read of all, network namespaces entered of all."""
    status = _text(f"{root}/self/status")
    return [
        Sighting("kernel", "yes", f"Linux {release}; this program needs 5.10 or newer", None),
        _privilege(status),
        _processes(readable, processes),
        _hidepid(root),
        _yama(root),
        _seccomp(status),
        _sock_diag(),
        _pidfd_getfd(),
        _namespaces(entered, namespaces),
        _system_v(root),
    ]


def capabilities(status: str) -> int:
    """The effective capabilities in the text of /proc/PID/status, as a bit set."""
    value = _field(status, "CapEff")
    try:
        return int(value, 16) if value else 0
    except ValueError:
        return 0


def _privilege(status: str) -> Sighting:
    held = capabilities(status)
    missing = [
        name
        for name, bit in (
            ("CAP_SYS_PTRACE", _CAP_SYS_PTRACE),
            ("CAP_DAC_READ_SEARCH", _CAP_DAC_READ_SEARCH),
            ("CAP_SYS_ADMIN", _CAP_SYS_ADMIN),
        )
        if not held >> bit & 1
    ]
    uid = os.geteuid()
    if not missing:
        return Sighting("privilege", "yes", f"uid {uid} with all the capabilities that are of use", None)
    detail = f"uid {uid} without {', '.join(missing)}"
    return Sighting("privilege", "partly", detail, "sudo ipcinspect")


def _processes(readable: int, processes: int) -> Sighting:
    remedy = "sudo ipcinspect" if os.geteuid() else None
    if readable == processes:
        return Sighting("processes", "yes", f"descriptors of all {processes} processes can be read", None)
    detail = f"descriptors of {readable} of {processes} processes can be read; holders may hide in the others"
    return Sighting("processes", "partly" if readable else "no", detail, remedy)


def _hidepid(root: str) -> Sighting:
    options = _proc_options(_text(f"{root}/self/mountinfo"), root)
    hidden = next((option for option in options if option.startswith("hidepid=")), "hidepid=0")
    if hidden in ("hidepid=0", "hidepid=off"):
        return Sighting("hidepid", "yes", "the /proc mount hides no process", None)
    seen = "all the same" if capabilities(_text(f"{root}/self/status")) >> _CAP_SYS_PTRACE & 1 else "not"
    detail = f"/proc is mounted with {hidden}: processes of other users are {seen} seen"
    if seen == "not":
        return Sighting("hidepid", "no", detail, "sudo ipcinspect")
    return Sighting("hidepid", "yes", detail, None)


def _proc_options(mountinfo: str, root: str) -> list[str]:
    """Mount and file system options of the uppermost proc mounted at `root`."""
    options: list[str] = []
    for line in mountinfo.splitlines():
        cells = line.split(" ")
        if len(cells) > 9 and cells[4] == root and "-" in cells:
            dash = cells.index("-")
            options = [*cells[5].split(","), *cells[-1].split(",")] if cells[dash + 1] == "proc" else []
    return options


def _yama(root: str) -> Sighting:
    scope = _text(f"{root}/sys/kernel/yama/ptrace_scope").strip()
    if scope in ("", "0"):
        return Sighting("yama", "yes", "no Yama restriction on looking into processes", None)
    held = capabilities(_text(f"{root}/self/status")) >> _CAP_SYS_PTRACE & 1
    if held and scope != "3":
        return Sighting("yama", "yes", f"ptrace_scope is {scope}; CAP_SYS_PTRACE passes it", None)
    detail = f"ptrace_scope is {scope}: how full pipes are can be asked of our own children only"
    return Sighting("yama", "partly", detail, "sudo ipcinspect" if scope != "3" else None)


def _seccomp(status: str) -> Sighting:
    mode = _field(status, "Seccomp") or "0"
    if mode == "0":
        return Sighting("seccomp", "yes", "no system call filter around this program", None)
    return Sighting("seccomp", "partly", "a system call filter around this program may refuse some questions", None)


def _sock_diag() -> Sighting:
    try:
        diag = open_diag_socket()
        try:
            count = len(read_unix_sockets(diag, None))
        finally:
            diag.close()
    except KernelError as error:
        detail = f"{error}: unix sockets have neither peers nor queues"
        return Sighting("sock_diag", "no", detail, "modprobe unix_diag inet_diag tcp_diag udp_diag")
    return Sighting("sock_diag", "yes", f"peers and queues of sockets are told ({count} unix sockets here)", None)


def _pidfd_getfd() -> Sighting:
    """Asked of ourselves, about the very pidfd that it goes through: nothing is made in order to look."""
    pidfd = -1
    try:
        pidfd = os.pidfd_open(os.getpid())
        close(pidfd_getfd(pidfd, pidfd))
    except OSError as error:
        return Sighting("pidfd_getfd", "no", f"{error.strerror}: how full pipes are is not told", None)
    finally:
        if pidfd >= 0:
            os.close(pidfd)
    return Sighting("pidfd_getfd", "yes", "how full pipes are can be asked where a process may be looked into", None)


def _namespaces(entered: int, namespaces: int) -> Sighting:
    if entered == namespaces:
        return Sighting("network namespaces", "yes", f"sockets of all {namespaces} known ones are told", None)
    detail = f"sockets of {entered} of {namespaces} known ones are told with their peers"
    return Sighting("network namespaces", "partly", detail, "sudo ipcinspect")


def _system_v(root: str) -> Sighting:
    if _text(f"{root}/sysvipc/shm"):
        return Sighting("System V IPC", "yes", "queues, semaphores and segments of this IPC namespace", None)
    return Sighting("System V IPC", "no", "this kernel has no /proc/sysvipc", None)


def _field(status: str, name: str) -> str | None:
    for line in status.splitlines():
        if line.startswith(name + ":"):
            return line[len(name) + 1 :].strip()
    return None


def _text(path: str) -> str:
    try:
        with open(path, "rb", buffering=0) as file:
            return os.fsdecode(file.read(_LIMIT))
    except OSError:
        return ""
