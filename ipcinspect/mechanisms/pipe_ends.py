"""What anonymous and named pipes have in common: ends, fill and state."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ipcinspect.kernel.borrow import PipeFill
from ipcinspect.kernel.libc import FileFacts
from ipcinspect.mechanisms.loans import PipeHolder, PipeLook
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Endpoint, Queue

_ASKED_HOLDERS = 3
"""Holders of one side that are asked until one answers."""


class PipeView(NamedTuple):
    """One pipe as a room needs it."""

    endpoints: tuple[Endpoint, ...]
    queues: tuple[Queue, ...]
    capacity_bytes: int | None
    state: str
    relation: str
    writers: int
    """Visible descriptors that can write."""
    readers: int
    """Visible descriptors that can read."""
    file: FileFacts | None
    """Its inode at the moment it was asked; None where no descriptor led to it any more."""


def view(scan: Scan, inode: int, holders: Sequence[PipeHolder], keeps_hangup: bool) -> PipeView:
    """A pipe from its visible descriptors.

    `keeps_hangup`: no POLLHUP on a read end proves that a writer exists. So it is for anonymous pipes, born with a
    writer; a FIFO that never had one gives no POLLHUP either.
    """
    writers = [holder for holder in holders if holder.end.writes]
    readers = [holder for holder in holders if holder.end.reads]
    look = _ask(scan, inode, writers, readers)
    fill = look.fill if look is not None else None
    reading_processes = {holder.process.pid for holder in readers}
    return PipeView(
        (*[_endpoint(holder, inode) for holder in holders], *_hidden(fill, inode, writers, readers, keeps_hangup)),
        _UNKNOWN if fill is None else _queues(fill.queued_bytes, fill.capacity_bytes),
        fill.capacity_bytes if fill else None,
        _state(fill, bool(writers), bool(readers), keeps_hangup),
        "splitting work" if len(reading_processes) > 1 else "data exchange",
        len(writers),
        len(readers),
        look.file if look is not None else None,
    )


def _ask(scan: Scan, inode: int, writers: Sequence[PipeHolder], readers: Sequence[PipeHolder]) -> PipeLook | None:
    """Through a write end where one can be borrowed, since only that tells whether a writer would block."""
    if scan.loans.is_locked((*writers, *readers)):
        return None
    for as_writer, holders in ((True, writers), (False, readers)):
        for holder in holders[:_ASKED_HOLDERS]:
            look = scan.loans.pipe(holder, inode, as_writer)
            if look is not None:
                return look
    return None


def _hidden(
    fill: PipeFill | None,
    inode: int,
    writers: Sequence[PipeHolder],
    readers: Sequence[PipeHolder],
    keeps_hangup: bool,
) -> list[Endpoint]:
    """Ends that somebody holds whom we cannot see: the kernel counts them, no descriptor table shows them."""
    hidden = []
    if fill is not None and not readers and fill.no_readers is False:
        hidden.append(Endpoint("b", "reader", None, None, inode))
    if fill is not None and not writers and keeps_hangup and fill.no_writers is False:
        hidden.append(Endpoint("a", "writer", None, None, inode))
    return hidden


def _endpoint(holder: PipeHolder, inode: int) -> Endpoint:
    process, end = holder
    if end.writes:
        return tuple.__new__(Endpoint, ("a", "both" if end.reads else "writer", process, end.fd, inode, None))
    return tuple.__new__(Endpoint, ("b", "reader", process, end.fd, inode, None))


_UNKNOWN = (Queue("b", None),)


@lru_cache(maxsize=1024)
def _queues(queued_bytes: int, capacity_bytes: int) -> tuple[Queue, ...]:
    """One value for all pipes that are as full: most are empty."""
    share = min(queued_bytes / capacity_bytes, 1.0) if capacity_bytes else None
    return (Queue("b", queued_bytes, fill=share),)


def _state(fill: PipeFill | None, has_writer: bool, has_reader: bool, keeps_hangup: bool) -> str:
    """By what the kernel said of the whole pipe (poll(2) counts hidden holders too), not by who is visible."""
    if fill is None:
        return "unknown"
    if fill.no_readers and not has_reader:
        return "no-reader"
    if not has_writer:
        if fill.no_writers:
            return "no-writer"
        if not keeps_hangup:
            return "unknown"
    return _fill_state(fill)


def _fill_state(fill: PipeFill) -> str:
    """Full is what POLLOUT says, never a comparison: spliced buffers may be larger or smaller than their slots."""
    if fill.writable is False:
        return "full"
    return "holding" if fill.queued_bytes else "idle"
