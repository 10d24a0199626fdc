"""Descriptors in flight: sent over a unix socket (SCM_RIGHTS, unix(7)) and not received yet.

Whatever they lead to is held by no process meanwhile. The kernel counts them in the fdinfo of the receiving socket
(`scm_fds`, Linux 5.7) and tells of no one what it is; a count is believed where the fdinfo names the inode that was
meant (Linux 5.14). Only sockets in which something may wait are asked. Unknown stay sockets whose holder cannot be
read, sockets that are in flight themselves, what a client sent before it was accepted, and a message without a byte
from a sender that has been closed since.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Callable, NamedTuple

from ipcinspect.kernel import fdinfo
from ipcinspect.kernel.unix_diag import TCP_ESTABLISHED, TCP_LISTEN, UnixSocket
from ipcinspect.mechanisms.loans import SocketHolder

_ASKED_HOLDERS = 3
_MOST_ASKED = 4096
"""Sockets that are asked in one look; at 10 us each. What is beyond stays unknown."""


class InFlight(NamedTuple):
    """What is known of all unix sockets together."""

    counts: Mapping[int, int | None]
    """By the inode of the receiving socket; None where it could not be asked. Who is not in it has none."""
    unaccepted: int
    """Clients not accepted yet that have sent something already: their receiving socket has no descriptor to ask."""

    @property
    def known(self) -> int:
        """Descriptors that are certainly in flight."""
        return sum(count for count in self.counts.values() if count)

    @property
    def unasked(self) -> int:
        """Places in which further ones may be."""
        return self.unaccepted + sum(1 for count in self.counts.values() if count is None)


def read_in_flight(
    rows: Mapping[int, UnixSocket],
    holders: Mapping[int, Sequence[SocketHolder]],
    read: Callable[[SocketHolder], bytes | None],
) -> InFlight:
    """Asks the sockets in which something may wait; `read` gives the fdinfo of a descriptor, None where refused."""
    counts: dict[int, int | None] = {}
    for asked, inode in enumerate(_candidates(rows)):
        count = _count(inode, holders.get(inode, ()), read) if asked < _MOST_ASKED else None
        if count != 0:
            counts[inode] = count
    unaccepted = sum(1 for row in rows.values() if row.state == TCP_ESTABLISHED and row.peer == 0 and _has_sent(row))
    return InFlight(counts, unaccepted)


def _candidates(rows: Mapping[int, UnixSocket]) -> Iterable[int]:
    """Sockets in which something may wait. A message may have no byte: then only its sender's memory tells of it."""
    found: dict[int, None] = {}
    from_anybody = False
    for row in rows.values():
        if row.state == TCP_LISTEN or row.shutdown is None:
            continue
        if row.rqueue:
            found[row.ino] = None
        if _has_sent(row):
            if row.peer in rows:
                found[row.peer or 0] = None
            from_anybody = from_anybody or row.type == socket.SOCK_DGRAM
    if from_anybody:  # sendto(2) reaches receivers that the sender is not connected to
        found.update((row.ino, None) for row in rows.values() if row.type == socket.SOCK_DGRAM and row.name is not None)
    return found


def _has_sent(row: UnixSocket) -> bool:
    return bool(row.wmem_alloc) and row.state != TCP_LISTEN


def _count(inode: int, holders: Sequence[SocketHolder], read: Callable[[SocketHolder], bytes | None]) -> int | None:
    for holder in holders[:_ASKED_HOLDERS]:
        text = read(holder)
        if text is not None and fdinfo.parse_inode(text) == inode:
            return fdinfo.parse_riders(text)
    return None
