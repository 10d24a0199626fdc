"""Memory that processes share, sorted by what it is: the mappings and descriptors of one scan by (device, inode).

System V segments, memory files and shared anonymous memory are files of file systems that the kernel mounts for itself
(`kernel_memory`). There a name of their own kind stands in the text of maps and links, and tells which of them it is; a
user's file that is called so is none. Files of a tmpfs at a /dev/shm are known by their device, whatever path leads to
them: glibc gives a semaphore its name only after it is mapped, so that maps show another one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ipcinspect.kernel.libc import FileFacts
from ipcinspect.kernel.maps import SharedMapping
from ipcinspect.kernel.memory_reader import facts_of
from ipcinspect.mechanisms.scan import Mapper, OtherHolder, Scan
from ipcinspect.model.channel import Endpoint
from ipcinspect.model.process import Process

MEMFD = "/memfd:"
DELETED = " (deleted)"
_ANONYMOUS = frozenset(("/dev/zero (deleted)", "/anon_hugepage (deleted)"))
_SHM = "/dev/shm/"


class MemoryObject(NamedTuple):
    """One piece of memory, with everybody seen who has it."""

    device: int
    inode: int
    mappers: list[Mapper]
    holders: list[OtherHolder]

    @property
    def text(self) -> str:
        """What the kernel calls it; empty where nobody has it. Kernel text."""
        if self.mappers:
            return self.mappers[0].mapping.name
        return self.holders[0].end.target if self.holders else ""

    @property
    def largest_extent(self) -> int | None:
        """Bytes that one process has mapped at most; None where nobody has."""
        extents: dict[int, int] = {}
        for process, mapping in self.mappers:
            extents[process.pid] = extents.get(process.pid, 0) + mapping.end - mapping.start
        return max(extents.values(), default=None)


def posix_objects(scan: Scan) -> dict[tuple[int, int], MemoryObject]:
    """Files of a tmpfs at /dev/shm, and whatever else is called so, as far as a visible process has them."""
    return _gathered(
        (mapper for mapper in scan.mappers if is_posix(scan, mapper.mapping)),
        (
            holder
            for holders in scan.files.values()
            for holder in holders
            if _is_posix(scan, holder.end.target, holder.end.file)
        ),
    )


def memory_files(scan: Scan) -> list[MemoryObject]:
    """What memfd_create(2) made."""
    found = _gathered(
        (mapper for mapper in scan.mappers if _is_memfd(scan, mapper.mapping.name, mapper.mapping.device)),
        (
            holder
            for (device, _), holders in scan.files.items()
            for holder in holders
            if _is_memfd(scan, holder.end.target, device) and holder.end.file is not None and holder.end.file.is_deleted
        ),
    )
    return list(found.values())


def anonymous_objects(scan: Scan) -> list[MemoryObject]:
    """What mmap(2) made with MAP_SHARED and MAP_ANONYMOUS, or of /dev/zero."""
    found = _gathered(
        (m for m in scan.mappers if m.mapping.name in _ANONYMOUS and scan.kernel_memory.has(m.mapping.device)),
        (),
    )
    return list(found.values())


def is_posix(scan: Scan, mapping: SharedMapping) -> bool:
    """Whether a mapping is of a file in a /dev/shm."""
    return bool(mapping.inode) and (mapping.device in scan.shm.devices or mapping.name.startswith(_SHM))


def _is_posix(scan: Scan, target: str, file: FileFacts | None) -> bool:
    if file is None or not stat.S_ISREG(file.mode):
        return False
    return file.device in scan.shm.devices or target.startswith(_SHM)


def _is_memfd(scan: Scan, text: str, device: int) -> bool:
    return text.startswith(MEMFD) and text.endswith(DELETED) and scan.kernel_memory.has(device)


def _gathered(mappers: Iterable[Mapper], holders: Iterable[OtherHolder]) -> dict[tuple[int, int], MemoryObject]:
    found: dict[tuple[int, int], MemoryObject] = {}
    for mapper in mappers:
        place = (mapper.mapping.device, mapper.mapping.inode)
        found.setdefault(place, MemoryObject(*place, [], [])).mappers.append(mapper)
    for holder in holders:
        if holder.end.file is not None:
            place = (holder.end.file.device, holder.end.file.inode)
            found.setdefault(place, MemoryObject(*place, [], [])).holders.append(holder)
    return found


def endpoints(one: MemoryObject) -> tuple[Endpoint, ...]:
    """Everybody who has it, the oldest process first: `attached` where it is mapped, `holder` of a mere descriptor.

    The lowest descriptor of who has it mapped stands at the mapping's end, each further one has an end of its own.
    """
    users: dict[int, Process] = {user.pid: user for user, _ in [*one.mappers, *one.holders]}
    mapping = {mapper.process.pid for mapper in one.mappers}
    fds: dict[int, list[int]] = {}
    for process, end in one.holders:
        fds.setdefault(process.pid, []).append(end.fd)
    ends = []
    for place, user in enumerate(sorted(users.values(), key=lambda user: (user.starttime, user.pid))):
        side, own = "b" if place else "a", sorted(fds.get(user.pid, ()))
        if user.pid in mapping:
            ends.append(Endpoint(side, "attached", user, own.pop(0) if own else None, one.inode))
        ends += [Endpoint(side, "holder", user, fd, one.inode) for fd in own]
    return tuple(ends)


def file_of(scan: Scan, one: MemoryObject) -> FileFacts | None:
    """Size, links and times of it, as a descriptor or (for root) a mapping tells; None where neither does."""
    for _, end in one.holders:
        if end.file is not None:
            return end.file
    for process, mapping in one.mappers[:1]:
        return facts_of(scan.surroundings.root, process.pid, mapping)
    return None


def without_mark(text: str, is_deleted: bool) -> str:
    """The name in a text of the kernel; its mark may be part of a real name, so only a deleted file loses it."""
    return text[: -len(DELETED)] if is_deleted and text.endswith(DELETED) else text


def place_id(mechanism: str, one: MemoryObject) -> str:
    """`memfd:[0:1:77]`: the identity of what has no name, or not that one any more."""
    return f"{mechanism}:[{os.major(one.device)}:{os.minor(one.device)}:{one.inode}]"


def inode_ids(mechanism: str, objects: Sequence[MemoryObject]) -> list[str]:
    """`memfd:[77]` for each; with its device where another file system (huge pages) has the same inode number."""
    first = {one.inode: one.device for one in sorted(objects, key=lambda one: one.device, reverse=True)}
    return [
        f"{mechanism}:[{one.inode}]" if first[one.inode] == one.device else place_id(mechanism, one) for one in objects
    ]
