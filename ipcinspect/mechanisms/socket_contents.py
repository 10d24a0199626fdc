"""What waits in sockets, copied by MSG_PEEK through a holder of each receiving end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, NamedTuple

from ipcinspect.kernel import fdinfo, procfs
from ipcinspect.kernel.errors import KernelError
from ipcinspect.kernel.socket_copy import LONGEST_COPY, SocketCopier, SocketCopy
from ipcinspect.mechanisms.peeking import Holder, Peeking, holders_of, reason
from ipcinspect.model.channel import Channel, Endpoint, Queue
from ipcinspect.model.contents import Contents, Piece, refused

ANNOUNCEMENT = "copies what waits with MSG_PEEK through the borrowed receiving end; its owner still gets all of it"

_ONE_MESSAGE = "a datagram queue shows its first message alone; whether more wait, the kernel does not tell"
LISTENS = "connections wait at a listener, not bytes: each is a channel of its own once it is accepted"


class Family(NamedTuple):
    """What distinguishes the kinds of sockets."""

    source_name: Callable[[bytes], str | None]
    """The sender's address, as recvmsg(2) fills it in, as users write it."""
    keeps_at_sender: bool = False
    """What the receiver has no room for stays in the sender's queue (TCP)."""
    carries_descriptors: bool = False
    """Messages can have descriptors with them (SCM_RIGHTS in unix(7))."""


class _Direction(NamedTuple):
    """What came out of one direction."""

    piece: Piece | None = None
    by: str = ""
    """The holder through whom it was copied."""
    total_bytes: int | None = None
    obstacle: str | None = None
    why: str | None = None
    """The kind of obstacle, where the kernel refused."""
    notes: tuple[str, ...] = ()


def of_socket(peeking: Peeking, channel: Channel, family: Family) -> Contents:
    """Every direction of a channel of sockets, in the order of its queues. What cannot be seen is told, not raised."""
    if any(end.role == "listener" for end in channel.endpoints):
        return refused(LISTENS)
    look = _Look(peeking, channel, family)
    if channel.queues:
        directions = [look.direction(queue.to, queue) for queue in channel.queues]
    else:
        directions = [look.direction(side, None) for side in sorted({end.side for end in channel.endpoints})]
    return _together(directions)


class _Look:
    """One request."""

    def __init__(self, peeking: Peeking, channel: Channel, family: Family) -> None:
        self._peeking, self._channel, self._family = peeking, channel, family
        self._copier = SocketCopier(peeking.most)
        self._left = peeking.most

    def direction(self, side: str, queue: Queue | None) -> _Direction:
        """What waits for one side; `queue` is what the last look knew of it."""
        ends = [end for end in self._channel.endpoints if end.side == side]
        inode, receivers = _holders(ends)
        if not receivers:
            return _out_of_sight(ends, queue)
        try:
            holder, copied = self._peeking.through(
                receivers, receivers, lambda lender, fd: self._copier.copy(lender, fd, inode)
            )
        except KernelError as error:
            return _Direction(obstacle=reason(error), why=error.why)
        if copied.obstacle:
            return _Direction(
                obstacle=f"{holder.process.comm} {holder.process.pid} is not looked at: {copied.obstacle}"
            )
        return self._told(side, holder, copied, inode)

    def _told(self, side: str, holder: Holder, copied: SocketCopy, inode: int) -> _Direction:
        unsent = self._unsent(side) if self._family.keeps_at_sender else 0
        total = None if copied.queued_bytes is None or unsent is None else copied.queued_bytes + unsent
        notes = []
        if unsent:
            notes.append(f"{unsent:,} more bytes stand in the sender's queue, which no call copies")
        if copied.data is None:
            return _Direction(total_bytes=total, notes=tuple(notes))
        if len(copied.data) == LONGEST_COPY < copied.size:
            notes.append(f"a socket is borrowed for the copy: no more than {LONGEST_COPY:,} bytes at a time")
        notes += _further(copied)
        if self._family.carries_descriptors:
            notes += self._riders(holder, inode)
        data = copied.data[: self._left]
        self._left -= len(data)
        piece = Piece(data, copied.size, self._title(holder, copied))
        return _Direction(piece, str(holder), total, notes=tuple(notes))

    def _title(self, holder: Holder, copied: SocketCopy) -> str:
        source = self._family.source_name(copied.source)
        receiver = f"to {holder.process.comm} {holder.process.pid}"
        return f"{receiver} from {source}" if source else receiver

    def _unsent(self, side: str) -> int | None:
        """Bytes that the other end has not sent yet: 0 for one on another host; None where it cannot be asked."""
        ends = [end for end in self._channel.endpoints if end.side != side]
        if all(end.inode is None for end in ends):
            return 0
        inode, senders = _holders(ends)
        if not senders:
            return None
        try:
            return self._peeking.through(senders, (), lambda lender, fd: self._copier.unsent(lender, fd, inode))[1]
        except KernelError:
            return None

    def _riders(self, holder: Holder, inode: int) -> list[str]:
        """That descriptors lie in the queue: they belong to messages and are not taken out either."""
        process = holder.process
        try:
            text = procfs.read_of(self._peeking.root, process.pid, process.starttime, f"fdinfo/{holder.fd}")
        except OSError:
            return []
        number = (fdinfo.parse_riders(text) or 0) if fdinfo.parse_inode(text) in (inode, None) else 0
        if not number:
            return []
        return [f"{number} descriptor{'s ride' if number > 1 else ' rides'} along with what waits (SCM_RIGHTS)"]


def _holders(ends: Sequence[Endpoint]) -> tuple[int, list[Holder]]:
    """The socket of these ends that somebody visible holds, and its holders."""
    inode = next((end.inode for end in ends if end.inode and end.process is not None and end.fd is not None), 0)
    return inode, holders_of([end for end in ends if end.inode == inode])


def _out_of_sight(ends: Sequence[Endpoint], queue: Queue | None) -> _Direction:
    """Nobody visible receives: on another host, or hidden. Where nothing was on its way, that is no loss."""
    if queue is None or queue.bytes == 0:
        return _Direction(total_bytes=0)
    where = next((end.address for end in ends if end.address), None)
    who = f"the end at {where}" if where else "the receiving end"
    waiting = f": {queue.bytes:,} bytes stand in the sender's queue, which no call copies" if queue.bytes else ""
    return _Direction(total_bytes=queue.bytes, obstacle=f"nobody visible holds {who}{waiting}")


def _further(copied: SocketCopy) -> list[str]:
    """That messages behind the first one do not show."""
    if copied.is_stream:
        return []
    if copied.queued_bytes is None:
        return [_ONE_MESSAGE]
    behind = copied.queued_bytes - copied.size
    return [f"the first message alone: {behind:,} bytes stand in those behind it"] if behind > 0 else []


def _together(directions: Sequence[_Direction]) -> Contents:
    pieces = tuple(direction.piece for direction in directions if direction.piece is not None)
    obstacles = list(dict.fromkeys(direction.obstacle for direction in directions if direction.obstacle))
    notes = list(dict.fromkeys(note for direction in directions for note in direction.notes))
    known = [direction.total_bytes for direction in directions]
    total = None if None in known else sum(number for number in known if number is not None)
    if obstacles and not pieces:
        why = next((direction.why for direction in directions if direction.why), None)
        return Contents((), "", total, None, "; ".join(obstacles), "; ".join(notes) or None, why)
    by = "recvmsg(2) with MSG_PEEK through " + " and ".join(direction.by for direction in directions if direction.by)
    return Contents(pieces, by if pieces else "", total, None, None, "; ".join(obstacles + notes) or None)
