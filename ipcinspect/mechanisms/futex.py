"""Futex words in shared memory on which a thread sleeps now (futex(2), futex(7)).

Locks, semaphores and condition variables that processes share through memory end in one: a word, known by the object
that it lies in and its place there. The kernel keeps no list of them, and a word that nobody waits for is nothing but
memory: so a futex is here only while somebody sleeps on it, by the system call of that thread. Its owner is told where
the memory names one (mutexes and write-locked rwlocks of glibc, priority-inheriting ones) and a thread of that number
is in just one process that has the memory mapped. Semaphores, conditions and the locks of other libraries name none:
then whoever has the memory mapped may wake the waiters. What cannot be seen: waiters in processes whose system calls
we may not read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ipcinspect.kernel import futexes, thread_ids
from ipcinspect.kernel.errors import Unsupported
from ipcinspect.kernel.futex_words import Owner
from ipcinspect.kernel.futexes import Sleepers, SleepingThread
from ipcinspect.kernel.maps import SharedMapping
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Collected, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Endpoint, Field, Namespaces
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents
from ipcinspect.model.gap import Gap
from ipcinspect.model.process import Process

NAME = "futex"

FIELDS = (
    Field("object", "Object", None, "the memory that the word lies in, as its waiter's maps name it"),
    Field("offset", "Offset", "bytes", "where in the object, in bytes"),
    Field("value", "Value", None, "of the word at the moment of the look (process_vm_readv)"),
    Field("waiting", "Waiting", None, "threads that sleep on it"),
    Field("threads", "Threads", None, "their numbers; the first ones of many"),
    Field("mapped_by", "Mapped by", None, "processes seen that have the object mapped: each could wake them"),
    Field(
        "lock",
        "Lock",
        None,
        "mutex, robust mutex, PI mutex, rwlock: what the memory looks like, where it names an owner",
    ),
    Field("owner_tid", "Owner", None, "the thread named in that memory, as its own pid namespace numbers it"),
)

TELLS = Tells("mappings", "none", None, ("synchronisation",), "ipc")

NEEDS_ALL_DESCRIPTORS = False

WAITS = (
    Wait("futex", "waiter", "holder", "full"),
    Wait("futex_waitv", "waiter", "holder", "full"),
)

DEMO = None

_WITHIN_S = 0.5
"""Seconds for the threads of all processes, about 14 microseconds each."""
_SHOWN = 16
_SYSTEM_V = "/SYSV"


class _Waiting(NamedTuple):
    process: Process
    thread: SleepingThread


def collect(scan: Scan) -> Collected:
    """Every futex word in a shared mapping on which a visible thread sleeps."""
    users = _users(scan)
    until = time.monotonic() + _WITHIN_S
    root, reads = scan.surroundings.root, scan.surroundings.pids_agree

    def look(pid: int) -> tuple[int, Sleepers]:
        own = [mapping for _, mapping in users[pid]]
        return pid, futexes.sleepers(root, pid, scan.processes[pid].starttime, own, reads, until)

    answers, silent = scan.watched.run(list(users), look) if users else ([], [])
    waiting: dict[ChannelKey, list[_Waiting]] = {}
    for pid, told in answers:
        process = scan.processes[pid]
        for thread in told.threads:
            waiting.setdefault(_key(scan, process, thread), []).append(_Waiting(process, thread))
    late = sum(told.late for _, told in answers) + len(silent)
    refused = sum(told.refused for _, told in answers)
    gaps = (
        Gap("system calls of processes that share memory: futexes", "denied", refused),
        Gap("system calls of processes that share memory: futexes", "timed out", late),
    )
    channels = [_channel(scan, key, sleeping) for key, sleeping in waiting.items()]
    return Collected(channels, [gap for gap in gaps if gap.count])


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """Raises Unsupported."""
    raise Unsupported("a futex carries no bytes: its word stands among its fields")


def _users(scan: Scan) -> dict[int, list[tuple[Process, SharedMapping]]]:
    """Processes with memory that somebody may write and somebody shares, and that memory, by pid."""
    written = {(m.mapping.device, m.mapping.inode) for m in scan.mappers if m.mapping.writable and m.mapping.inode}
    found: dict[int, list[tuple[Process, SharedMapping]]] = {}
    for process, mapping in scan.mappers:
        if (mapping.device, mapping.inode) in written:
            found.setdefault(process.pid, []).append((process, mapping))
    return found


def _is_system_v(scan: Scan, mapping: SharedMapping) -> bool:
    """Segments of all IPC namespaces lie in one file system, with the segment's id as inode number."""
    return mapping.name.startswith(_SYSTEM_V) and scan.kernel_memory.has(mapping.device)


def _key(scan: Scan, process: Process, thread: SleepingThread) -> ChannelKey:
    mapping = thread.mapping
    if _is_system_v(scan, mapping):
        return ChannelKey("futex-sysv", process.ipc_namespace or 0, mapping.inode, _offset(thread))
    return ChannelKey(NAME, mapping.device, mapping.inode, _offset(thread))


def _offset(thread: SleepingThread) -> int:
    return thread.mapping.offset + thread.address - thread.mapping.start


def _channel(scan: Scan, key: ChannelKey, waiting: Sequence[_Waiting]) -> Channel:
    process, thread = waiting[0]
    mapping, offset = thread.mapping, _offset(thread)
    ipc = process.ipc_namespace if _is_system_v(scan, mapping) else None
    mappers = _mappers(scan, mapping, ipc)
    named = next((one.thread.owner for one in waiting if one.thread.owner is not None), None)
    owner = _owner(scan, named, mappers) if named is not None else None
    elsewhere = f"@ipc:[{ipc}]" if ipc is not None and ipc != scan.surroundings.ipc_namespace else ""
    place = f"{os.major(mapping.device)}:{os.minor(mapping.device)}:{mapping.inode}+{offset:#x}"
    return Channel(
        key=key,
        id=f"futex:[{place}]{elsewhere}",
        aliases=(),
        mechanism=NAME,
        name=f"{mapping.name}+{offset:#x}",
        state="unknown" if owner is None else "full",
        relation="synchronisation",
        queues=(),
        capacity_bytes=None,
        namespaces=Namespaces(ipc=ipc),
        created_at=None,
        endpoints=tuple(_ends(waiting, owner, mapping.inode)),
        fields=_told(waiting, len(mappers), named if owner is not None else None),
    )


def _told(
    waiting: Sequence[_Waiting], mapped_by: int, owner: Owner | None
) -> tuple[str, int, int | None, int, str, int, str | None, int | None]:
    """The values of FIELDS."""
    thread = waiting[0].thread
    tids = sorted({one.thread.tid for one in waiting})
    return (
        thread.mapping.name,
        _offset(thread),
        thread.value,
        len(tids),
        " ".join(map(str, tids[:_SHOWN])),
        mapped_by,
        None if owner is None else owner.lock,
        None if owner is None else owner.tid,
    )


def _ends(waiting: Iterable[_Waiting], owner: Process | None, inode: int) -> Iterable[Endpoint]:
    for process in {one.process.key: one.process for one in waiting}.values():
        yield Endpoint("a", "waiter", process, None, inode)
    if owner is not None:
        yield Endpoint("b", "holder", owner, None, inode)


def _mappers(scan: Scan, mapping: SharedMapping, ipc: int | None) -> list[Process]:
    """Every process seen that has the object mapped."""
    found = {
        process.key: process
        for process, other in scan.mappers
        if (other.device, other.inode) == (mapping.device, mapping.inode)
        and (ipc is None or (_is_system_v(scan, other) and process.ipc_namespace == ipc))
    }
    return list(found.values())


def _owner(scan: Scan, owner: Owner, mappers: Sequence[Process]) -> Process | None:
    """The one process of these that has the thread; None where none has it or, in several pid namespaces, more do."""
    root = scan.surroundings.root
    having = [one for one in mappers if thread_ids.has_thread(root, one.pid, one.starttime, owner.tid)]
    return having[0] if len(having) == 1 else None
