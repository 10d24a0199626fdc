"""File locks and leases, as /proc/locks (proc_locks(5)) and the `lock:` lines of fdinfo tell them (fs/locks.c).

The table has a row for each lock that is held, and below it, with the same number and an arrow, a row for each request
that waits for it. It shows what processes of the pid namespace of that /proc asked for, and nothing else. The line in
/proc/PID/fdinfo/N is printed by the same function, and only where that very descriptor (and, of a POSIX lock, that very
process) holds the lock: so it, and not the pid in the table, tells the holder.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from ipcinspect.kernel import procfs
from ipcinspect.kernel.errors import Unsupported, translated

LIMIT = 4 << 20
"""Bytes of the table that are read at most: about 60,000 locks."""

_ROW = re.compile(
    rb"^(?:lock:\t)?([0-9]{1,18}): *(-> )?(FLOCK|POSIX|OFDLCK|ACCESS|LEASE|DELEG) +([A-Z*]+) +(READ|WRITE|UNLCK) +"
    rb"(-?[0-9]{1,10}) (?:([0-9a-f]{1,5}):([0-9a-f]{1,5}):([0-9]{1,20})|<none>:0) ([0-9]{1,19}) (EOF|[0-9]{1,19})$",
    re.MULTILINE,
)
_KINDS = {b"FLOCK": "flock", b"POSIX": "posix", b"OFDLCK": "ofd", b"ACCESS": "posix", b"LEASE": "lease"}
_MODES = {b"READ": "read", b"WRITE": "write"}
_FIRST_NAMESPACE = "pid:[4026531836]"
"""PROC_PID_INIT_INO of include/linux/proc_ns.h: part of the kernel's interface."""


class LockPlace(NamedTuple):
    """The file as the lock table names it: the device of its super block, which statx(2) may tell otherwise."""

    device: int
    inode: int


class LockRow(NamedTuple):
    """One lock that is held, or one request that waits for it."""

    number: int
    """A lock and the requests that wait for it have the same one, within one reading."""
    waits: bool
    kind: str
    """`flock`, `posix`, `ofd` (fcntl(2)), `lease`, `delegation`."""
    mode: str
    """`read`, `write`; `none` for a lease that has to be given up."""
    pid: int
    """Who asked, as that /proc numbers it: -1 for `ofd`, and of a `flock` perhaps a process that is gone by now."""
    place: LockPlace
    start: int
    end: int | None
    """Last byte; None for the end of the file, however long it grows."""
    breaking: bool = False
    """A lease that somebody waits to be given up."""

    @property
    def lock(self) -> tuple[object, ...]:
        """What makes it the same lock in the table and in fdinfo: all but the number."""
        return (self.kind, self.mode, self.pid, self.place, self.start, self.end)


def read(root: str) -> list[LockRow]:
    """Every lock that this /proc shows, holders before their waiters. Raises Unsupported or Denied."""
    try:
        return parse(procfs.read_table(f"{root}/locks", LIMIT))
    except FileNotFoundError as error:
        raise Unsupported("the table of file locks") from error
    except OSError as error:
        raise translated(error, "the table of file locks") from error


def leased(root: str) -> frozenset[LockPlace]:
    """Files whose holder is told when somebody opens them, and loses his lease by it (fcntl(2), F_SETLEASE).

    O_NONBLOCK does not spare him: it spares the opener the waiting. Those of processes outside of the pid namespace of
    that /proc do not show. Raises as `read`.
    """
    return frozenset(row.place for row in read(root) if row.kind in ("lease", "delegation") and not row.waits)


def parse(text: bytes) -> list[LockRow]:
    """The rows of the table, or of an fdinfo; lines that are cut or odd are passed over, and waiters of such."""
    rows: list[LockRow] = []
    held: LockRow | None = None
    for number, arrow, kind, word, mode, pid, major, minor, inode, start, end in _ROW.findall(text):
        if arrow and (held is None or held.number != int(number)):
            continue
        if inode:
            place = LockPlace(os.makedev(int(major, 16), int(minor, 16)), int(inode))
        elif arrow and held is not None:  # whoever breaks a lease has no file yet
            place = held.place
        else:
            continue
        row = LockRow(
            int(number),
            bool(arrow),
            _KINDS.get(kind, "delegation"),
            _MODES.get(mode, "none"),
            int(pid),
            place,
            int(start),
            None if end == b"EOF" else int(end),
            word == b"BREAKING",
        )
        held = held if arrow else row
        rows.append(row)
    return rows


def sees_all(root: str) -> bool | None:
    """Whether that /proc is of the first pid namespace, from which no lock is hidden; None where it is not told."""
    try:
        return os.readlink(f"{root}/self/ns/pid") == _FIRST_NAMESPACE
    except OSError:
        return None
