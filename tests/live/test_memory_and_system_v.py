"""Shared memory, mapped files, queues and semaphores: who is in it, and who merely was."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ipcinspect.kernel.host import read_host
from ipcinspect.kernel.maps import SharedMapping
from ipcinspect.kernel.sysvipc import SegmentRow
from ipcinspect.mechanisms import sysv_shm
from ipcinspect.mechanisms.kernel_memory import KernelMemory
from ipcinspect.mechanisms.scan import Mapper, Scan, Surroundings
from ipcinspect.model.process import Process
from ipcinspect.model.snapshot import Snapshot
from tests.live.conftest import Start
from tests.live.subjects import Subject, ends, field, look, system_v

SEGMENT = """
LIBC.shmat.restype = ctypes.c_void_p
LIBC.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
LIBC.shmdt.argtypes = (ctypes.c_void_p,)
shmid = LIBC.shmget(0, 12288, 0o1600)
try:
    address = LIBC.shmat(shmid, None, 0)
    child = os.fork()
    if not child: signal.pause()
    say(shmid, child)
    order(); LIBC.shmctl(shmid, 0, None); say()
    stay()
finally:
    os.kill(child, signal.SIGKILL)
    LIBC.shmctl(shmid, 0, None)
"""


def test_attachers_of_a_segment_are_named_until_the_last_one_leaves(start: Start) -> None:
    subject = start(SEGMENT)
    shmid, child = subject.said
    there = system_v(look(), "sysv-shm", shmid)
    assert ends(there, "attached") == {(subject.pid, None), (child, None)}
    assert (field(there, "attached"), field(there, "attached_seen"), there.state) == (2, 2, "idle")
    assert there.endpoints[0].process is not None
    assert (there.endpoints[0].side, there.endpoints[0].process.pid) == ("a", subject.pid), "the creator comes first"
    subject.ask()
    marked = system_v(look(), "sysv-shm", shmid)
    assert (marked.state, ends(marked)) == ("marked-for-deletion", ends(there))
    assert not [channel for channel in marked_files(look()) if "SYSV" in (channel or "")]


def marked_files(snapshot: Snapshot) -> list[str | None]:
    """Names of what counts as a mapped file."""
    return [channel.name for channel in snapshot.channels if channel.mechanism == "mmap"]


def test_a_segment_that_nobody_has_attached_is_orphaned_and_its_creator_named_only_while_he_lives(
    start: Start,
) -> None:
    subject = start("shmid = LIBC.shmget(0, 4096, 0o1600); say(shmid); order(); LIBC.shmctl(shmid, 0, None); say()")
    channel = system_v(look(), "sysv-shm", subject.said[0])
    assert (channel.state, ends(channel, "creator")) == ("orphaned", {(subject.pid, None)})
    subject.ask()


SENDS_AND_ENDS = """
made = LIBC.msgget(0, 0o1600), LIBC.semget(0, 1, 0o1600), LIBC.shmget(0, 4096, 0o1600)
checked(LIBC.msgsnd(made[0], struct.pack("@l2s", 1, b"hi"), 2, 0))
checked(LIBC.semop(made[1], struct.pack("=Hhh", 0, 1, 0), 1))
say(*made)
"""


def test_records_of_processes_that_are_gone_name_nobody(start: Start) -> None:
    subject = start(SENDS_AND_ENDS)
    subject.process.wait()
    try:
        seen = look()
        queue, semaphores, segment = (
            system_v(seen, f"sysv-{name}", number)
            for name, number in zip(("msg", "sem", "shm"), subject.said, strict=True)
        )
        assert (ends(queue), ends(semaphores), ends(segment)) == (set(), set(), set())
        assert (queue.state, queue.queued_messages, segment.state) == ("holding", 1, "orphaned")
        assert field(queue, "lspid") == subject.pid, "the number stays a fact"
    finally:
        _remove(subject)


def _remove(subject: Subject) -> None:
    import ctypes

    libc = ctypes.CDLL(None)
    libc.msgctl(subject.said[0], 0, None)
    libc.semctl(subject.said[1], 0, 0, 0)
    libc.shmctl(subject.said[2], 0, None)


def scan_of(snapshot: Snapshot, pids_agree: bool = True) -> Scan:
    """A scan that knows the processes of a snapshot."""
    host = read_host("/proc")
    scan = Scan(Surroundings("/proc", None, None, host.version, host.booted_at, host.ticks_per_second, pids_agree), ())
    scan.__dict__["processes"] = dict(snapshot.processes)
    return scan


def test_a_process_is_believed_to_have_acted_only_after_it_started() -> None:
    seen = look()
    host = read_host("/proc")
    me = seen.processes[os.getpid()]
    started_at = host.booted_at + me.starttime / host.ticks_per_second
    scan = scan_of(seen)
    assert scan.recorded(me.pid, int(started_at) + 5) == me
    assert scan.recorded(me.pid, int(started_at)) == me, "records have whole seconds"
    assert scan.recorded(me.pid, int(started_at) - 2) is None, "another one had that number"
    assert scan.recorded(me.pid, 0) is None, "nobody ever did"
    assert scan.recorded(max(seen.processes) + 1_000_000, int(started_at) + 5) is None
    assert scan_of(seen, pids_agree=False).recorded(me.pid, int(started_at) + 5) is None


def test_who_made_a_segment_is_older_than_everything_that_was_done_to_it() -> None:
    """IPC_SET moves ctime, so that alone would believe a process that got the creator's number in between."""
    seen = look()
    host = read_host("/proc")
    me = seen.processes[os.getpid()]
    started_at = int(host.booted_at + me.starttime / host.ticks_per_second)
    row = SegmentRow(0, 1, 0o600, 4096, me.pid, 0, 0, 0, 0, 0, 0, atime=0, dtime=0, ctime=started_at + 9, rss=0, swap=0)
    scan = scan_of(seen)
    assert [end.process for end in sysv_shm._endpoints(scan, row, [])] == [me]
    assert sysv_shm._endpoints(scan, row._replace(atime=started_at - 9), []) == []


def test_a_full_queue_is_full(start: Start) -> None:
    subject = start(
        """
msqid = LIBC.msgget(0, 0o1600)
count = 0
while LIBC.msgsnd(msqid, struct.pack("@l", 1), 0, 0o4000) == 0: count += 1
say(msqid, count); order(); LIBC.msgctl(msqid, 0, None); say()
"""
    )
    msqid, count = subject.said
    channel = system_v(look(), "sysv-msg", msqid)
    subject.ask()
    assert (channel.state, channel.queued_bytes, channel.queued_messages, channel.fill) == ("full", 0, count, 1.0)


MAPS = """
file = os.open(ARGS[0], os.O_RDWR if ARGS[1] else os.O_RDONLY)
mapped = mmap.mmap(file, 4096, mmap.MAP_SHARED, mmap.PROT_READ | (mmap.PROT_WRITE if ARGS[1] else 0))
say(os.fstat(file).st_ino)
os.close(file)
stay()
"""


@pytest.mark.parametrize("name", ["x (deleted)", "a name\nwith a newline", "back\\slash"])
def test_mappers_of_a_file_are_named_whatever_its_name(start: Start, directory: Path, name: str) -> None:
    path = directory / name
    path.write_bytes(bytes(4096))
    reader, writer = start(MAPS, str(path), False), start(MAPS, str(path), True)
    number = path.stat().st_ino
    (channel,) = [one for one in look().channels if one.mechanism == "mmap" and one.key.number == number]
    assert ends(channel) == {(reader.pid, None), (writer.pid, None)}
    assert channel.name == str(path)
    assert (field(channel, "writers"), field(channel, "readers")) == (1, 1)


def test_a_file_that_everybody_only_reads_is_no_communication(start: Start, directory: Path) -> None:
    path = directory / "read"
    path.write_bytes(bytes(4096))
    start(MAPS, str(path), False), start(MAPS, str(path), False)
    assert str(path) not in marked_files(look())


def test_memory_without_a_file_is_no_mapped_file(start: Start) -> None:
    subject = start(
        """
anonymous = mmap.mmap(-1, 4096)
memfd = os.memfd_create("a name"); os.ftruncate(memfd, 4096); of_memfd = mmap.mmap(memfd, 4096)
try:
    huge = mmap.mmap(-1, 1 << 21, mmap.MAP_SHARED | 0x20 | 0x40000)
except OSError:
    huge = None
say()
stay()
"""
    )
    assert not [
        channel for channel in look().channels if channel.mechanism == "mmap" and (subject.pid, None) in ends(channel)
    ]


def test_a_file_on_a_disk_that_is_called_like_a_segment_is_none() -> None:
    """Whoever has a root directory of his own can make one, with the number of a segment as its inode."""
    memory = KernelMemory("/proc", (5, 3), tuple)
    process = Process(5, 1, "x", 1, 0, None, None, False, True, None, 9, None)
    mappings = [
        SharedMapping(0, 4096, True, True, device, 7, "/SYSV00000001 (deleted)", 0)
        for device in (os.makedev(0, 1), os.makedev(254, 0), os.makedev(0, 99))
    ]
    scan = SimpleNamespace(mappers=[Mapper(process, mapping) for mapping in mappings], kernel_memory=memory)
    found = sysv_shm._attached(scan)  # type: ignore[arg-type]
    assert [[mapper.mapping for mapper in mappers] for mappers in found.values()] == [mappings[:1]]
