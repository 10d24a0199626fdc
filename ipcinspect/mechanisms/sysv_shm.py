"""System V shared memory (sysvipc(7), shmop(2)).

/proc/sysvipc/shm shows every segment of the reader's IPC namespace to everybody, with its creator and a count of
attachments. Who attached it stands in the maps of each process: a mapping named /SYSV<key> whose inode is the
segment's id, in a file system of the kernel's own (`kernel_memory` tells how that is known: any user can make a file
of that name and number in another, and holds nothing of the segment by it). Ids, keys and even the device are the same
in every IPC namespace (ipc_namespaces(7)), so a mapping is matched within the namespace of its process; one who
attached a segment and then moved to another namespace is not found again. Other namespaces are asked from inside,
their segments end in `@ipc:[N]`; of one that does not let us in only the segments that visible processes have mapped
are told. Never attached by us: that would change its times and its count. `orphaned` follows from the kernel's count of
attachments, never from who is visible.
"""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from ipcinspect.kernel import sysv, sysvipc
from ipcinspect.kernel.errors import Unsupported
from ipcinspect.kernel.maps import SharedMapping
from ipcinspect.mechanisms import demo_attach, demo_attach_memory, demo_memory, memory_contents, sysv_objects
from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.demo_attach_memory import AttachedMemory
from ipcinspect.mechanisms.demo_part import Leaving, Making, Part
from ipcinspect.mechanisms.demo_ring import bytes_for
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Attach, Collected, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Mapper, Scan
from ipcinspect.model.channel import Channel, Endpoint, Field
from ipcinspect.model.contents import Contents
from ipcinspect.model.process import Process

NAME = "sysv-shm"

FIELDS = (
    Field("key", "Key", "key", "what ftok(3) gave its users; 0 for a private segment"),
    Field("size", "Size", "bytes", "bytes of the segment"),
    Field("resident", "Resident", "bytes", "bytes of it that are in memory"),
    Field("attached", "Attached", None, "attachments of all processes, seen or not (shm_nattch)"),
    Field("attached_seen", "Attachments seen", None, "mappings of it in processes that could be read"),
    Field("mode", "Mode", "mode", "permission bits: who may attach it"),
    Field("owner_uid", "Owner", "uid", "user id that owns it"),
    Field("creator_uid", "Creator", "uid", "user id that made it"),
    Field("cpid", "Created by", "pid", "pid that made it; a reused number is not believed as an end"),
    Field("lpid", "Last user", "pid", "pid that attached or detached last"),
    Field("atime", "Last attach", "time", "shm_atime"),
    Field("dtime", "Last detach", "time", "shm_dtime"),
    Field("ctime", "Last change", "time", "creation or last shmctl(IPC_SET)"),
)

TELLS = Tells("mappings", "none", memory_contents.SENTENCE, ("resource sharing",), "ipc")

NEEDS_ALL_DESCRIPTORS = False

WAITS: tuple[Wait, ...] = ()

_PREFIX, _SUFFIX = "/SYSV", " (deleted)"


def collect(scan: Scan) -> Collected:
    """Every segment of every IPC namespace that lets us in. Raises Unsupported or Denied, of our own alone."""
    attached = _attached(scan)
    channels = []
    for ipc, rows in scan.ipc.ask(lambda: sysvipc.parse_segments(scan.sysv_table("shm"))):
        channels += [_channel(scan, ipc, row, attached.get(_Place(ipc, row.shmid, row.key), [])) for row in rows]
    shut = scan.ipc.shut
    channels += [_mapped_only(scan, place, mappers) for place, mappers in attached.items() if place.ipc in shut]
    return Collected(channels, [])


class _Place(NamedTuple):
    ipc: int | None
    shmid: int
    key: int


def _attached(scan: Scan) -> dict[_Place, list[Mapper]]:
    """Mappings of segments by where they are."""
    found: dict[_Place, list[Mapper]] = {}
    for mapper in scan.mappers:
        name = mapper.mapping.name
        if name.startswith(_PREFIX) and name.endswith(_SUFFIX) and scan.kernel_memory.has(mapper.mapping.device):
            try:
                key = int(name[len(_PREFIX) : -len(_SUFFIX)], 16)
            except ValueError:
                continue
            place = _Place(mapper.process.ipc_namespace, mapper.mapping.inode, key)
            found.setdefault(place, []).append(mapper)
    return found


def _mapped_only(scan: Scan, place: _Place, attached: list[Mapper]) -> Channel:
    """A segment of which no more is known than who has mapped it."""
    known = {"key": place.key, "attached_seen": len(attached)}
    return sysv_objects.channel(
        scan,
        place.ipc,
        NAME,
        place.shmid,
        place.key,
        "unknown",
        "resource sharing",
        (),
        None,
        _ends(None, attached),
        tuple(known.get(field.name) for field in FIELDS),
    )


def _channel(scan: Scan, ipc: int | None, row: sysvipc.SegmentRow, attached: list[Mapper]) -> Channel:
    return sysv_objects.channel(
        scan,
        ipc,
        NAME,
        row.shmid,
        row.key,
        _state(row),
        "resource sharing",
        (),
        row.size,
        _endpoints(scan, row, attached),
        (
            row.key,
            row.size,
            row.rss,
            row.nattch,
            len(attached),
            row.perms & 0o777,
            row.uid,
            row.cuid,
            row.cpid or None,
            row.lpid or None,
            row.atime or None,
            row.dtime or None,
            row.ctime or None,
        ),
        sysv_objects.by_mode(row.uid, row.perms),
    )


def _state(row: sysvipc.SegmentRow) -> str:
    if row.perms & sysvipc.SHM_DEST:
        return "marked-for-deletion"
    return "idle" if row.nattch else "orphaned"


def _endpoints(scan: Scan, row: sysvipc.SegmentRow, attached: list[Mapper]) -> list[Endpoint]:
    # IPC_SET moves ctime: the segment is at least as old as whatever was done to it first.
    creator = scan.recorded(row.cpid, min((at for at in (row.ctime, row.atime, row.dtime) if at), default=0))
    return _ends(creator, attached)


def _ends(creator: Process | None, attached: list[Mapper]) -> list[Endpoint]:
    users: dict[int, Process] = {mapper.process.pid: mapper.process for mapper in attached}
    ordered = sorted(users.values(), key=lambda process: (process != creator, process.starttime, process.pid))
    ends = [Endpoint("a" if place == 0 else "b", "attached", user, None, None) for place, user in enumerate(ordered)]
    if creator is not None and creator.pid not in users:
        ends.append(Endpoint("a" if not ends else "b", "creator", creator, None, None))
    return ends


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """Its populated pages, through who has it attached. Raises Unsupported, Denied or Vanished."""
    name = f"{_PREFIX}{int(channel.name or '0', 16):08x}{_SUFFIX}"

    def fits(mapping: SharedMapping) -> bool:
        return (mapping.inode, mapping.name) == (channel.key.number, name) and peeking.kernel_memory.has(mapping.device)

    theirs = tuple(
        end
        for end in channel.endpoints
        if end.process is not None and end.process.ipc_namespace in (channel.namespaces.ipc, None)
    )
    nobody = Unsupported("nobody visible has it attached, and attaching it (shmat) would change its records")
    return memory_contents.copy_of_mapped(peeking, channel._replace(endpoints=theirs), fits, nobody)


class _Attached:
    """A segment, attached."""

    def __init__(self, part: Part, size: int, flags: int = 0) -> None:
        """The first `size` bytes of it; `flags` as in `attach_segment`. Raises OSError."""
        shmid = int(part.args[0])
        self._calls = part.calls
        shown = (shmid, "SHM_RDONLY") if flags else (shmid,)
        self._address = part.calls("shmat", shown, lambda: sysv.attach_segment(shmid, flags), hex)
        self.memory = memoryview((ctypes.c_ubyte * size).from_address(self._address)).cast("B")

    def let_go(self) -> None:
        """Detach. Raises OSError."""
        self._calls("shmdt", (hex(self._address),), lambda: sysv.detach_segment(self._address))


def _make(making: Making) -> Handover:
    """A private segment."""
    size = bytes_for(making.terms)
    shown = ("IPC_PRIVATE", size, f"{making.mode:04o}")
    shmid = making.calls("shmget", shown, lambda: sysv.create_segment(size, making.mode))
    given = (str(shmid),)
    return Handover(given, (), given, (), leaves=(Leaving("sysv-shm", str(shmid)),))


def _access(attaching: Attaching) -> Access:
    """By its id, which the kernel does not use again soon. Raises Unsupported where it is too small."""
    channel = attaching.channel
    size, args = demo_attach.told(FIELDS, channel, "size"), (str(channel.key.number),)
    note = ", which changes its records: attachments, last user, times"
    return demo_attach_memory.access_to(attaching, size, args, "attach it", note)


def _take(part: Part, flags: int) -> _Attached:
    return _Attached(part, int(part.args[-1]), flags)


DEMO = demo_memory.demo(
    "segment",
    _make,
    lambda part: _Attached(part, bytes_for(part.terms)),
    locks=("sysv-sem", "posix-sem", "futex"),
)._replace(
    with_mode=("segment",),
    takes_descriptors=False,
    limited_by="kernel.shmmni",
    attach=Attach(
        roles=("receiver", "sender", "both"),
        access=_access,
        sender=lambda part: AttachedMemory(part, lambda part: _take(part, 0)),
        receiver=lambda part: AttachedMemory(part, lambda part: _take(part, sysv.SHM_RDONLY)),
        at=demo_attach_memory.AT,
        waits=False,
    ),
)
