"""The files of every /dev/shm with everybody who has them: what POSIX shared memory and semaphores have in common."""

from __future__ import annotations

from typing import NamedTuple

from ipcinspect.kernel.libc import FileFacts
from ipcinspect.kernel.shm_files import SEMAPHORE_BYTES, SEMAPHORE_PREFIX, SemaphoreNow
from ipcinspect.mechanisms import memory_objects
from ipcinspect.mechanisms.memory_objects import DELETED, MemoryObject
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.mechanisms.shm_directories import Found
from ipcinspect.model.channel import Channel, Exposure, FieldValue, Namespaces, reach_of_mode
from ipcinspect.model.channel_key import ChannelKey

_DIRECTORY = "/dev/shm/"


class ShmObject(NamedTuple):
    """One file."""

    memory: MemoryObject
    file: FileFacts | None
    """None where neither its directory nor a descriptor nor a mapping tells."""
    listed_name: str | None
    """Its name in its directory; None where it is not, or not directly, in a directory that was read."""
    is_deleted: bool | None
    """Whether no name leads to it any more; None where that is not known."""
    namespace: int | None
    """The foreign mount namespace that it was found in; None in ours, or where that is not known."""
    semaphore: SemaphoreNow | None

    @property
    def path(self) -> str:
        """As its mount namespace names it. Kernel text."""
        if self.listed_name is not None:
            return _DIRECTORY + self.listed_name
        return memory_objects.without_mark(self.memory.text, self.is_deleted is not False)

    @property
    def name(self) -> str:
        """`/name`, as shm_open(3) takes it; below a subdirectory, or another mount point, the path. Kernel text."""
        path = self.path
        return path[len(_DIRECTORY) - 1 :] if path.startswith(_DIRECTORY) else path

    @property
    def is_semaphore(self) -> bool:
        """Whether sem_open(3) made it, by what it calls its files and by their size."""
        if not self.path.rpartition("/")[2].startswith(SEMAPHORE_PREFIX):
            return False
        return self.file is None or self.file.size in SEMAPHORE_BYTES


def of_scan(scan: Scan) -> list[ShmObject]:
    """All that was found in directories, and all that processes have beside."""
    used = memory_objects.posix_objects(scan)
    listed = [_listed(found, used.pop(place, MemoryObject(*place, [], []))) for place, found in scan.shm.files.items()]
    return [*listed, *(_unlisted(scan, memory) for memory in used.values())]


def _listed(found: Found, memory: MemoryObject) -> ShmObject:
    entry = found.entry
    return ShmObject(memory, entry.file, entry.name, False, found.namespace, entry.semaphore)


def _unlisted(scan: Scan, memory: MemoryObject) -> ShmObject:
    """Unlinked, or made since its directory was read, or below a subdirectory, or in a place that was not read."""
    file = memory_objects.file_of(scan, memory)
    if file is not None:
        is_deleted: bool | None = file.is_deleted
    elif not memory.text.endswith(DELETED):
        is_deleted = False
    else:
        is_deeper = "/" in memory.text[len(_DIRECTORY) :]
        is_deleted = True if memory.device in scan.shm.complete and not is_deeper else None
    return ShmObject(memory, file, None, is_deleted, None, None)


def channel(
    scan: Scan,
    one: ShmObject,
    mechanism: str,
    name: str | None,
    capacity_bytes: int | None,
    relation: str,
    fields: tuple[FieldValue, ...],
) -> Channel:
    """An object as a channel; `name` with its slash, None where it is not known."""
    file, memory = one.file, one.memory
    id, aliases = _ids(mechanism, one, name)
    mode = file.mode & 0o7777 if file is not None else None
    exposure = Exposure("unknown")
    if one.is_deleted:
        exposure = Exposure("holders", file.uid if file is not None else None, mode)
    elif file is not None:
        exposure = Exposure(reach_of_mode(file.mode), file.uid, mode)
    return Channel(
        key=ChannelKey(mechanism, memory.device, memory.inode),
        id=id,
        aliases=aliases,
        mechanism=mechanism,
        name=name,
        state=_state(scan, one),
        relation=relation,
        queues=(),
        capacity_bytes=capacity_bytes,
        namespaces=Namespaces(),
        created_at=file.btime if file is not None else None,
        endpoints=memory_objects.endpoints(memory),
        fields=fields,
        exposure=exposure,
        all_seen=not scan.may_hide,
    )


def _ids(mechanism: str, one: ShmObject, name: str | None) -> tuple[str, tuple[str, ...]]:
    """By its name where it has one: `posix-shm:/name`, in another mount namespace `posix-shm:/name@mnt:[402]`.

    By device and inode where the name is gone: a new object may have it by now. Then, or as well, as an alias.
    """
    place = memory_objects.place_id(mechanism, one.memory)
    if one.listed_name is None or name is None:
        return place, ()
    suffix = "" if one.namespace is None else f"@mnt:[{one.namespace}]"
    path = () if one.namespace is not None else (one.path,)
    return f"{mechanism}:{name}{suffix}", (place, *path)


def _state(scan: Scan, one: ShmObject) -> str:
    if one.is_deleted is None:
        return "unknown"
    if one.is_deleted:
        return "marked-for-deletion"
    if one.memory.mappers or one.memory.holders:
        return "idle"
    return "unknown" if scan.may_hide or _is_young(scan, one.file) else "orphaned"


def _is_young(scan: Scan, file: FileFacts | None) -> bool:
    """Whether it was made or written to since the look began, when who has it was read already."""
    taken_at = scan.surroundings.taken_at
    if file is None or taken_at is None:
        return True
    return max(file.btime or 0.0, file.mtime) >= taken_at
