"""Memory files (memfd_create(2)): memory with a descriptor and no name.

/proc/PID/fd and /proc/PID/maps show them as `/memfd:LABEL (deleted)` with an inode of their own. Who has one got it
from its parent or through a unix socket (SCM_RIGHTS): descriptors that are still in flight in a socket do not show, nor
do private mappings of it. The label is what its maker chose: several may have the same one.
"""

from __future__ import annotations

import os

from ipcinspect.kernel.seals import SealsQuestion
from ipcinspect.mechanisms import demo_memory, memory_contents, memory_objects
from ipcinspect.mechanisms.demo_memory import MappedFile
from ipcinspect.mechanisms.demo_part import Making
from ipcinspect.mechanisms.memory_objects import MEMFD, MemoryObject
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Collected, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Exposure, Field, Namespaces
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents

NAME = "memfd"

FIELDS = (
    Field("label", "Label", None, "what memfd_create(2) was given; says nothing about who made it"),
    Field("size", "Size", "bytes", "length of the file (statx)"),
    Field("allocated", "Allocated", "bytes", "what of it exists, in memory or swapped out (statx blocks)"),
    Field("seals", "Seals", None, "what nobody may do to it any more (F_GET_SEALS); not asked of very many"),
    Field("mappings", "Mappings", None, "shared mappings of it in processes that could be read"),
    Field("descriptors", "Descriptors", None, "descriptors of it in processes that could be read"),
    Field("last_write", "Last write", "time", "mtime: write(2) and ftruncate(2); stores through a mapping do not show"),
)

TELLS = Tells("mappings and descriptors", "none", memory_contents.SENTENCE, ("resource sharing",), "none")

NEEDS_ALL_DESCRIPTORS = True

WAITS: tuple[Wait, ...] = ()

_MOST_ASKED = 256
"""Memory files whose seals are asked for: each takes a loan of about 30 microseconds."""


def collect(scan: Scan) -> Collected:
    """Every memory file that a visible process has open or mapped shared."""
    found = memory_objects.memory_files(scan)
    ids = memory_objects.inode_ids(NAME, found)
    are_few = len(found) <= _MOST_ASKED
    return Collected(
        [_channel(scan, one, id, _seals(scan, one) if are_few else None) for one, id in zip(found, ids)], []
    )


def _channel(scan: Scan, one: MemoryObject, id: str, seals: str | None) -> Channel:
    file = memory_objects.file_of(scan, one)
    label = memory_objects.without_mark(one.text, True)[len(MEMFD) :]
    size = file.size if file is not None else None
    return Channel(
        key=ChannelKey(NAME, one.device, one.inode),
        id=id,
        aliases=(),
        mechanism=NAME,
        name=label,
        state="idle",
        relation="resource sharing",
        queues=(),
        capacity_bytes=size if size is not None else one.largest_extent,
        namespaces=Namespaces(),
        created_at=file.btime if file is not None else None,
        endpoints=memory_objects.endpoints(one),
        fields=(
            label,
            size,
            file.blocks * 512 if file is not None else None,
            seals,
            len(one.mappers),
            len(one.holders),
            file.mtime if file is not None else None,
        ),
        exposure=Exposure("holders"),
        all_seen=not scan.may_hide,
    )


def _seals(scan: Scan, one: MemoryObject) -> str | None:
    for process, end in one.holders[:1]:
        question = SealsQuestion()
        if scan.loans.ask(process, end, question) is not None:
            return question.words()
    return None


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """Its populated pages. Raises Vanished, Denied or Unsupported."""
    return memory_contents.copy_of_kernel_memory(peeking, channel)


def _make(making: Making) -> Handover:
    """A memory file that both processes inherit."""
    name = "ipcinspect-demo"
    fd = making.calls("memfd_create", (name, "MFD_CLOEXEC"), lambda: os.memfd_create(name))
    try:
        demo_memory.size(making, fd)
        other = making.calls("dup", (fd,), lambda: os.dup(fd))
    except OSError:
        os.close(fd)
        raise
    return Handover((), (fd,), (), (other,))


DEMO = demo_memory.demo(
    "memfd", _make, lambda part: MappedFile(part, part.fds[0]), locks=("futex", "posix-sem", "sysv-sem")
)._replace(limited_by="RLIMIT_FSIZE")
