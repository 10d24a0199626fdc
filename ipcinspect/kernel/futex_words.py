"""Which words a futex call waits for (futex(2)), and who owns the lock that such a word is of.

Most words have no owner: semaphores, condition variables, whatever a program makes up. A lock of glibc names a thread
beside the word, a priority-inheriting one in it, and the word that pthread_join(3) waits for is the number of a thread.
All that a contended lock of theirs must have is asked for, because to name the wrong thread is worse than none.
"""

from __future__ import annotations

import struct
from typing import Callable, NamedTuple

from ipcinspect.kernel.calls import Call

CALLS = frozenset(("futex", "futex_waitv", "futex_wait"))
_PRIVATE = 128
_COMMAND = 0x7F
_WAIT, _WAIT_BITSET, _WAIT_REQUEUE_PI = 0, 9, 11
_LOCKS_PI = frozenset((6, 13))
"""FUTEX_LOCK_PI, FUTEX_LOCK_PI2: the kernel itself reads the owner in the word."""
_WAITERS = struct.Struct("=QQII")  # struct futex_waitv: val, uaddr, flags, reserved
_MOST_WAITERS = 128

BEFORE, BEHIND = 12, 32
"""Bytes around a word that the known locks need."""
_WORDS = struct.Struct("=8I")
_OWNER_MASK, _HAS_WAITERS, _OWNER_DIED = 0x3FFFFFFF, 0x80000000, 0x40000000
_SHARED, _ROBUST, _ELISION, _BASIC = 0x80, 0x10, 0x300, 3
_RECURSIVE = 1
_CONTENDED = 2
_WRITE_LOCKED = 3
_AWAITED = 3
_ROBUST_OFFSET = -32
"""`robust_head.futex_offset` of every thread, 24 bytes behind its number (nptl/descr.h, 64-bit machines)."""


class Word(NamedTuple):
    """A word that a thread sleeps on."""

    address: int
    is_shared: bool
    """Whether the kernel was told that other processes may wake it; such a word can lie in memory of one alone."""
    is_pi: bool
    value: int | None
    """What it must have for the thread to sleep; None where that is not asked for."""
    is_wait: bool
    """Whether glibc could wait so for its locks: FUTEX_WAIT, or any with a time limit."""
    is_bitset: bool
    """FUTEX_WAIT_BITSET, which glibc has for rwlocks and for joining threads."""


class Owner(NamedTuple):
    """Who has the lock, by what its memory says."""

    tid: int
    """As the owner's own pid namespace numbers it."""
    lock: str
    """`mutex`, `robust mutex`, `PI mutex`, `rwlock`, `thread join`."""
    is_private: bool
    """Whether it must be a thread of the same process. Not told of robust mutexes and of some that inherit priority,
    which are marked as shared wherever they lie."""
    may_be_waiter: bool = False
    """Whether the thread that waits could be its own owner: one that locks a plain mutex a second time sleeps on."""
    users: int = 1
    """Threads that have or want it, as a mutex counts them: not more than there are, if it is one."""


def words_of(call: Call, read: Callable[[int, int], bytes]) -> tuple[list[Word], bool]:
    """The words that a call of CALLS waits for, and whether these are all."""
    arguments = call.arguments
    if call.name == "futex_waitv":
        count = arguments[1] & 0xFFFFFFFF
        words = parse_waiters(read(arguments[0], min(count, _MOST_WAITERS) * _WAITERS.size))
        return words, len(words) == count
    if call.name == "futex_wait":
        return [Word(arguments[0], not arguments[3] & _PRIVATE, False, None, False, False)], True
    command, value, has_limit = arguments[1] & _COMMAND, arguments[2] & 0xFFFFFFFF, bool(arguments[3])
    is_pi = command in _LOCKS_PI
    if not is_pi and command not in (_WAIT, _WAIT_BITSET, _WAIT_REQUEUE_PI):
        return [], False
    word = Word(
        arguments[0],
        not arguments[1] & _PRIVATE,
        is_pi,
        None if is_pi or command == _WAIT_REQUEUE_PI else value,
        command == _WAIT or (command == _WAIT_BITSET and has_limit),
        command in (_WAIT, _WAIT_BITSET),
    )
    return [word], command != _WAIT_REQUEUE_PI


def parse_waiters(data: bytes) -> list[Word]:
    """The words in an array of struct futex_waitv; an entry that is cut is passed over."""
    whole = len(data) // _WAITERS.size * _WAITERS.size
    rows = _WAITERS.iter_unpack(data[:whole])
    return [Word(address, not flags & _PRIVATE, False, None, False, False) for _, address, flags, _ in rows]


def around(address: int, read: Callable[[int, int], bytes], page: int) -> tuple[bytes, int]:
    """Bytes around a word, not before its page, and where the word is in them."""
    start = max(address - BEFORE, address // page * page)
    return read(start, address + BEHIND - start), address - start


def read_lock(data: bytes, at: int, word: Word) -> tuple[int | None, Owner | None]:
    """The value of the word at `at` in the bytes around it, and the owner of the lock, where it is one that is known.

    The layouts are those of glibc on 64-bit machines (sysdeps/nptl/bits/struct_mutex.h, struct_rwlock.h).
    """
    if at < 0 or len(data) < at + 4:
        return None, None
    (value,) = struct.unpack_from("=I", data, at)
    if word.is_pi:
        is_held = value & _HAS_WAITERS and value & _OWNER_MASK and not value & _OWNER_DIED
        return value, Owner(value & _OWNER_MASK, "PI mutex", not word.is_shared) if is_held else None
    if value != word.value:
        return value, None
    return value, _mutex(data[at:], word) or _rwlock(data, at, word) or _joined(data[at:], word)


def _mutex(behind: bytes, word: Word) -> Owner | None:
    """struct __pthread_mutex_s: lock, count, owner, nusers, kind."""
    if len(behind) < 20 or not word.is_wait:
        return None
    _, count, owner, users, kind = struct.unpack_from("=5I", behind)
    if kind & ~(_SHARED | _ROBUST | _ELISION | _BASIC) or not 0 < owner <= _OWNER_MASK or not users:
        return None
    is_shared, basic = bool(kind & _SHARED), kind & _BASIC
    may_be_waiter = basic in (0, 3)
    if kind & _ROBUST:  # the kernel takes each of them for shared
        is_held = word.value == owner | _HAS_WAITERS and word.is_shared
        return Owner(owner, "robust mutex", not is_shared, may_be_waiter, users) if is_held else None
    counts = bool(count) == (basic == _RECURSIVE)
    is_held = word.value == _CONTENDED and is_shared == word.is_shared and counts
    return Owner(owner, "mutex", not is_shared, may_be_waiter, users) if is_held else None


def _rwlock(data: bytes, at: int, word: Word) -> Owner | None:
    """struct __pthread_rwlock_arch_t: readers, writers, wrphase_futex, writers_futex, ..., cur_writer at 24, shared."""
    if word.value != _AWAITED or not word.is_bitset:
        return None
    for place in (12, 8):
        start = at - place
        if start < 0 or len(data) < start + _WORDS.size:
            continue
        readers, _, _, _, _, _, writer, shared = _WORDS.unpack_from(data, start)
        is_write_locked = readers & _WRITE_LOCKED == _WRITE_LOCKED and 0 < writer <= _OWNER_MASK
        if is_write_locked and shared == int(word.is_shared):
            return Owner(writer, "rwlock", not word.is_shared)
    return None


def _joined(behind: bytes, word: Word) -> Owner | None:
    """struct pthread: the number of the thread, which the kernel clears at its end, and behind it its robust list."""
    if len(behind) < 32 or not word.is_shared or not word.is_bitset:
        return None
    tid, offset = struct.unpack_from("=I20xq", behind)
    return Owner(tid, "thread join", True) if 0 < tid <= _OWNER_MASK and offset == _ROBUST_OFFSET else None
