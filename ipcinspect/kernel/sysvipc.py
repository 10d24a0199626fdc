"""System V objects of an IPC namespace, from /proc/sysvipc (sysvipc(7), proc_sysvipc(5)): world readable."""

from __future__ import annotations

from typing import NamedTuple

LIMIT = 64 << 20
"""Bytes of one of the three files that are read at most."""

SHM_DEST = 0o1000
"""Bit of a segment's perms: marked for deletion, kept only by its attachers (shmctl(2))."""


class MessageQueueRow(NamedTuple):
    """A line of /proc/sysvipc/msg."""

    key: int
    msqid: int
    perms: int
    cbytes: int
    qnum: int
    lspid: int
    lrpid: int
    uid: int
    gid: int
    cuid: int
    cgid: int
    stime: int
    rtime: int
    ctime: int


class SemaphoreSetRow(NamedTuple):
    """A line of /proc/sysvipc/sem."""

    key: int
    semid: int
    perms: int
    nsems: int
    uid: int
    gid: int
    cuid: int
    cgid: int
    otime: int
    ctime: int


class SegmentRow(NamedTuple):
    """A line of /proc/sysvipc/shm."""

    key: int
    shmid: int
    perms: int
    size: int
    cpid: int
    lpid: int
    nattch: int
    uid: int
    gid: int
    cuid: int
    cgid: int
    atime: int
    dtime: int
    ctime: int
    rss: int
    swap: int


def parse_queues(text: bytes) -> list[MessageQueueRow]:
    """/proc/sysvipc/msg; columns are found by the names in its first line."""
    return [
        MessageQueueRow(key & 0xFFFFFFFF, msqid, int(str(perms), 8), *rest)
        for key, msqid, perms, *rest in _rows(text, MessageQueueRow._fields)
    ]


def parse_semaphore_sets(text: bytes) -> list[SemaphoreSetRow]:
    """/proc/sysvipc/sem; columns are found by the names in its first line."""
    return [
        SemaphoreSetRow(key & 0xFFFFFFFF, semid, int(str(perms), 8), *rest)
        for key, semid, perms, *rest in _rows(text, SemaphoreSetRow._fields)
    ]


def parse_segments(text: bytes) -> list[SegmentRow]:
    """/proc/sysvipc/shm; columns are found by the names in its first line."""
    return [
        SegmentRow(key & 0xFFFFFFFF, shmid, int(str(perms), 8), *rest)
        for key, shmid, perms, *rest in _rows(text, SegmentRow._fields)
    ]


def _rows(text: bytes, wanted: tuple[str, ...]) -> list[list[int]]:
    """The wanted columns of each whole line; lines that are cut or odd are passed over."""
    lines = text.split(b"\n")
    titles = lines[0].decode("ascii", "replace").split()
    if not set(wanted) <= set(titles):
        return []
    places = [titles.index(name) for name in wanted]
    rows = []
    for line in lines[1:]:
        cells = line.split()
        if len(cells) != len(titles):
            continue
        try:
            row = [int(cells[place]) for place in places]
            int(cells[places[2]], 8)
        except ValueError:
            continue
        rows.append(row)
    return rows
