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
_MOST_ASKED = 1024
"""Sockets that are asked in one look, at up to 80 us each on a busy machine. What is beyond stays unknown."""


class InFlight(NamedTuple):
    """What is known of all unix sockets together."""

    counts: Mapping[int, int | None]
    """By the inode of the receiving socket; None where it was not told. Who is not in it has none."""
    untold: int
    """Sockets of which this kernel does not tell it."""
    unasked: int
    """Sockets beyond those that are asked in one look."""
    unaccepted: int
    """Clients not accepted yet that have sent something already: their receiving socket has no descriptor to ask."""

    @property
    def known(self) -> int:
        """Descriptors that are certainly in flight."""
        return sum(count for count in self.counts.values() if count)

    @property
    def may_be(self) -> bool:
        """Whether any are, or may be."""
        return bool(self.known or self.untold or self.unasked or self.unaccepted)


def read_in_flight(
    rows: Mapping[int, UnixSocket],
    holders: Mapping[int, Sequence[SocketHolder]],
    read: Callable[[SocketHolder], bytes | None],
) -> InFlight:
    """Asks the sockets in which something may wait; `read` gives the fdinfo of a descriptor, None where it is gone.

    A socket without a visible holder is in flight itself, and counted in another one, or its holder cannot be read,
    or it is new.
    """
    counts: dict[int, int | None] = {}
    untold = 0
    candidates = list(_candidates(rows))
    for inode in candidates[:_MOST_ASKED]:
        text = _text(inode, holders.get(inode, ()), read)
        count = None if text is None else fdinfo.parse_riders(text)
        untold += text is not None and count is None
        if count != 0:
            counts[inode] = count
    unasked = candidates[_MOST_ASKED:]
    counts.update(dict.fromkeys(unasked))
    unaccepted = sum(1 for row in rows.values() if has_sent_early(row))
    return InFlight(counts, untold, len(unasked), unaccepted)


def has_sent_early(row: UnixSocket) -> bool:
    """Whether it sent something before it was accepted: the socket that shall receive it has no descriptor to ask."""
    return row.state == TCP_ESTABLISHED and row.peer == 0 and _has_sent(row)


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


def _text(inode: int, holders: Sequence[SocketHolder], read: Callable[[SocketHolder], bytes | None]) -> bytes | None:
    """The fdinfo of a socket; empty where this kernel does not say that it is of this one; None without a holder."""
    for holder in holders[:_ASKED_HOLDERS]:
        text = read(holder)
        if text is not None:
            told = fdinfo.parse_inode(text)
            if told in (inode, None):
                return b"" if told is None else text
    return None
