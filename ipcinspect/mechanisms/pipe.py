"""Anonymous pipes (pipe(7)).

The kernel shows them as `pipe:[INODE]` links in /proc/PID/fd; the mode bits of the link tell the direction. How full
one is stands in no file: a descriptor is borrowed for a few microseconds and asked (FIONREAD, F_GETPIPE_SZ, poll).
A holder that is in flight in a unix socket, or in a process that cannot be read, does not show here; whether one
exists does, because POLLHUP and POLLERR count every holder.
"""

from __future__ import annotations

import os

from ipcinspect.mechanisms import pipe_contents, pipe_ends
from ipcinspect.mechanisms.demo_descriptors import DescriptorEnd
from ipcinspect.mechanisms.demo_part import Making
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.pipe_ends import PipeView
from ipcinspect.mechanisms.room import Collected, Demo, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Exposure, Field, Namespaces
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents

NAME = "pipe"

FIELDS = (
    Field("writers", "Writers", None, "visible descriptors open for writing"),
    Field("readers", "Readers", None, "visible descriptors open for reading"),
)

TELLS = Tells("descriptors", "bytes", pipe_contents.ANNOUNCEMENT, ("data exchange", "splitting work"), "none")

NEEDS_ALL_DESCRIPTORS = False

WAITS = (
    Wait("read", "reader", "writer", "empty"),
    Wait("write", "writer", "reader", "full"),
)

_MTIME_IS_CREATION = (6, 15)
"""Since this kernel no write touches the times of an anonymous pipe: its mtime is its creation."""


def collect(scan: Scan) -> Collected:
    """Every anonymous pipe with a visible holder."""
    views = {
        inode: pipe_ends.view(scan, inode, holders, keeps_hangup=True)
        for inode, holders in scan.pipe_holders.items()
        if scan.is_wanted(inode)
    }
    device = next((seen.file.device for seen in views.values() if seen.file is not None), 0)
    tells_creation = scan.surroundings.kernel >= _MTIME_IS_CREATION
    return Collected([_channel(device, inode, seen, tells_creation) for inode, seen in views.items()], [])


def _channel(device: int, inode: int, seen: PipeView, tells_creation: bool) -> Channel:
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
        created_at=seen.file.mtime if tells_creation and seen.file is not None else None,
        endpoints=seen.endpoints,
        fields=(seen.writers, seen.readers),
        exposure=Exposure("holders", seen.file.uid if seen.file is not None else None),
    )


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """The first bytes, through a visible read end. Raises Unsupported."""
    return pipe_contents.of_pipe(peeking, channel)


_PACKET = 4096
"""A longer write becomes several packets."""


def _make(making: Making) -> Handover:
    """A pipe of which each process gets one end; a packet pipe keeps the messages apart (O_DIRECT, pipe(2))."""
    flags = os.O_DIRECT if making.variant == "packet" else 0
    read_end, write_end = making.calls("pipe2", ("O_DIRECT" if flags else 0,), lambda: os.pipe2(flags), list)
    if flags:
        return Handover((), (write_end,), (), (read_end,), most_bytes=_PACKET, limit_told_by="PIPE_BUF (pipe(7))")
    return Handover((), (write_end,), (), (read_end,))


DEMO = Demo(
    variants=("pipe", "packet"),
    create=_make,
    sender=DescriptorEnd,
    receiver=DescriptorEnd,
    carries_payload=True,
    notifications=("read", "poll", "epoll", "signal"),
    nonblocking=True,
)
