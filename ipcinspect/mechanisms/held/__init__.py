"""Everything that processes have open, descriptor by descriptor: which channel it is an end of, or what it is about."""

from __future__ import annotations

from collections.abc import Sequence

from ipcinspect.kernel.walk import ProcessFacts
from ipcinspect.mechanisms.held.kinds import kind_of
from ipcinspect.mechanisms.held.pointing import Pointing
from ipcinspect.mechanisms.held.watched import Watched
from ipcinspect.mechanisms.scan import Scan, let_go
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import Descriptor

_Owned = dict[tuple[int, int], tuple[ChannelKey, str]]


def descriptors(scan: Scan, channels: Sequence[Channel]) -> dict[int, tuple[Descriptor, ...]]:
    """Every descriptor of every process by pid, with the channel that it is an end of."""
    owned: _Owned = {}
    for channel in channels:
        for end in channel.endpoints:
            if end.process is not None and end.fd is not None:
                place = (end.process.pid, end.fd)
                if place not in owned or end.role != "writer":
                    owned[place] = (channel.key, channel.mechanism)
    protocols = {inode: name for name, inodes in scan.unlisted_sockets.items() for inode in inodes}
    pointing = Pointing(scan)
    rows = {facts.pid: _rows(scan, facts, owned, protocols, pointing) for facts in scan.facts}
    let_go(owned)
    return rows


def _rows(
    scan: Scan, facts: ProcessFacts, owned: _Owned, protocols: dict[int, str], pointing: Pointing
) -> tuple[Descriptor, ...]:
    table, pid = facts.table, facts.pid
    ends: list[tuple[int, str, str, str | None]] = [
        *((end.fd, "pipe", f"pipe:[{end.inode}]", None) for end in table.pipes),
        *((end.fd, "fifo", end.path, None) for end in table.fifos),
        *((fd, "socket", f"socket:[{inode}]", protocols.get(inode) or None) for fd, inode in table.sockets),
    ]
    watched: Watched | None = None
    for other in table.others:
        if (pid, other.fd) in owned:
            words = None
        elif kind_of(other) == "epoll":
            watched = watched or Watched(scan, facts)
            words = watched.words(other)
        else:
            words = pointing.words(other)
        ends.append((other.fd, kind_of(other), other.target, words))
    new = tuple.__new__
    rows = []
    for fd, kind, target, words in sorted(ends, key=_by_number):
        key, mechanism = owned.get((pid, fd), (None, kind))
        rows.append(new(Descriptor, (fd, mechanism, target, key, None if key is not None else words)))
    return tuple(rows)


def _by_number(end: tuple[int, str, str, str | None]) -> int:
    return end[0]
