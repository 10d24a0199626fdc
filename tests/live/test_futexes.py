"""Futex words in shared memory: who sleeps on them, and who owns the lock where the memory says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot
from tests.live.conftest import Start
from tests.live.subjects import Subject, asleep_in, context_switches, field, look, until

SHARED = """
def lock(call, *arguments):
    number = getattr(LIBC, call)(*arguments)
    if number: raise OSError(number, call)
def address(memory):
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))
def memory():
    fd = os.open(ARGS[0], os.O_RDWR | os.O_CREAT, 0o600); os.ftruncate(fd, 8192)
    return mmap.mmap(fd, 8192, mmap.MAP_SHARED)
def mutex(place, protocol=0, robust=0, kind=0):
    attributes = ctypes.create_string_buffer(64)
    lock("pthread_mutexattr_init", attributes); lock("pthread_mutexattr_setpshared", attributes, 1)
    lock("pthread_mutexattr_setprotocol", attributes, protocol)
    lock("pthread_mutexattr_setrobust", attributes, robust)
    lock("pthread_mutexattr_settype", attributes, kind)
    lock("pthread_mutex_init", ctypes.c_void_p(place), attributes)
"""
"""What subjects share; ARGS[0] is the file that they map."""

AT = 4096 + 64

HOLDS_MUTEX = (
    SHARED
    + f"""
base = address(m := memory()); mutex(base + {AT}, *ARGS[1:])
lock("pthread_mutex_lock", ctypes.c_void_p(base + {AT})); say(os.getpid()); stay()
"""
)
WAITS_FOR_MUTEX = (
    SHARED
    + f"""
base = address(m := memory()); say(); lock("pthread_mutex_lock", ctypes.c_void_p(base + {AT})); stay()
"""
)


@pytest.fixture
def path(directory: Path) -> Path:
    """A file to share."""
    return directory / "shared"


def words(snapshot: Snapshot, path: Path) -> list[Channel]:
    """The futexes in a file."""
    place = path.stat()
    start = f"futex:[{os.major(place.st_dev)}:{os.minor(place.st_dev)}:{place.st_ino}+"
    return [channel for channel in snapshot.channels if channel.id.startswith(start)]


def pids(channel: Channel, role: str) -> list[int | None]:
    """The processes with a role."""
    return [end.process.pid if end.process else None for end in channel.endpoints if end.role == role]


def sleeping(subject: Subject) -> Subject:
    """It, once it sleeps on a futex."""
    until(lambda: asleep_in(subject.pid, "futex", "rt_mutex"), "the waiter to sleep")
    return subject


@pytest.mark.parametrize(
    ("kind", "told"),
    [((0, 0, 0), "mutex"), ((0, 0, 1), "mutex"), ((0, 1, 0), "robust mutex"), ((1, 0, 0), "PI mutex")],
    ids=["normal", "recursive", "robust", "inheriting"],
)
def test_who_waits_for_a_shared_mutex_runs_into_its_owner(
    start: Start, path: Path, kind: tuple[int, int, int], told: str
) -> None:
    holder = start(HOLDS_MUTEX, str(path), *kind)
    waiters = {sleeping(start(WAITS_FOR_MUTEX, str(path))).pid for _ in range(2)}
    (word,) = words(look(), path)
    assert (word.state, word.relation, field(word, "lock")) == ("full", "synchronisation", told)
    assert pids(word, "holder") == [holder.pid]
    assert set(pids(word, "waiter")) == waiters
    assert (field(word, "offset"), field(word, "waiting"), field(word, "mapped_by")) == (AT, 2, 3)
    assert (field(word, "object"), word.name) == (str(path), f"{path}+{AT:#x}")


def test_a_write_locked_rwlock_names_its_writer(start: Start, path: Path) -> None:
    holder = start(
        SHARED
        + """
base = address(m := memory()); attributes = ctypes.create_string_buffer(64)
lock("pthread_rwlockattr_init", attributes); lock("pthread_rwlockattr_setpshared", attributes, 1)
lock("pthread_rwlock_init", ctypes.c_void_p(base), attributes)
lock("pthread_rwlock_wrlock", ctypes.c_void_p(base)); say(); stay()
""",
        str(path),
    )
    for call in ("pthread_rwlock_rdlock", "pthread_rwlock_wrlock"):
        code = SHARED + "base = address(m := memory()); say(); lock(ARGS[1], ctypes.c_void_p(base)); stay()"
        waiter = sleeping(start(code, str(path), call))
        word = next(word for word in words(look(), path) if waiter.pid in pids(word, "waiter"))
        assert (pids(word, "holder"), field(word, "lock")) == ([holder.pid], "rwlock")


def test_a_semaphore_has_no_owner_and_its_state_is_unknown(start: Start, path: Path) -> None:
    code = SHARED + (
        "base = address(m := memory()); lock('sem_init', ctypes.c_void_p(base), 1, 0); say()\n"
        "LIBC.sem_wait(ctypes.c_void_p(base)); stay()"
    )
    waiter = sleeping(start(code, str(path)))
    (word,) = words(look(), path)
    assert [(end.role, end.process and end.process.pid) for end in word.endpoints] == [("waiter", waiter.pid)]
    assert (word.state, field(word, "owner_tid"), field(word, "value")) == ("unknown", None, 0)


def test_a_dead_owner_is_not_replaced_by_anybody(start: Start, path: Path) -> None:
    holder = start(HOLDS_MUTEX, str(path))
    waiter = sleeping(start(WAITS_FOR_MUTEX, str(path)))
    holder.process.kill()
    holder.process.wait()
    (word,) = words(look(), path)
    assert (pids(word, "waiter"), pids(word, "holder"), word.state) == ([waiter.pid], [], "unknown")


FAKES = {
    "no such thread": (2, 0, 4000000, 1, 128),
    "not marked as shared": (2, 0, None, 1, 0),
    "no user": (2, 0, None, 0, 128),
    "nobody waits": (1, 0, None, 1, 128),
    "of a process that has it not mapped": (2, 0, os.getpid(), 1, 128),
    "counted though not recursive": (2, 1, None, 1, 128),
}
"""Lock word, count, owner (None: somebody who maps it), users, kind."""


@pytest.mark.parametrize("fake", FAKES.values(), ids=list(FAKES))
def test_memory_that_only_resembles_a_lock_names_nobody(
    start: Start, path: Path, fake: tuple[int, int, int | None, int, int]
) -> None:
    other = start(SHARED + "m = memory(); say(); stay()", str(path))
    numbers = [other.pid if number is None else number for number in fake]
    code = SHARED + (
        "base = address(m := memory()); struct.pack_into('=5I', m, 0, *ARGS[1]); say()\n"
        "call = dict(x86_64=202, aarch64=98)[os.uname().machine]\n"
        "LIBC.syscall(call, ctypes.c_void_p(base), 0, ARGS[1][0], None)"
    )
    sleeping(start(code, str(path), numbers))
    (word,) = words(look(), path)
    assert pids(word, "holder") == []


def test_every_word_of_a_vector_is_waited_for(start: Start, path: Path) -> None:
    code = SHARED + (
        "base = address(m := memory())\n"
        "waiters = ctypes.create_string_buffer(struct.pack('=QQIIQQII', 0, base + 8, 2, 0, 0, base + 4096, 2, 0))\n"
        "say(); LIBC.syscall(449, waiters, 2, 0, None, 1); stay()"
    )
    subject = start(code, str(path))
    until(lambda: asleep_in(subject.pid, "futex", "pipe_read"), "the waiter to sleep")
    if not asleep_in(subject.pid, "futex"):
        pytest.skip("this kernel has no futex_waitv (5.16)")
    assert {field(word, "offset") for word in words(look(), path)} == {8, 4096}


def test_the_same_place_in_two_objects_is_two_futexes(start: Start, directory: Path) -> None:
    holders, waiters = [], []
    for name in ("one", "two"):
        holders.append(start(HOLDS_MUTEX, str(directory / name)).pid)
        waiters.append(sleeping(start(WAITS_FOR_MUTEX, str(directory / name))).pid)
    seen = look()
    for place, name in enumerate(("one", "two")):
        (word,) = words(seen, directory / name)
        assert (pids(word, "holder"), pids(word, "waiter")) == ([holders[place]], [waiters[place]])


def test_a_private_futex_is_nobody_elses_business(start: Start, path: Path) -> None:
    subject = start(
        SHARED + "m = memory(); threading.Thread(target=threading.Event().wait, daemon=True).start(); say(); stay()",
        str(path),
    )
    until(
        lambda: any("futex" in (task / "wchan").read_text() for task in Path(f"/proc/{subject.pid}/task").iterdir()),
        "the thread to sleep",
    )
    assert not words(look(), path)


def test_an_owner_in_another_pid_namespace_is_found_by_its_number_there(root: None, start: Start, path: Path) -> None:
    holder = start(HOLDS_MUTEX, str(path), command=["unshare", "--pid", "--fork", "--kill-child"])
    assert holder.said == [1]
    waiter = sleeping(start(WAITS_FOR_MUTEX, str(path)))
    (word,) = words(look(), path)
    (owner,) = [end.process for end in word.endpoints if end.role == "holder"]
    assert owner is not None
    assert (field(word, "owner_tid"), pids(word, "waiter")) == (1, [waiter.pid])
    status = Path(f"/proc/{owner.pid}/status").read_text()
    assert status.partition("NSpid:")[2].split("\n")[0].split() == [str(owner.pid), "1"]


def test_looking_makes_no_page_and_wakes_nobody(start: Start, path: Path) -> None:
    start(HOLDS_MUTEX, str(path))
    waiter = sleeping(start(WAITS_FOR_MUTEX, str(path)))

    def facts() -> tuple[object, ...]:
        now = path.stat()
        return now.st_blocks, now.st_atime_ns, now.st_mtime_ns, now.st_ctime_ns, context_switches(waiter.pid)

    before = facts()
    for _ in range(20):
        assert words(look(), path)
    assert facts() == before
