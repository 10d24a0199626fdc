"""The files of one process below /proc (proc(5)), read through a directory descriptor.

A descriptor of /proc/PID belongs to that one process for good: when the pid is given to another process, reads
through it fail with ESRCH. So everything read through one `open_process` is about the same process.
"""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

PF_KTHREAD = 0x00200000
_CHUNK = 65536
_SLEEPING = "S"
"""Waits, and a signal would end that (proc_pid_stat(5))."""


class StatRow(NamedTuple):
    """The fields of /proc/PID/stat that the program uses, by their names in proc_pid_stat(5)."""

    comm: str
    state: str
    ppid: int
    flags: int
    num_threads: int
    starttime: int
    tty_nr: int
    """Device number of the controlling terminal; 0 without one."""
    tpgid: int
    """Foreground process group of that terminal; -1 without one."""
    pgrp: int


class SignalRow(NamedTuple):
    """The signal masks of /proc/PID/status, each a bit set: bit N-1 is signal N."""

    pending: int
    """Of the first thread and of the whole process together (SigPnd, ShdPnd)."""
    blocked: int
    ignored: int
    caught: int


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


def read_at_once(process: int, name: str, limit: int) -> bytes:
    """A small file of the process by a single read, which for files of one record is all of it. Raises OSError."""
    fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
    try:
        return os.read(fd, limit)
    finally:
        os.close(fd)


def read_of(root: str, pid: int, starttime: int, name: str, limit: int = _CHUNK) -> bytes:
    """A file of the process that started then. Raises OSError, also where the pid means another process by now."""
    process = open_process(root, pid)
    try:
        if parse_stat(read_file(process, "stat")).starttime != starttime:
            raise ProcessLookupError(errno.ESRCH, "another process by now", f"{pid}/{name}")
        return read_file(process, name, limit)
    except ValueError as error:
        raise ProcessLookupError(errno.ESRCH, str(error), f"{pid}/{name}") from error
    finally:
        os.close(process)


def read_table(path: str, limit: int) -> bytes:
    """A table of the kernel that is no process's, at most `limit` bytes of it. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _rest(fd, limit)
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
        int(fields[4]),
        int(fields[5]),
        int(fields[2]),
    )


def sleeps(root: str, pid: int) -> bool:
    """Whether the first thread of a process waits for something at this moment; no where it is gone."""
    try:
        process = open_process(root, pid)
    except OSError:
        return False
    try:
        return parse_stat(read_file(process, f"task/{pid}/stat")).state == _SLEEPING
    except (OSError, ValueError):
        return False
    finally:
        os.close(process)


def parse_effective_uid(status: bytes) -> int:
    """The effective user id in /proc/PID/status. Raises ValueError."""
    start = status.index(b"\nUid:")
    fields = status[start + 5 :].split(None, 2)
    if len(fields) < 2:
        raise ValueError("a Uid line that is cut")
    return int(fields[1])


def parse_signals(status: bytes) -> SignalRow:
    """The signal masks in /proc/PID/status. Raises ValueError."""
    own, shared, blocked, ignored, caught = (
        _mask(status, name) for name in (b"SigPnd", b"ShdPnd", b"SigBlk", b"SigIgn", b"SigCgt")
    )
    return SignalRow(own | shared, blocked, ignored, caught)


def _mask(status: bytes, name: bytes) -> int:
    start = status.index(b"\n" + name + b":") + len(name) + 2
    return int(status[start : start + 64].partition(b"\n")[0], 16)


def parse_cmdline(text: bytes) -> tuple[str, ...]:
    """/proc/PID/cmdline: arguments that end in NUL bytes; a process may have overwritten them with anything."""
    if not text:
        return ()
    return tuple(os.fsdecode(part) for part in text.rstrip(b"\0").split(b"\0"))


def parse_namespace(link: str) -> int:
    """The inode in the text of a link like `net:[4026531840]`. Raises ValueError."""
    return int(link[link.index("[") + 1 : link.index("]")])
