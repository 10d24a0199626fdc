"""What a thread waits for: the nouns in which the decoders of system calls answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ipcinspect.kernel.calls import Call
from ipcinspect.kernel.present_memory import PresentMemory


class Target(NamedTuple):
    """One thing that could end a wait. What does not belong to its kind is None."""

    kind: str
    """`descriptor`, `futex`, `semaphore`, `message queue`, `child`, `signal`, `path`."""
    fd: int | None = None
    """Of the thread. Of a child: its pidfd. Of a path: the directory that it starts from, None for the working one."""
    direction: str | None = None
    """`in` (something to read, a client to accept), `out` (room to write, a partner), `in|out`, `hangup` (the other
    side going, alone), `lock`. Of a path: the end that is being opened, `in` or `out`."""
    via: int | None = None
    """The epoll through which it is watched. Then `fd` is the number as which it was added, perhaps another file's by
    now: `inode` and `device` tell what it is."""
    inode: int | None = None
    device: int | None = None
    """Of the file system that the inode is of (makedev(3))."""
    number: int | None = None
    """semid, msqid; the child, as the waiter's pid namespace numbers it, None for any child of the process."""
    sub: int | None = None
    """The semaphore in its set."""
    group: int | None = None
    """The process group that the child has to be of, numbered likewise; 0 for that of the waiter."""
    change: int | None = None
    """sem_op; the type of message that is waited for or to be sent."""
    signals: int | None = None
    """Bit N-1 for signal N; None for any that the thread lets through and handles."""
    address: int | None = None
    """Of the word."""
    is_shared: bool | None = None
    """Whether other processes may wake it: the kernel was told so, and the word is in no memory of this one alone."""
    owner_tid: int | None = None
    """Who holds the lock, as the lock tells it: numbered by the owner's pid namespace. It can be the waiter itself,
    which then locked the same mutex twice."""
    owner_thread: int | None = None
    """The same as this /proc numbers it, where the lock is of this process alone; None for a lock that is shared."""
    owner_by: str | None = None
    """What names the owner: see `futex_words.Owner`."""
    path: str | None = None
    requests: tuple[tuple[str, int], ...] = ()
    """Of an io_uring: the kinds of requests that wait, and how many there are of each."""


class Sleeper(NamedTuple):
    """A thread that sleeps in a call, and what may be asked about it."""

    call: Call
    process: int
    """The directory descriptor of its process."""
    memory: PresentMemory
    wchan: str | None
    own_tid: int
    """Its number in its own pid namespace."""
    threads: Mapping[int, int]
    """The threads of its process: the number in their pid namespace, and here."""


class Answer(NamedTuple):
    """What could end a wait."""

    targets: Sequence[Target]
    is_complete: bool
    """Whether these are all. Where not, nobody may conclude that nobody can end the wait."""


UNKNOWN = Answer((), False)
