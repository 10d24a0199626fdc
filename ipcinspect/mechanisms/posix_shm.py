"""POSIX shared memory (shm_overview(7)): files of a tmpfs at /dev/shm.

Every regular file directly in the /dev/shm of every mount namespace that may be entered is one, whoever made it by
whatever call, also when nobody uses it; one in a subdirectory shows as soon as a visible process has it open or mapped.
Files named sem.* of a semaphore's size are named semaphores and stand under posix-sem. Holders are known by device and
inode, never by name. What a process stores through its mapping changes no time and no number.
"""

from __future__ import annotations

import os

from ipcinspect.mechanisms import (
    demo_attach,
    demo_attach_memory,
    demo_memory,
    demo_shm,
    memory_contents,
    shm_objects,
)
from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.demo_attach_memory import AttachedMemory
from ipcinspect.mechanisms.demo_memory import MappedFile
from ipcinspect.mechanisms.demo_part import Leaving, Making, Part
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Attach, Collected, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.mechanisms.shm_objects import ShmObject
from ipcinspect.model.channel import Channel, Field
from ipcinspect.model.contents import Contents

NAME = "posix-shm"

FIELDS = (
    Field("path", "Path", None, "in its mount namespace; of an unlinked one the last that is known"),
    Field("size", "Size", "bytes", "length of the file (statx)"),
    Field("allocated", "Allocated", "bytes", "what of it exists, in memory or swapped out (statx blocks)"),
    Field("mappings", "Mappings", None, "shared mappings of it in processes that could be read"),
    Field("descriptors", "Descriptors", None, "descriptors of it in processes that could be read"),
    Field("deleted", "Deleted", None, "whether its name is gone (nlink 0)"),
    Field("mode", "Mode", "mode", "permission bits: who may open it"),
    Field("owner_uid", "Owner", "uid", "user id that owns it"),
    Field("last_write", "Last write", "time", "mtime: write(2) and ftruncate(2); stores through a mapping do not show"),
    Field("mount_namespace", "Mount namespace", None, "whose /dev/shm it is in: ours where ours has it too"),
)

TELLS = Tells("mappings and descriptors", "none", memory_contents.SENTENCE, ("resource sharing",), "mount")

NEEDS_ALL_DESCRIPTORS = True

WAITS: tuple[Wait, ...] = ()


def collect(scan: Scan) -> Collected:
    """Every object of every namespace that was entered; what was not is a gap."""
    found = shm_objects.of_scan(scan)
    return Collected([_channel(scan, one) for one in found if not one.is_semaphore], scan.shm.gaps())


def _channel(scan: Scan, one: ShmObject) -> Channel:
    file = one.file
    size = file.size if file is not None else None
    return shm_objects.channel(
        scan,
        one,
        NAME,
        one.name,
        size if size is not None else one.memory.largest_extent,
        "resource sharing",
        (
            one.path,
            size,
            file.blocks * 512 if file is not None else None,
            len(one.memory.mappers),
            len(one.memory.holders),
            one.is_deleted,
            file.mode & 0o7777 if file is not None else None,
            file.uid if file is not None else None,
            file.mtime if file is not None else None,
            scan.shm.namespaces.get(one.memory.device),
        ),
    )


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """Its populated pages. Raises Vanished, Denied or Unsupported."""
    return memory_contents.copy_of_shm(peeking, channel)


def _take(part: Part) -> MappedFile:
    """shm_open(3) and map. Raises OSError."""
    path = part.args[0]
    fd = part.calls("open", (path, "O_RDWR"), lambda: os.open(path, os.O_RDWR | os.O_CLOEXEC))
    return MappedFile(part, fd)


def _make(making: Making) -> Handover:
    """An object with a name that nobody else has."""
    path, fd = demo_shm.create(making, "ipcinspect-demo-")
    leaves = (Leaving("path", path),)
    try:
        demo_memory.size(making, fd)
    except OSError:
        os.unlink(path)
        raise
    finally:
        os.close(fd)
    return Handover((path,), (), (path,), (), leaves)


def _access(attaching: Attaching) -> Access:
    """By its path. Raises Unsupported where none of ours leads to it, or it is too small."""
    channel = attaching.channel
    args = (demo_attach.path_of_shm(channel), *demo_attach.of_place(channel))
    return demo_attach_memory.access_to(attaching, demo_attach.told(FIELDS, channel, "size"), args, "map it")


def _take_attached(part: Part, access: str) -> MappedFile:
    """The object that was shown, mapped as far as the bytes that were named. Raises OSError."""
    path, device, inode, _, end = part.args
    fd = demo_attach.open_same(part.calls, path, access, (device, inode))
    return MappedFile(part, fd, writable=access == "O_RDWR", size=int(end))


DEMO = demo_memory.demo("object", _make, _take, locks=("posix-sem", "sysv-sem", "futex"))._replace(
    with_mode=("object",),
    limited_by="RLIMIT_FSIZE",
    attach=Attach(
        roles=("receiver", "sender", "both"),
        access=_access,
        sender=lambda part: AttachedMemory(part, lambda part: _take_attached(part, "O_RDWR")),
        receiver=lambda part: AttachedMemory(part, lambda part: _take_attached(part, "O_RDONLY")),
        at=demo_attach_memory.AT,
        waits=False,
    ),
)
