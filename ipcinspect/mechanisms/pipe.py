"""Anonymous pipes (pipe(7)).

The kernel shows them as `pipe:[INODE]` links in /proc/PID/fd; the mode bits of the link tell the direction. How full
one is stands in no file: a descriptor is borrowed for a few microseconds and asked (FIONREAD, F_GETPIPE_SZ, poll).
A holder that is in flight in a unix socket, or in a process that cannot be read, does not show here; whether one
exists does, because POLLHUP and POLLERR count every holder.
"""

from __future__ import annotations

from ipcinspect.mechanisms import pipe_ends
from ipcinspect.mechanisms.room import Collected, Wait
from ipcinspect.mechanisms.scan import PipeHolder, Scan
from ipcinspect.model.channel import Channel, Field, Namespaces
from ipcinspect.model.channel_key import ChannelKey

NAME = "pipe"

FIELDS = (
    Field("writers", "Writers", None, "visible descriptors open for writing"),
    Field("readers", "Readers", None, "visible descriptors open for reading"),
)

WAITS = (
    Wait("read", "reader", "writer", "empty"),
    Wait("write", "writer", "reader", "full"),
)

_CTIME_IS_CREATION = (6, 15)
"""Since this kernel no write touches the times of an anonymous pipe: its mtime is its creation."""


def collect(scan: Scan) -> Collected:
    """Every anonymous pipe with a visible holder."""
    device = _device(scan)
    return Collected([_channel(scan, device, inode, holders) for inode, holders in scan.pipe_holders.items()], [])


def _channel(scan: Scan, device: int, inode: int, holders: list[PipeHolder]) -> Channel:
    seen = pipe_ends.view(scan, inode, holders, keeps_hangup=True)
    return Channel(
        key=ChannelKey("pipe", device, inode),
        id=f"pipe:[{inode}]",
        aliases=(),
        mechanism=NAME,
        name=None,
        state=seen.state,
        relation=seen.relation,
        queues=seen.queues,
        capacity_bytes=seen.capacity_bytes,
        namespaces=Namespaces(),
        created_at=_created(scan, inode, holders[0]),
        endpoints=seen.endpoints,
        fields=(seen.writers, seen.readers),
    )


def _device(scan: Scan) -> int:
    """The device number of the kernel's one pipe file system; 0 where nobody's descriptor tells it any more."""
    for inode, holders in scan.pipe_holders.items():
        for holder in holders:
            file = scan.file_of(holder.process, holder.end.fd)
            if file is not None and file.is_fifo and file.inode == inode:
                return file.device
    return 0


def _created(scan: Scan, inode: int, holder: PipeHolder) -> float | None:
    if scan.surroundings.kernel < _CTIME_IS_CREATION:
        return None
    file = scan.file_of(holder.process, holder.end.fd)
    return file.mtime if file is not None and file.inode == inode else None
