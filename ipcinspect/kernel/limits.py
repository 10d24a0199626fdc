"""How much of what the kernel allows: descriptors of a process, System V objects of an IPC namespace."""

from __future__ import annotations

from ipcinspect.kernel import procfs

_OPEN_FILES = b"\nMax open files"
_UNLIMITED = b"unlimited"
_TEXT = 4096


def descriptors_of(root: str, pid: int, starttime: int) -> int | None:
    """How many descriptors a process may have now (the soft RLIMIT_NOFILE, proc_pid_limits(5)); None where untold."""
    try:
        return parse_open_files(procfs.read_of(root, pid, starttime, "limits", _TEXT))
    except (OSError, ValueError):
        return None


def parse_open_files(text: bytes) -> int | None:
    """The soft limit; None for none. Raises ValueError."""
    start = text.index(_OPEN_FILES) + len(_OPEN_FILES)
    soft = text[start:].split(None, 1)[0] if text[start:].split() else b""
    if soft == _UNLIMITED:
        return None
    if not soft.isdigit() or len(soft) > 20:
        raise ValueError("no limit of open files")
    return int(soft)


def system_v(root: str) -> dict[str, int]:
    """By mechanism, how many objects the IPC namespace of this thread may have (proc_sys_kernel(5)); what is told."""
    found: dict[str, int] = {}
    for mechanism, name in (("sysv-msg", "msgmni"), ("sysv-shm", "shmmni"), ("sysv-sem", "sem")):
        try:
            with open(f"{root}/sys/kernel/{name}", "rb") as file:
                found[mechanism] = parse_last_number(file.read(256))
        except (OSError, ValueError):
            continue
    return found


def parse_last_number(text: bytes) -> int:
    """The last of some numbers: of `kernel.sem` the most sets. Raises ValueError."""
    fields = text.split()
    if not fields or not fields[-1].isdigit() or len(fields[-1]) > 20:
        raise ValueError("no number")
    return int(fields[-1])
