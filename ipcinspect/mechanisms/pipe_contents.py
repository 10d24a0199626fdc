"""What stands in an anonymous or named pipe, copied by tee(2) through one of its read ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

from ipcinspect.kernel.borrow import Lender
from ipcinspect.kernel.errors import KernelError, Unsupported, Vanished
from ipcinspect.kernel.pipe_copy import USUAL_LIMIT, PipeCopy, ScratchPipe
from ipcinspect.mechanisms.peeking import Holder, Peeking, holders_of, reason
from ipcinspect.model.channel import Channel
from ipcinspect.model.contents import Contents, Piece, refused

ANNOUNCEMENT = "copies the first bytes with tee(2) through a borrowed read end; the reader loses nothing"

_READERS = ("reader", "both")


def of_pipe(peeking: Peeking, channel: Channel) -> Contents:
    """An anonymous pipe. Raises Unsupported."""
    return _contents(peeking, channel, None, lambda lender, fd: f"pipe:[{channel.key.number}]")


def of_fifo(peeking: Peeking, channel: Channel) -> Contents:
    """A FIFO; each holder knows it by a path of its own. Raises Unsupported."""
    device, inode = channel.key.space, channel.key.number

    def link(lender: Lender, fd: int) -> str:
        text = lender.link_of(fd)
        if not lender.is_fifo(fd, device, inode):
            raise Vanished(f"descriptor {fd}")
        return text

    return _contents(peeking, channel, device, link)


def _contents(peeking: Peeking, channel: Channel, device: int | None, link: Callable[[Lender, int], str]) -> Contents:
    readers = holders_of([end for end in channel.endpoints if end.role in _READERS])
    if not readers:
        return refused("nobody visible holds a read end, and tee(2) copies through a read end alone")
    try:
        scratch = ScratchPipe(channel.capacity_bytes or USUAL_LIMIT)
    except OSError as error:
        raise Unsupported(f"a pipe of our own to copy into: {error.strerror}") from error

    def copy(lender: Lender, fd: int) -> PipeCopy:
        return scratch.copy(lender, fd, link(lender, fd), device, channel.key.number, peeking.most)

    with scratch:
        try:
            holder, copied = peeking.through(readers, holders_of(channel.endpoints), copy)
        except KernelError as error:
            return refused(reason(error), error.why)
    return _told(holder, copied)


def _told(holder: Holder, copied: PipeCopy) -> Contents:
    if not copied.parts:
        note = "every write end is closed: a reader gets the end of file" if copied.no_writers else None
        return Contents((), "", copied.queued_bytes, None, None, note)
    return Contents(_pieces(copied), f"tee(2) through {holder}", copied.queued_bytes)


def _pieces(copied: PipeCopy) -> tuple[Piece, ...]:
    """One run of bytes, or the packets of a packet pipe, of which each read(2) gets one."""
    parts: Sequence[bytes] = copied.parts
    if len(parts) == 1:
        return (Piece(parts[0], None if copied.cut else len(parts[0])),)
    last = len(parts) - 1
    return tuple(
        Piece(part, None if copied.cut and place == last else len(part), f"packet {place + 1}")
        for place, part in enumerate(parts)
    )
