"""Files mapped shared by processes (mmap(2), MAP_SHARED).

/proc/PID/maps shows them with device, inode and path. A file that everybody maps read-only is no communication (font
caches, locale archives): without a mapping that may write, it is not listed. Memory without a file of a user (System
V and POSIX segments, memfd, shared anonymous memory) is not of this mechanism. What was written when, nobody tells. A
file that only a hidden process maps for writing is not listed; no state follows from who is visible.
"""

from __future__ import annotations

import os

from ipcinspect.kernel.errors import Unsupported
from ipcinspect.kernel.maps import SharedMapping
from ipcinspect.mechanisms import demo_memory, kernel_memory, memory_contents, memory_objects
from ipcinspect.mechanisms.demo_memory import MappedFile
from ipcinspect.mechanisms.demo_part import Leaving, Making
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Collected, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Mapper, Scan
from ipcinspect.model.channel import Channel, Endpoint, Exposure, Field, Namespaces
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents

NAME = "mmap"

_SENTENCE = "copies the pages that a process has touched out of its memory; the file is not opened"

FIELDS = (
    Field("path", "Path", None, "as the first holder's mount namespace names it"),
    Field("mapped", "Mapped", "bytes", "largest extent that one process has mapped, in bytes"),
    Field("writers", "Writers", None, "processes seen that may write through their mapping"),
    Field("readers", "Readers", None, "processes seen that may only read"),
)

TELLS = Tells("mappings", "none", _SENTENCE, ("resource sharing",), "none")

NEEDS_ALL_DESCRIPTORS = False

WAITS: tuple[Wait, ...] = ()

_NOT_FILES = ("/dev/", "/[aio]", "/dmabuf:", "/i915", "/drm ")


def collect(scan: Scan) -> Collected:
    """Every file that some visible process has mapped shared and writable."""
    files: dict[tuple[int, int], list[Mapper]] = {}
    for mapper in scan.mappers:
        mapping = mapper.mapping
        if mapping.inode and _is_file_of_a_user(scan, mapping) and not memory_objects.is_posix(scan, mapping):
            files.setdefault((mapping.device, mapping.inode), []).append(mapper)
    channels = [
        _channel(scan, *place, mappers)
        for place, mappers in files.items()
        if any(mapper.mapping.writable for mapper in mappers)
    ]
    return Collected(channels, [])


def _is_file_of_a_user(scan: Scan, mapping: SharedMapping) -> bool:
    """Also one that merely is called like memory of the kernel's own."""
    if mapping.name.startswith(kernel_memory.NAMES):
        return not scan.kernel_memory.has(mapping.device)
    return mapping.name.startswith("/") and not mapping.name.startswith(_NOT_FILES)


def _channel(scan: Scan, device: int, inode: int, mappers: list[Mapper]) -> Channel:
    writing = {mapper.process.pid for mapper in mappers if mapper.mapping.writable}
    users = {mapper.process.pid: mapper.process for mapper in mappers}
    ordered = sorted(users.values(), key=lambda user: (user.pid not in writing, user.starttime, user.pid))
    extents: dict[int, int] = {}
    for process, mapping in mappers:
        extents[process.pid] = extents.get(process.pid, 0) + mapping.end - mapping.start
    return Channel(
        key=ChannelKey("mmap", device, inode),
        id=f"mmap:[{os.major(device)}:{os.minor(device)}:{inode}]",
        aliases=(),
        mechanism=NAME,
        name=mappers[0].mapping.name,
        state="idle",
        relation="resource sharing",
        queues=(),
        capacity_bytes=max(extents.values()),
        namespaces=Namespaces(),
        created_at=None,
        endpoints=tuple(
            Endpoint("a" if place == 0 else "b", "attached", user, None, inode) for place, user in enumerate(ordered)
        ),
        fields=(mappers[0].mapping.name, max(extents.values()), len(writing), len(users) - len(writing)),
        exposure=Exposure("unknown"),
        all_seen=not scan.may_hide,
    )


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """What its holders have in their page tables: a page that its file server has to bring first is left out.

    Raises Unsupported, Denied or Vanished.
    """

    def fits(mapping: SharedMapping) -> bool:
        return (mapping.device, mapping.inode) == (channel.key.space, channel.key.number)

    return memory_contents.copy_through_holders(peeking, channel, fits, Unsupported("nobody visible has it mapped"))


def _make(making: Making) -> Handover:
    """A file, open for writing on one side and for reading on the other."""
    path = os.path.join(making.directory, "mapped")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    shown = (path, "O_RDWR|O_CREAT|O_EXCL", f"{making.mode:04o}")
    writer = making.calls("open", shown, lambda: os.open(path, flags, making.mode))
    try:
        demo_memory.size(making, writer)
        reader = making.calls("open", (path, "O_RDONLY"), lambda: os.open(path, os.O_RDONLY))
    except OSError:
        os.close(writer)
        os.unlink(path)
        raise
    return Handover((), (writer,), (), (reader,), leaves=(Leaving("path", path),))


DEMO = demo_memory.demo(
    "file",
    _make,
    lambda part: MappedFile(part, part.fds[0]),
    receiver_takes=lambda part: MappedFile(part, part.fds[0], writable=False),
    locks=("posix-sem", "sysv-sem"),  # a robust mutex in the memory needs a receiver that may write
)._replace(with_mode=("file",), limited_by="RLIMIT_FSIZE")
