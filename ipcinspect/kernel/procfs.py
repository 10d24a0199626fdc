"""The files of one process below /proc (proc(5)), read through a directory descriptor.

A descriptor of /proc/PID belongs to that one process for good: when the pid is given to another process, reads
through it fail with ESRCH. So everything read through one `open_process` is about the same process.
"""

from __future__ import annotations

import os
from typing import NamedTuple

PF_KTHREAD = 0x00200000
_CHUNK = 65536


class StatRow(NamedTuple):
    """The fields of /proc/PID/stat that the program uses, by their names in proc_pid_stat(5)."""

    comm: str
    state: str
    ppid: int
    flags: int
    num_threads: int
    starttime: int


def list_pids(root: str) -> list[int]:
    """The processes visible under a /proc. Raises OSError."""
    return [int(name) for name in os.listdir(root) if name.isdecimal() and name.isascii()]


def open_process(root: str, pid: int) -> int:
    """A directory descriptor of /proc/PID; the caller closes it. Raises OSError."""
    return os.open(f"{root}/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def read_file(process: int, name: str, limit: int = _CHUNK) -> bytes:
    """At most `limit` bytes of a file of the process. Raises OSError."""
    fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
    try:
        text = os.read(fd, min(limit, _CHUNK))
        if not text or len(text) >= limit:
            return text
        return text + _rest(fd, limit - len(text))
    finally:
        os.close(fd)


def _rest(fd: int, limit: int) -> bytes:
    parts = []
    while limit > 0:
        part = os.read(fd, min(limit, _CHUNK))
        if not part:
            break
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def parse_stat(text: bytes) -> StatRow:
    """/proc/PID/stat. The name stands in brackets and may hold brackets and newlines itself. Raises ValueError."""
    left, right = text.index(b"("), text.rindex(b")")
    fields = text[right + 2 :].split()
    if len(fields) < 20:
        raise ValueError("a stat line with too few fields")
    return StatRow(
        os.fsdecode(text[left + 1 : right]),
        fields[0].decode("ascii"),
        int(fields[1]),
        int(fields[6]),
        int(fields[17]),
        int(fields[19]),
    )


def parse_effective_uid(status: bytes) -> int:
    """The effective user id in /proc/PID/status. Raises ValueError."""
    start = status.index(b"\nUid:")
    fields = status[start + 5 :].split(None, 2)
    if len(fields) < 2:
        raise ValueError("a Uid line that is cut")
    return int(fields[1])


def parse_cmdline(text: bytes) -> tuple[str, ...]:
    """/proc/PID/cmdline: arguments that end in NUL bytes; a process may have overwritten them with anything."""
    if not text:
        return ()
    return tuple(os.fsdecode(part) for part in text.rstrip(b"\0").split(b"\0"))


def parse_namespace(link: str) -> int:
    """The inode in the text of a link like `net:[4026531840]`. Raises ValueError."""
    return int(link[link.index("[") + 1 : link.index("]")])
