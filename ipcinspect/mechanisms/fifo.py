"""Named pipes (fifo(7)).

The kernel shows their descriptors as ordinary paths; only statx(2) tells that the file is a FIFO. They are known by
(device, inode): two file systems give the same inode number to different FIFOs. A FIFO that nobody has open does not
show, and neither does a process that waits in open(2) for a partner: it holds no descriptor yet. Never opened by us:
an open would release such a waiter. States follow from POLLHUP and POLLERR, which count every holder, also hidden ones.

The times of its inode say when it was made, and that somebody wrote or read, not when that was last: splice(2),
vmsplice(2), tee(2) and sendfile(2) leave them, so do all writes on overlay and through a read-only mount, and most file
systems note a read only where none was noted since the write before (relatime, mount(8)). So they are fields, and no
times of its queue.
"""

from __future__ import annotations

import os
import stat

from ipcinspect.kernel.descriptors import FifoEnd
from ipcinspect.kernel.errors import Unsupported
from ipcinspect.kernel.libc import FileFacts
from ipcinspect.mechanisms import demo_attach, pipe_contents, pipe_ends
from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.demo_descriptors import DescriptorEnd
from ipcinspect.mechanisms.demo_part import Leaving, Making, Part
from ipcinspect.mechanisms.loans import PipeHolder
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Attach, Collected, Demo, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Exposure, Field, FieldValue, Namespaces, reach_of_mode
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents

NAME = "fifo"

FIELDS = (
    Field("path", "Path", None, "as the first holder's mount namespace names it"),
    Field("deleted", "Deleted", None, "whether its name is gone from the file system (nlink 0)"),
    Field("mode", "Mode", "mode", "permission bits: who may open it"),
    Field("owner_uid", "Owner", "uid", "user id that owns it"),
    Field("last_write", "Written", "time", "mtime where it is later than its making: of write(2), not of splice(2)"),
    Field("last_read", "Read", "time", "atime where it is later than its making: of some read, not always the last"),
    Field("writers", "Writers", None, "visible descriptors open for writing"),
    Field("readers", "Readers", None, "visible descriptors open for reading"),
)

TELLS = Tells("descriptors", "bytes", pipe_contents.ANNOUNCEMENT, ("data exchange", "splitting work"), "none")

NEEDS_ALL_DESCRIPTORS = False

WAITS = (
    Wait("open", "reader", "writer", "no partner"),
    Wait("open", "writer", "reader", "no partner"),
    Wait("read", "reader", "writer", "empty"),
    Wait("write", "writer", "reader", "full"),
)


def collect(scan: Scan) -> Collected:
    """Every FIFO that a visible process has open."""
    return Collected([_channel(scan, *place, holders) for place, holders in scan.fifo_holders.items()], [])


def _channel(scan: Scan, device: int, inode: int, holders: list[PipeHolder]) -> Channel:
    seen = pipe_ends.view(scan, inode, holders, keeps_hangup=False)
    end = holders[0].end
    assert isinstance(end, FifoEnd)
    file = end.file
    path = end.path[: -len(" (deleted)")] if file.is_deleted and end.path.endswith(" (deleted)") else end.path
    return Channel(
        key=ChannelKey("fifo", device, inode),
        id=_id(device, inode),
        aliases=(),
        mechanism=NAME,
        name=path,
        state=seen.state,
        relation=seen.relation,
        queues=seen.queues,
        capacity_bytes=seen.capacity_bytes,
        namespaces=Namespaces(),
        created_at=_created_at(file),
        endpoints=seen.endpoints,
        fields=(
            path,
            file.is_deleted,
            stat.S_IMODE(file.mode),
            file.uid,
            _since_made(file, file.mtime),
            _since_made(file, file.atime),
            seen.writers,
            seen.readers,
        ),
        exposure=_exposure(file),
    )


def _created_at(file: FileFacts) -> float | None:
    """None also where it was written before it was made: it is a copy, as overlay makes one of what is changed."""
    return None if file.btime is None or file.mtime < file.btime else file.btime


def _since_made(file: FileFacts, at: float) -> float | None:
    """A time of the inode; None where none was noted since it was made."""
    return at if file.btime is not None and at > file.btime else None


def unopened(path: str, file: FileFacts) -> Channel:
    """One that nobody is seen to have open, so that no look at the machine finds it: a user gave its path."""
    known: dict[str, FieldValue] = {
        "path": path,
        "deleted": False,
        "mode": stat.S_IMODE(file.mode),
        "owner_uid": file.uid,
    }
    return Channel(
        key=ChannelKey("fifo", file.device, file.inode),
        id=_id(file.device, file.inode),
        aliases=(),
        mechanism=NAME,
        name=path,
        state="unknown",
        relation="data exchange",
        queues=(),
        capacity_bytes=None,
        namespaces=Namespaces(),
        created_at=None,
        endpoints=(),
        fields=tuple(known.get(field.name) for field in FIELDS),
        exposure=_exposure(file),
    )


def _id(device: int, inode: int) -> str:
    return f"fifo:[{os.major(device)}:{os.minor(device)}:{inode}]"


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """The first bytes, through a visible read end; the FIFO itself is not opened. Raises Unsupported."""
    return pipe_contents.of_fifo(peeking, channel)


def _exposure(file: FileFacts) -> Exposure:
    """By its permission bits; without a name nobody new finds it."""
    mode = stat.S_IMODE(file.mode)
    return Exposure("holders" if file.is_deleted else reach_of_mode(mode), file.uid, mode)


def _make(making: Making) -> Handover:
    """A FIFO that nobody has open yet."""
    path = os.path.join(making.directory, "fifo")
    making.calls("mknod", (path, f"S_IFIFO|{making.mode:04o}"), lambda: os.mkfifo(path, making.mode))
    return Handover((path,), (), (path,), (), leaves=(Leaving("path", path),))


def _open(part: Part, access: str) -> int:
    """One end; waits for the other. Raises OSError."""
    path = part.args[0]
    return part.calls("open", (path, access), lambda: os.open(path, getattr(os, access)))


class _AttachedEnd(DescriptorEnd):
    """An end of somebody's FIFO: who writes there knows nothing of the size of our messages."""

    def __init__(self, part: Part, access: str) -> None:
        path, *place = part.args
        super().__init__(part, lambda: demo_attach.open_same(part.calls, path, access, place, not part.terms.blocking))

    def receive(self, size: int) -> bytes:
        """What one read(2) gives, at most `size` bytes. Raises OSError."""
        return self._read(size)


def _access(attaching: Attaching) -> Access:
    """By its path. Raises Unsupported."""
    channel, does = attaching.channel, []
    if channel.name is None or demo_attach.told(FIELDS, channel, "deleted"):
        raise Unsupported("its name is gone: only who has it open can use it")
    if attaching.sends:
        alone = "sleeps" if attaching.blocking else "fails (ENXIO)"
        does += [
            f"open it for writing, which {alone} while nobody has it open for reading",
            f"write {attaching.amount} for whoever reads",
        ]
    if attaching.receives:
        does += [
            "open it for reading: a writer that sleeps in open(2) for want of a reader goes on",
            f"read what comes first, {demo_attach.counted(attaching.messages, 'time')} {attaching.size} bytes at most: "
            "it is taken out, and no other reader gets it",
        ]
    if attaching.sends:
        does.append("close it: where no other writer has it open, the readers see end of file")
    if attaching.receives:
        does.append(
            "close it: where no other reader has it open, its writers get EPIPE, and SIGPIPE, which ends most programs"
        )
    given = (channel.name, *demo_attach.of_place(channel))
    return Access(given, given, tuple(does), empty="end of file: no writer has it open")


DEMO = Demo(
    variants=("fifo",),
    create=_make,
    sender=lambda part: DescriptorEnd(part, lambda: _open(part, "O_WRONLY")),
    receiver=lambda part: DescriptorEnd(part, lambda: _open(part, "O_RDONLY")),
    carries_payload=True,
    notifications=("read", "poll", "epoll", "signal"),
    nonblocking=True,
    with_mode=("fifo",),
    attach=Attach(
        roles=("sender", "receiver", "both"),
        access=_access,
        sender=lambda part: _AttachedEnd(part, "O_WRONLY"),
        receiver=lambda part: _AttachedEnd(part, "O_RDONLY"),
    ),
)
