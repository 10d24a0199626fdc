"""Shared anonymous memory (mmap(2) with MAP_SHARED and MAP_ANONYMOUS).

/proc/PID/maps shows it as `/dev/zero (deleted)`, of huge pages as `/anon_hugepage (deleted)`, with an inode of its own.
It has neither name nor descriptor: only children that fork(2) made after the mmap share it, until they call execve(2).
One that a single process has is shared with nobody yet; it is shown, for its children will have it.
"""

from __future__ import annotations

import ctypes

from ipcinspect.kernel import shared_memory
from ipcinspect.mechanisms import demo_memory, memory_contents, memory_objects
from ipcinspect.mechanisms.demo_part import Making, Part
from ipcinspect.mechanisms.demo_ring import bytes_for
from ipcinspect.mechanisms.memory_objects import MemoryObject
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Collected, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Exposure, Field, Namespaces
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents

NAME = "shared-anon"

FIELDS = (
    Field("mapped", "Mapped", "bytes", "largest extent that one process has mapped, in bytes"),
    Field("size", "Size", "bytes", "bytes that it was made with (statx, for root)"),
    Field("allocated", "Allocated", "bytes", "what of it exists, in memory or swapped out (statx blocks, for root)"),
    Field("mappings", "Mappings", None, "mappings of it in processes that could be read"),
    Field("writers", "Writers", None, "processes seen that may write through their mapping"),
    Field("huge_pages", "Huge pages", None, "whether it was made with MAP_HUGETLB"),
)

TELLS = Tells("mappings", "none", memory_contents.SENTENCE, ("resource sharing",), "none")

NEEDS_ALL_DESCRIPTORS = False

WAITS: tuple[Wait, ...] = ()


def collect(scan: Scan) -> Collected:
    """Every piece of it that a visible process has mapped."""
    found = memory_objects.anonymous_objects(scan)
    ids = memory_objects.inode_ids(NAME, found)
    return Collected([_channel(scan, one, id) for one, id in zip(found, ids)], [])


def _channel(scan: Scan, one: MemoryObject, id: str) -> Channel:
    file = memory_objects.file_of(scan, one)
    return Channel(
        key=ChannelKey(NAME, one.device, one.inode),
        id=id,
        aliases=(),
        mechanism=NAME,
        name=None,
        state="idle",
        relation="resource sharing",
        queues=(),
        capacity_bytes=file.size if file is not None else one.largest_extent,
        namespaces=Namespaces(),
        created_at=file.btime if file is not None else None,
        endpoints=memory_objects.endpoints(one),
        fields=(
            one.largest_extent,
            file.size if file is not None else None,
            file.blocks * 512 if file is not None else None,
            len(one.mappers),
            len({mapper.process.pid for mapper in one.mappers if mapper.mapping.writable}),
            one.text.startswith("/anon_hugepage"),
        ),
        exposure=Exposure("holders"),
        all_seen=not scan.may_hide,
    )


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """Its populated pages. Raises Vanished, Denied or Unsupported."""
    return memory_contents.copy_of_kernel_memory(peeking, channel)


class _Inherited:
    """Memory that this process has since it was forked."""

    def __init__(self, part: Part) -> None:
        self._calls, self._address, self._size = part.calls, int(part.args[0]), bytes_for(part.terms)
        self.memory = memoryview((ctypes.c_ubyte * self._size).from_address(self._address)).cast("B")

    def let_go(self) -> None:
        """Unmap. Raises OSError."""
        address, size = self._address, self._size
        self._calls("munmap", (hex(address), size), lambda: shared_memory.unmap(address, size))


def _make(making: Making) -> Handover:
    """A piece of memory that both halves inherit at the same address."""
    size = bytes_for(making.terms)
    shown = (size, "PROT_READ|PROT_WRITE", "MAP_SHARED|MAP_ANONYMOUS")
    address = making.calls("mmap", shown, lambda: shared_memory.map_anonymous(size), hex)
    args = (str(address),)
    return Handover(args, (), args, (), address=address, let_go=lambda: shared_memory.unmap(address, size))


DEMO = demo_memory.demo("memory", _make, _Inherited, locks=("futex", "posix-sem", "sysv-sem"))._replace(
    takes_descriptors=False
)
