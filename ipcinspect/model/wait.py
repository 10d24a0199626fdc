"""Threads that sleep, and what each waits for: facts of one look, so that a recording can be judged later."""

from __future__ import annotations

from typing import NamedTuple

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey

AWAITED = (
    "data",
    "room",
    "client",
    "partner",
    "lock",
    "count",
    "wake",
    "child",
    "thread",
    "signal",
    "unknown",
)
"""What has to come for a wait to end.

data     something to read, or the end of file
room     a place for what is being written
client   somebody who connects, to a listener
partner  who opens the other end of a FIFO, or accepts a connection
lock     a lock that somebody else has
count    a semaphore that is raised, or lowered to 0
wake     a futex by which any thread that has the memory may wake it
child    the end of a child process
thread   the end of a thread of the same process
signal   a signal
unknown  something that is not understood here: anybody may end it
"""
OBLIGES = frozenset(("room", "lock", "count", "child", "thread", "partner"))
"""Waits after which somebody has something to do: who merely waits for data or a client may be at rest."""


class ThreadKey(NamedTuple):
    """One thread of one process."""

    process: ProcessKey
    tid: int


class Awaited(NamedTuple):
    """One thing that would end a wait; of several any one does."""

    what: str
    """One of `AWAITED`."""
    fd: int | None = None
    """The descriptor that the call was given, or that an epoll watches."""
    channel: ChannelKey | None = None
    """What it is about; None where it is no channel that is known."""
    part: int | None = None
    """The number of a semaphore in its set."""
    owner: ThreadKey | None = None
    """Who alone can end it, where the object itself records that."""
    processes: tuple[ProcessKey, ...] | None = None
    """Who can end it: the children waited for, the processes with the memory; None where the channel's ends tell it, or
    nobody does."""
    gone_tid: int | None = None
    """The thread that has the lock by what the lock says, where no process with its memory has such a thread."""
    how: str | None = None
    """How the owner is known: `mutex`, `rwlock writer`; or whose sight it is: `last operation of the semaphore`."""


class Wait(NamedTuple):
    """One thread that sleeps in a system call."""

    thread: ThreadKey
    call: str
    """The call by its name in section 2 of the manual."""
    told: str
    """The call as one would write it: `write(1, 4096)`."""
    awaited: tuple[Awaited, ...]
    has_timeout: bool | None
    """Whether it ends by itself after a time; None where that is not known."""
    timeout_s: float | None
    """Of how many seconds, where it is known; counted from when the call began."""
    complete: bool
    """Whether all that it waits for is in `awaited`."""
    stopped: bool
    """Whether the thread is stopped (SIGSTOP, a debugger): nothing can be said of it."""
    wchan: str | None
    """The kernel function in which it sleeps; kernel text."""
    arguments: tuple[int, ...] = ()
    """Its registers: equal arguments and equal `switches` mean that it is the same wait as before."""
    switches: int | None = None
    """How often the thread was switched away from, wanting to or not, since it began; None where that is not told."""
    unchanged_s: float = 0.0
    """Seconds between two reads in one look that both found it in the same call, with the same arguments and without
    having run in between; 0 where it was read once."""
    since: float | None = None
    """Seconds since the epoch: since when it is in this very wait at the latest, by the scheduler or by earlier looks.
    A wait can be older than that."""


class Sleepers(NamedTuple):
    """The threads of one process."""

    waits: tuple[Wait, ...]
    others: int
    """Threads that run, or of which nothing is known: they may do anything."""
    known: bool
    """Whether the process let itself be read."""
