"""Who holds locks and who waits for them: the descriptors behind the rows of the lock table."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ipcinspect.kernel import calls, locks, procfs
from ipcinspect.kernel.locks import LockPlace, LockRow
from ipcinspect.mechanisms.scan import OtherHolder, Scan
from ipcinspect.model.gap import Gap
from ipcinspect.model.process import Process

_MOST_INFOS = 5000
"""Descriptors that are asked in one look, at about 30 microseconds each."""
_OF_ONE_PROCESS = 256
_WITHIN_S = 0.2
"""Seconds for finding through which descriptor threads wait."""
_WAITING_COMMANDS = {"posix": frozenset((7, 14)), "ofd": frozenset((38,))}
"""F_SETLKW, F_SETLKW64 of 32-bit tasks, F_OFD_SETLKW."""


class Held(NamedTuple):
    """A descriptor and the locks that it holds."""

    holder: OtherHolder
    rows: list[LockRow]


def unexplained(rows: Iterable[LockRow], held: Sequence[Held]) -> list[LockRow]:
    """The locks that no descriptor was seen to hold."""
    seen = {row.lock for one in held for row in one.rows}
    return [row for row in rows if not row.waits and row.lock not in seen]


class Looking:
    """Finds the processes behind the rows of the table; counts what it may still ask."""

    def __init__(self, scan: Scan, inodes: set[int]) -> None:
        self.scan = scan
        self._left = _MOST_INFOS
        self._skipped = 0
        self._until = time.monotonic() + _WITHIN_S
        self._asleep: dict[int, calls.Asleep] = {}
        self._open: dict[int, list[OtherHolder]] = {}
        for (_, inode), holders in scan.files.items():
            if inode in inodes:
                self._open.setdefault(inode, []).extend(holders)

    def gaps(self) -> list[Gap]:
        """What it did not ask any more."""
        return [Gap("descriptors of locked files", "timed out", self._skipped)] if self._skipped else []

    def users(self, place: LockPlace, held: Sequence[Held]) -> list[OtherHolder]:
        """Every descriptor of a file: by what statx(2) calls the one that holds a lock of it, else as the table does.

        An inode number alone is no identity: files of two file systems can have the same.
        """
        files = {(one.holder.end.file.device, one.holder.end.file.inode) for one in held if one.holder.end.file}
        files = files or {(place.device, place.inode)}
        return [user for file in sorted(files) for user in self.scan.files.get(file, ())]

    def holders(self, place: LockPlace, rows: Sequence[LockRow]) -> list[Held]:
        """The descriptors that hold locks of a file, each confirmed by its own `lock:` lines."""
        held = self._that_hold(place, self._open.get(place.inode, ()))
        missing = unexplained(rows, held)
        if missing:  # a file system that gives statx(2) another inode number: ask all that those who locked have
            asked = {(one.holder.process.pid, one.holder.end.fd) for one in held}
            pids = {row.pid for row in missing if row.pid > 0}
            more = [one for one in self._files_of(pids) if (one.process.pid, one.end.fd) not in asked]
            held += self._that_hold(place, more)
        return held

    def _that_hold(self, place: LockPlace, candidates: Iterable[OtherHolder]) -> list[Held]:
        found = []
        for holder in candidates:
            if not self._left:
                self._skipped += 1
                continue
            self._left -= 1
            info = self.scan.fdinfo(holder.process, holder.end.fd)
            rows = [row for row in locks.parse(info) if row.place == place] if info else []
            if rows:
                found.append(Held(holder, rows))
        return found

    def _files_of(self, pids: set[int]) -> list[OtherHolder]:
        found: list[OtherHolder] = []
        for facts in self.scan.facts:
            if facts.pid in pids:
                process = self.scan.processes[facts.pid]
                files = [end for end in facts.table.others if end.file is not None and end.kind == "file"]
                found += [OtherHolder(process, end) for end in files[:_OF_ONE_PROCESS]]
        return found

    def named(self, pid: int) -> Process | None:
        """The process that a row of the table names, if the pid means the one of this look."""
        process = self.scan.processes.get(pid)
        if process is None:
            return None
        try:
            procfs.read_of(self.scan.surroundings.root, pid, process.starttime, "stat", 1024)
        except OSError:
            return None
        return process

    def waits_through(self, process: Process, kind: str, users: Sequence[OtherHolder]) -> list[int]:
        """The descriptors, among those of a file, in whose lock calls threads of a process sleep."""
        own = {user.end.fd for user in users if user.process.key == process.key}
        if not own:
            return []
        asleep = self._asleep.get(process.pid)
        if asleep is None:
            root = self.scan.surroundings.root
            asleep = calls.asleep(root, process.pid, process.starttime, self._until)
            self._asleep[process.pid] = asleep
        return [call.arguments[0] for call in asleep.calls if _is_request(call, kind) and call.arguments[0] in own]


def _is_request(call: calls.Call, kind: str) -> bool:
    if kind == "flock":
        return call.name == "flock"
    return call.name == "fcntl" and call.arguments[1] in _WAITING_COMMANDS.get(kind, ())
