"""Futex words in shared mappings on which threads sleep now (futex(2)), and who owns the lock that such a word is of.

The kernel keeps no list of futexes. A thread that sleeps on one shows it in its system call; where the word lies in a
shared mapping, other processes can wake it. Most words have no owner (semaphores, condition variables, whatever a
program makes up). A lock of glibc and a priority-inheriting one name a thread in or beside the word. These few bytes
are read of a page that is in the page table of its waiter, so that no page is made or fetched by looking.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence
from typing import NamedTuple

from ipcinspect.kernel import calls, procfs
from ipcinspect.kernel.calls import Call
from ipcinspect.kernel.maps import SharedMapping

PAGE = os.sysconf("SC_PAGESIZE")
_PRIVATE = 128
_COMMAND = 0x7F
_WAITS = frozenset((0, 9, 11))
"""FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI."""
_LOCKS_PI = frozenset((6, 13))
"""FUTEX_LOCK_PI, FUTEX_LOCK_PI2: the kernel itself reads the owner in the word."""
_WAITERS = struct.Struct("=QQII")  # struct futex_waitv: val, uaddr, flags, reserved
_MOST_WAITERS = 128
_PAGEMAP_ENTRY = struct.Struct("=Q")
_PRESENT = 1 << 63

BEFORE, BEHIND = 12, 32
"""Bytes around a word that the known locks need."""
_WORDS = struct.Struct("=8I")
_OWNER_MASK, _HAS_WAITERS = 0x3FFFFFFF, 0x80000000
_SHARED, _ROBUST, _ELISION = 0x80, 0x10, 0x300
_WRITE_LOCKED = 3
_FUTEX_USED = 2

_readv = ctypes.CDLL(None, use_errno=True).process_vm_readv
_readv.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong)
_readv.restype = ctypes.c_ssize_t


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Owner(NamedTuple):
    """Who has the lock, by what its memory says."""

    tid: int
    """As the owner's own pid namespace numbers it."""
    lock: str
    """`mutex`, `robust mutex`, `PI mutex`, `rwlock`."""


class SleepingThread(NamedTuple):
    """A thread that sleeps on a word in a shared mapping."""

    tid: int
    mapping: SharedMapping
    address: int
    value: int | None
    """Of the word; None where it could not be read."""
    owner: Owner | None


class Sleepers(NamedTuple):
    """Those of one process."""

    threads: list[SleepingThread]
    refused: bool
    late: bool


class _Word(NamedTuple):
    address: int
    is_pi: bool


def sleepers(
    root: str, pid: int, starttime: int, mappings: Sequence[SharedMapping], reads_memory: bool, until: float
) -> Sleepers:
    """The threads of a process that sleep on words in these mappings; none where it is gone.

    `reads_memory`: whether that pid means the same process to system calls. `until` is of time.monotonic(). May wait
    for a lock that the process holds.
    """
    told = calls.asleep(root, pid, starttime, until)
    waiting = [call for call in told.calls if call.name.startswith("futex")]
    if not waiting:
        return Sleepers([], told.refused, told.late)
    memory = _Memory(root, pid, starttime, reads_memory)
    try:
        threads = []
        for call in waiting:
            for word in _words(call, memory):
                mapping = next((one for one in mappings if one.start <= word.address < one.end), None)
                if mapping is not None:
                    around, at = memory.around(word.address)
                    threads.append(SleepingThread(call.tid, mapping, word.address, *read_lock(around, at, word.is_pi)))
        return Sleepers(threads, told.refused, told.late)
    finally:
        memory.close()


def read_lock(around: bytes, at: int, is_pi: bool) -> tuple[int | None, Owner | None]:
    """The value of the word at `at` in the bytes around it, and the owner of the lock, where it is one that is known.

    The layouts are those of glibc on 64-bit machines (sysdeps/nptl/bits/struct_mutex.h, struct_rwlock.h). All that a
    contended lock of theirs must have is asked for: marked as shared, with a waiter, a user and an owner.
    """
    if at < 0 or len(around) < at + 4:
        return None, None
    (value,) = struct.unpack_from("=I", around, at)
    if is_pi:
        tid = value & _OWNER_MASK
        return value, Owner(tid, "PI mutex") if tid else None
    return value, _mutex(around[at:], value) or _rwlock(around, at, value)


def _mutex(behind: bytes, value: int) -> Owner | None:
    """struct __pthread_mutex_s: lock, count, owner, nusers, kind."""
    if len(behind) < 20:
        return None
    _, _, owner, users, kind = struct.unpack_from("=5I", behind)
    if not kind & _SHARED or kind & ~(_SHARED | _ROBUST | _ELISION | 3) or not 0 < owner <= _OWNER_MASK or not users:
        return None
    if kind & _ROBUST:
        return Owner(owner, "robust mutex") if value == owner | _HAS_WAITERS else None
    return Owner(owner, "mutex") if value == 2 else None


def _rwlock(around: bytes, at: int, value: int) -> Owner | None:
    """struct __pthread_rwlock_arch_t: readers, writers, wrphase_futex, writers_futex, ..., cur_writer at 24, shared."""
    for place in (12, 8):
        start = at - place
        if start < 0 or len(around) < start + _WORDS.size:
            continue
        readers, _, _, _, _, _, writer, shared = _WORDS.unpack_from(around, start)
        is_write_locked = readers & _WRITE_LOCKED == _WRITE_LOCKED and value & _FUTEX_USED
        if is_write_locked and shared == 1 and 0 < writer <= _OWNER_MASK:
            return Owner(writer, "rwlock")
    return None


def _words(call: Call, memory: _Memory) -> list[_Word]:
    """The shared words that a call waits for."""
    arguments = call.arguments
    if call.name == "futex_waitv":
        count = min(arguments[1], _MOST_WAITERS)
        return parse_waiters(memory.read(arguments[0], count * _WAITERS.size))
    if call.name == "futex_wait":
        return [] if arguments[3] & _PRIVATE else [_Word(arguments[0], False)]
    command = arguments[1] & _COMMAND
    if arguments[1] & _PRIVATE or command not in _WAITS | _LOCKS_PI:
        return []
    return [_Word(arguments[0], command in _LOCKS_PI)]


def parse_waiters(data: bytes) -> list[_Word]:
    """The shared words in an array of struct futex_waitv; an entry that is cut is passed over."""
    whole = len(data) // _WAITERS.size * _WAITERS.size
    rows = _WAITERS.iter_unpack(data[:whole])
    return [_Word(address, False) for _, address, flags, _ in rows if not flags & _PRIVATE]


class _Memory:
    """A few bytes of a process's memory, of pages that are there."""

    def __init__(self, root: str, pid: int, starttime: int, readable: bool) -> None:
        self._pid = pid
        self._process: int | None = None
        self._pages: int | None = None
        if not readable:
            return
        try:
            self._process = procfs.open_process(root, pid)
            if procfs.parse_stat(procfs.read_file(self._process, "stat")).starttime == starttime:
                self._pages = os.open("pagemap", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._process)
        except (OSError, ValueError):
            return

    def close(self) -> None:
        """Let go of the process."""
        for fd in (self._pages, self._process):
            if fd is not None:
                os.close(fd)

    def around(self, address: int) -> tuple[bytes, int]:
        """Bytes around an address within its page, and where the address is in them."""
        page = address // PAGE * PAGE
        start, end = max(address - BEFORE, page), min(address + BEHIND, page + PAGE)
        return self.read(start, end - start), address - start

    def read(self, address: int, size: int) -> bytes:
        """Bytes of pages that are in the page table; none where that is not so, or is refused, or the process gone."""
        if self._pages is None or self._process is None or size <= 0 or not 0 < address < 1 << 63:
            return b""
        try:
            if not self._is_present(address) or not self._is_present(address + size - 1):
                return b""
            data = _copied(self._pid, address, size)
            procfs.read_file(self._process, "stat", 64)  # fails where the pid means another process by now
            return data
        except OSError:
            return b""

    def _is_present(self, address: int) -> bool:
        assert self._pages is not None
        entry = os.pread(self._pages, _PAGEMAP_ENTRY.size, address // PAGE * _PAGEMAP_ENTRY.size)
        return len(entry) == _PAGEMAP_ENTRY.size and bool(_PAGEMAP_ENTRY.unpack(entry)[0] & _PRESENT)


def _copied(pid: int, address: int, size: int) -> bytes:
    buffer = ctypes.create_string_buffer(size)
    ours, theirs = _Vector(ctypes.addressof(buffer), size), _Vector(address, size)
    count = int(_readv(pid, ctypes.addressof(ours), 1, ctypes.addressof(theirs), 1, 0))
    return buffer.raw[: max(count, 0)]
