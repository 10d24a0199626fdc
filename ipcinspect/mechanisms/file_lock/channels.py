"""A locked file as a channel."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from ipcinspect.kernel.locks import LockPlace, LockRow
from ipcinspect.mechanisms.file_lock.looking import Held, Looking, unexplained
from ipcinspect.mechanisms.scan import OtherHolder
from ipcinspect.model.channel import Channel, Endpoint, Exposure, Namespaces, reach_of_mode
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import Process

_SHOWN = 16
"""Ranges that are told of one file: a database may lock thousands."""


def channel(looking: Looking, place: LockPlace, rows: Sequence[LockRow], held: Sequence[Held]) -> Channel:
    """The channel of one file, from its rows of the table and the descriptors that were seen to hold them."""
    holding = [row for row in rows if not row.waits]
    waiting = [row for row in rows if row.waits]
    users = looking.users(place, held)
    end = held[0].holder if held else next(iter(users), None)
    name = None if end is None else end.end.target
    facts = None if end is None else end.end.file
    return Channel(
        key=ChannelKey("file-lock", place.device, place.inode),
        id=f"file-lock:[{os.major(place.device)}:{os.minor(place.device)}:{place.inode}]",
        aliases=(),
        mechanism="file-lock",
        name=name,
        state="full" if waiting else "idle",
        relation="synchronisation",
        queues=(),
        capacity_bytes=None,
        namespaces=Namespaces(),
        created_at=None,
        endpoints=(*_waiters(looking, waiting, users), *_holders(looking, place, holding, held)),
        fields=(
            name,
            " ".join(sorted({row.kind for row in holding})),
            " ".join(sorted({row.mode for row in holding})),
            _told([_range(row) for row in holding]),
            len(holding),
            len(waiting),
            _told([f"{row.mode} {_range(row)}" for row in waiting]) or None,
        ),
        exposure=None if facts is None else Exposure(reach_of_mode(facts.mode), facts.uid, facts.mode & 0o7777),
    )


def _holders(looking: Looking, place: LockPlace, rows: Sequence[LockRow], held: Sequence[Held]) -> Iterable[Endpoint]:
    """Every descriptor that holds a lock; one end without a process where a lock has no holder that is seen."""
    for one in held:
        yield Endpoint("b", "holder", one.holder.process, one.holder.end.fd, place.inode)
    named: set[int] = set()
    hidden = False
    for row in unexplained(rows, held):
        # POSIX locks end with their process, so their pid is the holder's: believed where it may not be confirmed
        process = looking.named(row.pid) if row.kind == "posix" else None
        if process is None or process.readable:
            hidden = True
        elif process.pid not in named:
            named.add(process.pid)
            yield Endpoint("b", "holder", process, None, place.inode)
    if hidden:
        yield Endpoint("b", "holder", None, None, place.inode)


def _waiters(looking: Looking, rows: Sequence[LockRow], users: Sequence[OtherHolder]) -> Iterable[Endpoint]:
    """Every process that waits, with its descriptor where it is told; one end without a process for all others."""
    seen: set[tuple[int, int | None]] = set()
    found = 0
    for process, kind in _asking(looking, rows, users):
        fds: Sequence[int | None] = looking.waits_through(process, kind, users)
        found += len(fds) if kind == "ofd" else 1
        for fd in dict.fromkeys(fds if fds or kind == "ofd" else (None,)):
            if (process.pid, fd) not in seen:
                seen.add((process.pid, fd))
                yield Endpoint("a", "waiter", process, fd, rows[0].place.inode)
    if found < len(rows):
        yield Endpoint("a", "waiter", None, None, rows[0].place.inode)


def _asking(looking: Looking, rows: Sequence[LockRow], users: Sequence[OtherHolder]) -> Iterable[tuple[Process, str]]:
    """Who may have asked: the process that the row names; of an `ofd`, which names none, whoever has the file open."""
    for row in rows:
        process = looking.named(row.pid) if row.pid > 0 else None
        if process is not None:
            yield process, row.kind
    if any(row.kind == "ofd" for row in rows):
        for process in {user.process.key: user.process for user in users}.values():
            yield process, "ofd"


def _range(row: LockRow) -> str:
    if row.start == 0 and row.end is None:
        return "whole file"
    return f"{row.start}-{'end' if row.end is None else row.end}"


def _told(ranges: Sequence[str]) -> str:
    different = list(dict.fromkeys(ranges))
    more = f", {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
    return ", ".join(different[:_SHOWN]) + more
