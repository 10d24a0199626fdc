"""How tests look inside channels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from ipcinspect.inspector import Inspector
from ipcinspect.kernel.borrow import Lender
from ipcinspect.kernel.host import read_host
from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.mechanisms.ipc_namespaces import IpcNamespaces
from ipcinspect.mechanisms.kernel_memory import KernelMemory
from ipcinspect.mechanisms.peeking import Holder, Peeking
from ipcinspect.mechanisms.room import Room
from ipcinspect.model.channel import Channel
from ipcinspect.model.contents import Contents
from ipcinspect.model.process import Process
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.sources.live import LiveSource

MOST = 65536


class Looker:
    """A program that looks, and then looks inside what it saw. It shows its own ends too: tests hold some."""

    def __init__(self) -> None:
        self._inspector = Inspector(LiveSource(), show_self=True)

    def look(self) -> Snapshot:
        """Now."""
        return self._inspector.observe().snapshot

    def peek(self, channel: Channel, most: int = MOST) -> Contents:
        """What is in a channel of the last look."""
        contents = self._inspector.peek(channel.key, most)
        assert contents is not None
        return contents

    def peek_at(self, inode: int, most: int = MOST) -> Contents:
        """What is in the channel that an inode is an end of, after a new look."""
        return self.peek(self.channel_of(inode), most)

    def channel_of(self, inode: int) -> Channel:
        """The channel that an inode receives from, in a new look; a mere sender shows at its receiver."""
        found = [each for each in self.look().channels if any(end.inode == inode for end in each.endpoints)]
        found = found if len(found) == 1 else [each for each in found if _receives(each, inode)]
        assert len(found) == 1, found
        return found[0]


def _receives(channel: Channel, inode: int) -> bool:
    sides = {queue.to for queue in channel.queues}
    return any(end.inode == inode and end.side in sides for end in channel.endpoints)


def room_of(channel: Channel) -> Room:
    """The room of a channel."""
    return next(room for room in MECHANISMS if channel.mechanism == room.NAME)


def peeking(most: int = MOST, inhabitants: Iterable[tuple[int | None, int]] = ()) -> Peeking:
    """A request as the collector makes one, without the thread that the collector lets do it."""
    return Peeking("/proc", True, IpcNamespaces("/proc", own_ipc_namespace(), inhabitants), most, kernel_memory())


def kernel_memory() -> KernelMemory:
    """What the collector would know of this machine's."""
    return KernelMemory("/proc", read_host("/proc").version, tuple)


class Hasty(Peeking):
    """A request that is made ten thousand times: it keeps the processes open and does not look who hangs."""

    def __init__(self, most: int) -> None:
        super().__init__("/proc", True, IpcNamespaces("/proc", own_ipc_namespace(), ()), most, kernel_memory())
        self._lenders: dict[int, Lender] = {}

    @contextmanager
    def lender(self, process: Process) -> Iterator[Lender]:
        if process.pid not in self._lenders:
            self._lenders[process.pid] = Lender(self.root, process.pid)
        yield self._lenders[process.pid]

    def confirm_unlocked(self, holders: Sequence[Holder]) -> None:
        """Who sends and receives here never hangs."""

    def close(self) -> None:
        """Let go of the processes."""
        for lender in self._lenders.values():
            lender.close()


def own_ipc_namespace() -> int:
    """Of this process."""
    return os.stat("/proc/self/ns/ipc").st_ino


def data_of(contents: Contents) -> bytes:
    """All pieces behind one another."""
    return b"".join(piece.data for piece in contents.pieces)
