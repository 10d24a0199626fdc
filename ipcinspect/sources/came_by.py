"""How holders of a channel came by their descriptors, as far as it can be told: who has the very same open file.

A descriptor that was inherited, duplicated or sent refers to the open file description that it was made from (open(2)).
kcmp(2) tells whether two descriptors share one, and an order among them, so that a sort finds all groups. That a parent
shares one with its child makes inheritance likely, and no more: a descriptor can be sent as well. That nobody seen
shares one says little: a shell makes a pipe for its children and closes its own ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cmp_to_key
from typing import NamedTuple

from ipcinspect.kernel import procfs
from ipcinspect.kernel.host import own_pid
from ipcinspect.kernel.same_file import order
from ipcinspect.model.channel import Channel
from ipcinspect.model.process import Process
from ipcinspect.sources import CameBy

_MOST = 256
"""Descriptors that are compared; a sort of so many takes about 2000 comparisons of 2 microseconds."""
_MOST_ANCESTORS = 64


class _Held(NamedTuple):
    process: Process
    fd: int


class _Gone(Exception):
    """A descriptor was closed, or its process ended, in the middle of the sort."""


def came_by(root: str, channel: Channel, processes: Mapping[int, Process]) -> dict[tuple[int, int], CameBy]:
    """By (pid, fd): with whom it shares its open file description. What cannot be told is left out."""
    if own_pid(root) != os.getpid():
        return {}  # a pid of this /proc means another process to system calls
    held = {
        (end.process.pid, end.fd): _Held(end.process, end.fd)
        for end in channel.endpoints
        if end.process is not None and end.fd is not None
    }
    comparable = [one for one in list(held.values())[:_MOST] if order(one.process.pid, one.fd, *_place(one)) == 0]
    try:
        groups = list(_groups(comparable))
    except _Gone:
        return {}
    told = {_place(one): _told(one, group, processes) for group in groups for one in group}
    same = {pid for pid in {pid for pid, _ in told} if _still_is(root, processes, pid)}
    is_whole = len(comparable) == len(held) and len(same) == len({pid for pid, _ in told})
    return {place: came for place, came in told.items() if _is_sure(came, same, is_whole) and place[0] in same}


def _is_sure(came: CameBy, same: set[int], is_whole: bool) -> bool:
    """Whether it is known of both, or, where nobody shares it, of everybody that holds the channel."""
    return is_whole if came.process is None else came.process.pid in same


def _place(one: _Held) -> tuple[int, int]:
    return one.process.pid, one.fd


def _groups(held: Sequence[_Held]) -> Iterator[list[_Held]]:
    """Those that share an open file description, together. Raises _Gone."""

    def compared(one: _Held, other: _Held) -> int:
        answer = order(*_place(one), *_place(other))
        if answer is None:
            raise _Gone
        return answer

    group: list[_Held] = []
    for one in sorted(held, key=cmp_to_key(compared)):
        if group and compared(group[-1], one) != 0:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _told(one: _Held, group: Sequence[_Held], processes: Mapping[int, Process]) -> CameBy:
    others = [other for other in group if other is not one]
    if not others:
        return CameBy("unshared", None, None)
    by_pid: dict[int, _Held] = {}
    for other in sorted(others, key=lambda other: (other.fd != one.fd, other.fd)):
        by_pid.setdefault(other.process.pid, other)
    for distance, ancestor in enumerate(_ancestors(one.process, processes)):
        if ancestor.pid in by_pid and ancestor.pid != one.process.pid:
            found = by_pid[ancestor.pid]
            return CameBy("ancestor" if distance else "parent", found.process, found.fd)
    elsewhere = [other for pid, other in by_pid.items() if pid != one.process.pid]
    if elsewhere:
        oldest = min(elsewhere, key=lambda other: (other.process.starttime, other.process.pid))
        return CameBy("shared", oldest.process, oldest.fd)
    return CameBy("duplicate", one.process, by_pid[one.process.pid].fd)


def _ancestors(process: Process, processes: Mapping[int, Process]) -> Iterator[Process]:
    """Its parent, the parent of that one, and so on."""
    at = process
    for _ in range(_MOST_ANCESTORS):
        above = processes.get(at.ppid) if at.ppid else None
        if above is None or above.starttime > at.starttime:  # a pid that means another process by now
            return
        yield above
        at = above


def _still_is(root: str, processes: Mapping[int, Process], pid: int) -> bool:
    known = processes.get(pid)
    if known is None:
        return False
    try:
        procfs.read_of(root, pid, known.starttime, "stat", 1024)
    except OSError:
        return False
    return True
