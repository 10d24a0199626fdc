"""A look into shared memory: through a descriptor of our own where that is allowed, else through who has it mapped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Callable

from ipcinspect.kernel import maps, memory_reader, procfs
from ipcinspect.kernel.borrow import Lender
from ipcinspect.kernel.errors import KernelError, Unsupported
from ipcinspect.kernel.maps import SharedMapping
from ipcinspect.kernel.memory_reader import MemoryCopy, Run
from ipcinspect.mechanisms import shm_directories
from ipcinspect.mechanisms.mount_tables import MountTables
from ipcinspect.mechanisms.peeking import Peeking, holders_of
from ipcinspect.model.channel import Channel
from ipcinspect.model.contents import Contents, Piece
from ipcinspect.model.process import Process

SENTENCE = (
    "copies the populated pages, from a descriptor of our own (root) or out of the memory of a process that has it "
    "mapped; holes stay holes, nothing is attached"
)
_ASKED_PROCESSES = 4

Fits = Callable[[SharedMapping], bool]


def copy_of_kernel_memory(peeking: Peeking, channel: Channel) -> Contents:
    """Of memory that the channel's key names by (device, inode). Raises Vanished, Denied or Unsupported."""
    nobody = Unsupported("nobody visible has it mapped or open")
    return copy_of_mapped(peeking, channel, lambda mapping: _is(mapping, channel), nobody)


def copy_of_shm(peeking: Peeking, channel: Channel) -> Contents:
    """Of a file in /dev/shm: by its name where that is in ours, else as other memory. Raises as those do."""
    try:
        place = shm_directories.own_place(peeking.root)
    except OSError:
        place = None
    name = (channel.name or "")[1:]
    if place is not None and place.device == channel.key.space and name and "/" not in name:
        with contextlib.suppress(KernelError):
            copy = memory_reader.copy_file(peeking.root, place.door, name, *channel.key[1:3], peeking.most)
            return contents(copy, f"pread(2) of /dev/shm/{name}")
    if _lies_in_tmpfs(peeking, channel):
        return copy_of_kernel_memory(peeking, channel)
    refusal = Unsupported("no tmpfs that is mounted anywhere, so a file server may stand behind it: it is not opened")
    return copy_through_holders(peeking, channel, lambda mapping: _is(mapping, channel), refusal)


def _lies_in_tmpfs(peeking: Peeking, channel: Channel) -> bool:
    """Whether a mount table says so: what merely is called /dev/shm/... may be on any file system."""
    holders = [end.process for end in channel.endpoints if end.process is not None]
    tables = MountTables(peeking.root, holders)
    mounts = (mount for process in holders[:_ASKED_PROCESSES] for mount in tables.of(process).values())
    return any(mount.device == channel.key.space and mount.fstype == b"tmpfs" for mount in mounts)


def _is(mapping: SharedMapping, channel: Channel) -> bool:
    return (mapping.device, mapping.inode) == (channel.key.space, channel.key.number)


def copy_of_mapped(peeking: Peeking, channel: Channel, fits: Fits, nobody: KernelError) -> Contents:
    """Of memory that the kernel itself keeps, and whose mappings `fits` knows. Raises `nobody`, Denied, Vanished."""
    refusal = nobody
    for process, mapping in _mappings(peeking, channel, fits):
        try:
            copy = memory_reader.copy_mapped(peeking.root, process.pid, mapping, peeking.most)
        except KernelError as error:
            refusal = error
            break
        return contents(copy, f"pread(2) of a mapping of {process.comm} {process.pid} in map_files")
    if holders_of(channel.endpoints):
        try:
            return copy_borrowed(peeking, channel)
        except KernelError as error:
            refusal = error
    return copy_through_holders(peeking, channel, fits, refusal)


def copy_through_holders(peeking: Peeking, channel: Channel, fits: Fits, refusal: KernelError) -> Contents:
    """By process_vm_readv(2) of what a holder has in its page table. Raises `refusal` where nobody can be asked."""
    tried = False
    if not peeking.pids_agree:
        raise Unsupported("process_vm_readv in another pid namespace")
    for process, mappings in _mapped_by(peeking, channel, fits):
        try:
            copy = _copy_of_all(peeking, process, mappings)
        except KernelError as error:
            refusal = error
            continue
        tried = True
        if copy.runs:
            by = f"process_vm_readv(2) from {process.comm} {process.pid}"
            return contents(copy, by, " that this process has touched")
    if tried:
        return Contents((), "proc_pid_pagemap(5)", None, note="no process asked has touched a page of it")
    raise refusal


def copy_borrowed(peeking: Peeking, channel: Channel) -> Contents:
    """Of memory that processes have descriptors of. Raises Vanished, Denied or Unsupported."""
    key = channel.key

    def copy(lender: Lender, fd: int) -> MemoryCopy:
        return memory_reader.copy_lent(peeking.root, lender, fd, key.space, key.number, peeking.most)

    holder, copied = peeking.through(holders_of(channel.endpoints), (), copy)
    return contents(copied, f"pread(2) through {holder}")


def contents(copy: MemoryCopy, by: str, which: str = "") -> Contents:
    """A copy as the model tells it: a piece for each populated run, and a line on what is not shown."""
    pieces = tuple(Piece(run.data, run.size, f"at {run.offset:#x}", run.offset) for run in copy.runs)
    shown = sum(len(piece.data) for piece in pieces)
    populated = copy.populated_bytes
    if populated is not None and copy.size is not None:
        populated = min(populated, copy.size)
    total = shown if copy.is_whole else (None if populated is None else max(populated, shown))
    notes = []
    if copy.size is not None and total is not None and copy.size > total:
        notes.append(f"{copy.size:,} bytes long, {total:,} of them populated: holes read as zeros and are not shown")
    elif which:
        notes.append(f"only pages{which} are shown")
    if not copy.is_whole and total is not None and total > shown:
        notes.append(f"the first {shown:,} of {total:,} bytes")
    elif not copy.is_whole:
        notes.append(f"the first {shown:,} bytes")
    return Contents(pieces, by, total, note="; ".join(notes) or None)


def _copy_of_all(peeking: Peeking, process: Process, mappings: list[SharedMapping]) -> MemoryCopy:
    """What one process has of it, each byte once however often it is mapped."""
    runs: list[Run] = []
    populated, is_whole, end = 0, True, 0
    for mapping in sorted(mappings, key=lambda mapping: (mapping.offset, mapping.start - mapping.end)):
        left = peeking.most - sum(len(run.data) for run in runs)
        if mapping.offset < end:
            continue
        end = mapping.offset + mapping.end - mapping.start
        copy = memory_reader.copy_resident(peeking.root, process.pid, process.starttime, mapping, max(left, 0))
        runs += copy.runs
        populated += copy.populated_bytes or 0
        is_whole = is_whole and copy.is_whole
    return MemoryCopy(runs, None, populated, is_whole)


def _mappings(peeking: Peeking, channel: Channel, fits: Fits) -> Iterator[tuple[Process, SharedMapping]]:
    for process, mappings in _mapped_by(peeking, channel, fits):
        yield process, mappings[0]


def _mapped_by(peeking: Peeking, channel: Channel, fits: Fits) -> Iterator[tuple[Process, list[SharedMapping]]]:
    """The first holders that still have it mapped, with their mappings of it."""
    users = {end.process.key: end.process for end in channel.endpoints if end.process and end.role == "attached"}
    asked = 0
    for process in users.values():
        if asked >= _ASKED_PROCESSES:
            return
        try:
            text = procfs.read_of(peeking.root, process.pid, process.starttime, "maps", maps.LIMIT)
        except OSError:
            continue
        found = [mapping for mapping in maps.parse_shared(text) if mapping.readable and fits(mapping)]
        if found:
            asked += 1
            yield process, found
