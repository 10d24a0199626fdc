"""Ways to sleep on a lock: what a word in memory tells of its owner, and what it does not."""

from __future__ import annotations

from collections.abc import Callable

from ipcinspect.kernel.wait_target import Target
from tests.live.sleeping_kinds import Kind


def owned(by: str) -> Callable[..., list[Target]]:
    """A word and the thread of the same process that has the lock."""
    return lambda address, tid: [
        Target("futex", address=address, is_shared=False, owner_tid=tid, owner_thread=tid, owner_by=by)
    ]


def unowned(address: int) -> list[Target]:
    """A word that names nobody."""
    return [Target("futex", address=address, is_shared=False)]


LOCKED = """
m = mutex(*%s); owner = started(lock, "pthread_mutex_lock", m); told(at(m), owner)
lock("pthread_mutex_lock", m)
"""
RWLOCK = """
m = zeros(64); owner = started(lock, "pthread_rwlock_%s", m); told(at(m) + %d, owner); lock("pthread_rwlock_%s", m)
"""
FAKE = """
m = keep(ctypes.create_string_buffer(struct.pack("=5I", %s), 64)); told(at(m))
LIBC.syscall(SYS["futex"], m, %d, 2, None)
"""

LOCKS = {
    "mutex": Kind(LOCKED % "[0]", "futex", owned("mutex")),
    "recursive mutex": Kind(LOCKED % "[1]", "futex", owned("mutex")),
    "mutex that checks": Kind(LOCKED % "[2]", "futex", owned("mutex")),
    "adaptive mutex": Kind(LOCKED % "[3]", "futex", owned("mutex")),
    "robust mutex": Kind(LOCKED % "[0, 0, 1]", "futex", owned("robust mutex")),
    "inheriting mutex": Kind(LOCKED % "[0, 1]", "futex", owned("PI mutex")),
    "mutex locked twice": Kind(
        "m = mutex(); lock('pthread_mutex_lock', m); told(at(m), tid()); lock('pthread_mutex_lock', m)",
        "futex",
        owned("mutex"),
    ),
    "shared mutex in memory of its own": Kind(LOCKED % "[0, 0, 0, 1]", "futex", owned("mutex")),
    "shared mutex in shared memory": Kind(
        LOCKED % "[0, 0, 0, 1, (ctypes.c_char * 64).from_buffer(keep(mmap.mmap(-1, 4096)))]",
        "futex",
        lambda address, tid: [
            Target("futex", address=address, is_shared=True, owner_tid=tid, owner_by="mutex"),
        ],
    ),
    "rwlock, to write": Kind(RWLOCK % ("wrlock", 12, "wrlock"), "futex", owned("rwlock")),
    "rwlock, to read": Kind(RWLOCK % ("wrlock", 8, "rdlock"), "futex", owned("rwlock")),
    "rwlock that is read": Kind(RWLOCK % ("rdlock", 8, "wrlock"), "futex", lambda address, _: unowned(address)),
    "end of a thread": Kind(
        "handle, number = joinable(); told(number); LIBC.pthread_join(handle, None)",
        "futex",
        lambda tid: [Target("futex", is_shared=False, owner_tid=tid, owner_thread=tid, owner_by="thread join")],
    ),
    "semaphore of threads": Kind(
        "m = zeros(32); LIBC.sem_init(m, 0, 0); told(at(m)); LIBC.sem_wait(m)", "futex", unowned
    ),
    "condition": Kind(
        "m, c = mutex(), zeros(64); lock('pthread_mutex_lock', m); told(); LIBC.pthread_cond_wait(c, m)",
        "futex",
        lambda: [Target("futex", is_shared=False)],
    ),
    "barrier": Kind(
        "m = zeros(64); LIBC.pthread_barrier_init(m, None, 2); told(); LIBC.pthread_barrier_wait(m)",
        "futex",
        lambda: [Target("futex", is_shared=False)],
    ),
    "word like a mutex, waited for in another way": Kind(FAKE % ("2, 0, started(bool), 1, 0", 137), "futex", unowned),
    "word like a mutex of a thread that is gone": Kind(FAKE % ("2, 0, 4000000, 1, 0", 128), "futex", unowned),
    "word like a shared mutex, not shared": Kind(FAKE % ("2, 0, started(bool), 1, 128", 128), "futex", unowned),
    "word like a mutex with more users than threads": Kind(
        FAKE % ("2, 0, started(bool), 5000, 0", 128), "futex", unowned
    ),
    "word like a mutex without users": Kind(FAKE % ("2, 0, started(bool), 0, 0", 128), "futex", unowned),
    "several words": Kind(
        "m = zeros(64)\n"
        "if LIBC.syscall(449, None, 0, 0, None, 1) < 0 and ctypes.get_errno() == errno.ENOSYS:\n"
        "    raise OSError(errno.ENOSYS, 'no futex_waitv (Linux 5.16)')\n"
        "told(at(m), at(m) + 8)\n"
        "checked(LIBC.syscall(449, struct.pack('=QQIIQQII', 0, at(m), 130, 0, 0, at(m) + 8, 2, 0), 2, 0, None, 1))",
        "futex_waitv",
        lambda one, other: [
            Target("futex", address=one, is_shared=False),
            Target("futex", address=other, is_shared=False),
        ],
    ),
}
