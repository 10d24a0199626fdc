"""/proc/PID/fdinfo/N (proc_pid_fdinfo(5)): what an open file description carries. Read on request only: it is dear."""

from __future__ import annotations

import os

_WORDS = (
    (os.O_NONBLOCK, "nonblock"),
    (os.O_APPEND, "append"),
    (getattr(os, "O_DIRECT", 0o40000), "packet"),
    (os.O_CLOEXEC, "cloexec"),
)


def parse_flags(text: bytes) -> int:
    """The `flags:` line: open flags in octal, with O_CLOEXEC of the descriptor. Raises ValueError."""
    start = text.index(b"flags:")
    return int(text[start + 6 :].partition(b"\n")[0], 8)


def flag_words(flags: int) -> str:
    """`block`, or `nonblock cloexec` and the like; O_DIRECT on a pipe keeps packets apart (pipe(2))."""
    words = [word for bit, word in _WORDS if flags & bit]
    if "nonblock" not in words:
        words.insert(0, "block")
    return " ".join(words)


def parse_inode(text: bytes) -> int | None:
    """The `ino:` line, which kernels since 5.14 have; None without it."""
    for line in text.splitlines():
        if line.startswith(b"ino:") and line[4:].strip().isdigit() and len(line) < 30:
            return int(line[4:])
    return None


def parse_riders(text: bytes) -> int | None:
    """The `scm_fds:` line of a UNIX socket: descriptors that lie in its queue (SCM_RIGHTS); None without it."""
    for line in text.splitlines():
        value = line[8:].strip()
        if line.startswith(b"scm_fds:") and value.isdigit() and len(value) < 20:
            return int(value)
    return None
