"""What an epoll watches (epoll(7)).

fdinfo tells the number under which a file was added and the file's inode. The number proves nothing: it may be closed
while a duplicate keeps the file in the epoll, and be another file's by now. So files are found by device and inode;
anonymous ones, which share an inode, by kcmp(2).
"""

from __future__ import annotations

import os
from typing import NamedTuple

from ipcinspect.kernel import fdinfo, procfs
from ipcinspect.kernel.anon_info import Target, parse_epoll
from ipcinspect.kernel.descriptors import OtherEnd
from ipcinspect.kernel.same_file import is_watched
from ipcinspect.kernel.walk import ProcessFacts
from ipcinspect.mechanisms.held.kinds import kind_of
from ipcinspect.mechanisms.scan import Scan

_TOLD = 16
"""Targets of one epoll that are told; a server may watch 100,000."""
_COMPARED = 64
"""Anonymous descriptors of a process that are compared with one target."""
_EVENTS = ((0x1, "in"), (0x4, "out"), (0x2, "pri"), (0x2000, "rdhup"), (1 << 31, "edge"), (1 << 30, "once"))
_READY = 0x1 | 0x2 | 0x4 | 0x2000


class _Open(NamedTuple):
    fd: int
    name: str
    device: tuple[int, int] | None
    """None for pipes and sockets: their file systems exist once."""


class Watched:
    """The descriptors of one process, as its epolls may watch them."""

    def __init__(self, scan: Scan, facts: ProcessFacts) -> None:
        self._scan = scan
        self._pid = facts.pid
        self._is_same_process = _is_same_process(scan, facts)
        self._anonymous: list[OtherEnd] = []
        self._by_inode: dict[int, list[_Open]] = {}
        self._sort(facts)

    def words(self, epoll: OtherEnd) -> str | None:
        """`watches 3: 5 pipe:[77] in, 6 timerfd in, ...`; None where its fdinfo could not be read."""
        if epoll.info is None:
            return None
        targets, number = parse_epoll(epoll.info, _TOLD)
        if not number:
            return "watches nothing"
        shared = fdinfo.parse_inode(epoll.info)
        told = [self._target(epoll.fd, target, shared) for target in sorted(targets)]
        more = [f"and {number - len(told)} more"] if number > len(told) else []
        return f"watches {number}: {', '.join([*told, *more])}"

    def _target(self, epoll: int, target: Target, shared: int | None) -> str:
        found = None if target.inode == shared else self._by_its_inode(target)
        found = found or self._by_comparing(epoll, target) or self._elsewhere(target)
        if found is None:
            return f"something that was its descriptor {target.number} {_event_words(target.events)}"
        place, name = found
        added = "" if place == str(target.number) else f" (added as {target.number})"
        return f"{place} {name}{added} {_event_words(target.events)}".lstrip()

    def _by_its_inode(self, target: Target) -> tuple[str, str] | None:
        """Under the number where that is still this very file, else under the lowest."""
        found = [each for each in self._by_inode.get(target.inode or 0, ()) if each.device in (None, target.device)]
        exact = [each for each in found if each.device is not None] or found
        if not exact:
            return None
        named = next((each for each in exact if each.fd == target.number), min(exact))
        return str(named.fd), named.name

    def _by_comparing(self, epoll: int, target: Target) -> tuple[str, str] | None:
        if not self._is_same_process:
            return None
        likely = sorted(self._anonymous, key=lambda end: end.fd != target.number)
        for end in likely[:_COMPARED]:
            if is_watched(self._pid, end.fd, epoll, target.number):
                return str(end.fd), kind_of(end)
        return None

    def _elsewhere(self, target: Target) -> tuple[str, str] | None:
        """A pipe or socket that it closed and that others hold, or it under a number that the epoll does not tell."""
        inode = target.inode
        if inode is None or target.device[0]:
            return None
        in_pipes, in_sockets = inode in self._scan.pipe_holders, inode in self._scan.socket_holders
        if in_pipes == in_sockets:
            return None
        return "", f"{'pipe' if in_pipes else 'socket'}:[{inode}], closed here"

    def _sort(self, facts: ProcessFacts) -> None:
        table = facts.table
        opened = [(end.inode, _Open(end.fd, f"pipe:[{end.inode}]", None)) for end in table.pipes]
        opened += [(inode, _Open(fd, f"socket:[{inode}]", None)) for fd, inode in table.sockets]
        opened += [(end.file.inode, _Open(end.fd, end.path, _device(end.file.device))) for end in table.fifos]
        for end in table.others:
            if end.file is not None:
                opened.append((end.file.inode, _Open(end.fd, end.target, _device(end.file.device))))
            elif end.target.startswith("anon_inode:"):
                self._anonymous.append(end)
        for inode, each in opened:
            self._by_inode.setdefault(inode, []).append(each)


def _device(number: int) -> tuple[int, int]:
    return os.major(number), os.minor(number)


def _is_same_process(scan: Scan, facts: ProcessFacts) -> bool:
    """Whether the pid still means the process, and to us the same one as to that /proc."""
    if not scan.surroundings.pids_agree:
        return False
    try:
        procfs.read_of(scan.surroundings.root, facts.pid, facts.starttime, "stat")
    except OSError:
        return False
    return True


def _event_words(events: int) -> str:
    """`in edge`; errors and hang-ups are always told. A one-shot that has fired waits for nothing until it is set."""
    words = [word for bit, word in _EVENTS if events & bit]
    return " ".join(words) if events & _READY else "(waits for nothing)"
