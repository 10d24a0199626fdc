"""What guards the shared memory of a demo, and wakes its receiver: `demo_part.LOCKS`.

Each is three things: a lock around every store and load, a count of what was stored, on which the receiver sleeps in
the kernel until it rises, and a word that says that a place of a full ring is free, on which the sender sleeps. What
happens where the owner of the lock dies (measured on Linux 6 with glibc 2.36):

- sysv-sem: the kernel takes back what the dead one did (SEM_UNDO, semop(2)): the next locker simply gets it.
- posix-sem: the kernel knows no owner. The lock stays taken for good; the next locker gives up with ETIMEDOUT.
- futex: a robust mutex (pthread_mutexattr_setrobust(3)). The next locker gets it with EOWNERDEAD and says that all is
  in order again: a message counts only once it is whole.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import sys
from typing import Callable, NamedTuple, Protocol

from ipcinspect.kernel import posix_semaphores, shared_mutex, sysv
from ipcinspect.kernel.sysv import SEM_UNDO, Step
from ipcinspect.mechanisms import demo_leaving, demo_ring, demo_shm
from ipcinspect.mechanisms.demo_part import Calls, Leaving, Making, Part

GIVES_UP_AFTER_S = 3.0
"""How long a locker waits for a lock that tells nobody of its owner's death."""

_LOCK, _COUNT, _ROOM = 0, 1, 2
_LOW_HALF = 0 if sys.byteorder == "little" else 4
"""futex(2) looks at 32 bits: where in a counter of 64 those stand that change first."""


class Made(NamedTuple):
    """A lock that was made."""

    word: str | None
    """What both halves need to find it; None where it lies in the memory."""
    leaves: tuple[Leaving, ...]


class Guard(Protocol):
    """A lock as one half has it; each call raises OSError."""

    def open(self, memory: memoryview, is_sender: bool) -> None:
        """Take hold of it; the memory is there."""
        ...

    def lock(self) -> None:
        """Sleep until it is ours."""
        ...

    def unlock(self) -> None:
        """Give it back."""
        ...

    def announce(self, was_empty: bool) -> None:
        """One more message is there; before it there was none, or nobody knows."""
        ...

    def wait(self, has_message: Callable[[], bool]) -> None:
        """Sleep until there is one that was not waited for yet."""
        ...

    def wait_for_room(self, has_room: Callable[[], bool]) -> None:
        """Sleep until a place of a full ring is free."""
        ...

    def announce_room(self) -> None:
        """A place is free in a ring that was full."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def make(making: Making) -> Made:
    """The lock that the terms ask for. Raises OSError."""
    kind = making.terms.lock
    if kind == "sysv-sem":
        shown = ("IPC_PRIVATE", 3, f"{making.mode:04o}")
        semid = making.calls("semget", shown, lambda: sysv.create_semaphores((None, None, None), making.mode))
        return Made(f"{kind}:{semid}", (Leaving("sysv-sem", str(semid)),))
    if kind == "posix-sem":
        return _named(making)
    return Made(None, ())


def _named(making: Making) -> Made:
    made: list[demo_shm.NamedSemaphore] = []
    try:
        for value in (1, 0, 0):
            made.append(demo_shm.create_semaphore(making, value))
    except OSError:
        remove(Made(None, tuple(semaphore.leaving for semaphore in made)))
        raise
    names = ":".join(semaphore.name for semaphore in made)
    return Made(f"posix-sem:{names}", tuple(semaphore.leaving for semaphore in made))


def remove(made: Made) -> None:
    """Take it out of the system."""
    for leaving in made.leaves:
        with contextlib.suppress(OSError):
            demo_leaving.remove(leaving)


def guard_of(part: Part) -> Guard | None:
    """The lock of a half; None where its terms have none."""
    kind = part.terms.lock
    if kind is None:
        return None
    if kind == "futex":
        return RobustMutex(part.calls)
    _, *words = part.args[-1].split(":")
    return UndoneSemaphores(part.calls, int(words[0])) if kind == "sysv-sem" else NamedSemaphores(part.calls, *words)


class UndoneSemaphores:
    """A System V set of three: 0 while the lock is free, the count, and 1 where a full ring got a free place.

    It needs no value that somebody has to set at first.
    """

    def __init__(self, calls: Calls, semid: int) -> None:
        self._calls, self._semid = calls, semid
        lock = (Step(_LOCK, 0), Step(_LOCK, 1, SEM_UNDO))
        self._lock = self._semop(f"[{_LOCK}: until 0, {_LOCK}: +1 SEM_UNDO]", "lock", *lock)
        self._unlock = self._semop(f"[{_LOCK}: -1 SEM_UNDO]", "unlock", Step(_LOCK, -1, SEM_UNDO))
        self._announce = self._semop(f"[{_COUNT}: +1]", "one more is there", Step(_COUNT, 1))
        self._wait = self._semop(f"[{_COUNT}: -1]", "until one is there", Step(_COUNT, -1))
        self._wait_for_room = self._semop(f"[{_ROOM}: -1]", "until a place is free", Step(_ROOM, -1))

    def open(self, memory: memoryview, is_sender: bool) -> None:
        """A set is there without opening it."""

    def lock(self) -> None:
        """Wait for 0 and raise, in one step that the kernel undoes when we die."""
        self._lock()

    def unlock(self) -> None:
        """Back to 0."""
        self._unlock()

    def announce(self, was_empty: bool) -> None:
        """Raise the count."""
        self._announce()

    def wait(self, has_message: Callable[[], bool]) -> None:
        """Take one off the count."""
        self._wait()

    def wait_for_room(self, has_room: Callable[[], bool]) -> None:
        """Take the word that a place is free, until one is: it may be an old one."""
        while not has_room():
            self._wait_for_room()

    def announce_room(self) -> None:
        """1, whatever it was: nobody may have waited for the last word, and it must not add up."""
        number = self._semid
        self._calls("semctl", (number, _ROOM, "SETVAL", 1, "a place is free"), lambda: sysv.set_value(number, _ROOM, 1))

    def close(self) -> None:
        """A set has no ends to close."""

    def _semop(self, told: str, why: str, *steps: Step) -> Callable[[], None]:
        shown = (self._semid, told, why)
        return self._calls.bound("semop", _steady(sysv.operation(self._semid, steps)), lambda: shown)


class NamedSemaphores:
    """Three named POSIX semaphores: 1 while the lock is free, the count, and 1 where a full ring got a free place."""

    def __init__(self, calls: Calls, *names: str) -> None:
        self._calls, self._names = calls, names
        self._addresses: list[int] = []

    def open(self, memory: memoryview, is_sender: bool) -> None:
        """sem_open(3) of all."""
        for name in self._names:
            address = self._calls("sem_open", (name,), lambda name=name: posix_semaphores.open_existing(name), hex)  # type: ignore[misc]
            self._addresses.append(address)
        at_most = GIVES_UP_AFTER_S
        self._lock = self._bound(
            "sem_timedwait",
            _LOCK,
            f"{at_most:g} s, lock",
            lambda address: posix_semaphores.wait_at_most(address, at_most),
        )
        self._unlock = self._bound("sem_post", _LOCK, "unlock", posix_semaphores.post)
        self._announce = self._bound("sem_post", _COUNT, "one more is there", posix_semaphores.post)
        self._wait = self._bound("sem_wait", _COUNT, "until one is there", posix_semaphores.wait)
        self._announce_room = self._bound("sem_post", _ROOM, "a place is free", posix_semaphores.post)
        self._wait_for_room = self._bound("sem_wait", _ROOM, "until a place is free", posix_semaphores.wait)

    def lock(self) -> None:
        """Wait for it, but not for ever (ETIMEDOUT)."""
        self._lock()

    def unlock(self) -> None:
        """Raise it to 1 again."""
        self._unlock()

    def announce(self, was_empty: bool) -> None:
        """Raise the count."""
        self._announce()

    def wait(self, has_message: Callable[[], bool]) -> None:
        """Take one off the count."""
        self._wait()

    def wait_for_room(self, has_room: Callable[[], bool]) -> None:
        """Take the word that a place is free, until one is: it may be an old one."""
        while not has_room():
            self._wait_for_room()

    def announce_room(self) -> None:
        """Raise it where it is 0: nobody may have waited for the last word, and it must not add up."""
        address = self._addresses[_ROOM]
        if self._calls("sem_getvalue", (self._names[_ROOM],), lambda: posix_semaphores.value(address)) == 0:
            self._announce_room()

    def close(self) -> None:
        """sem_close(3) of all."""
        while self._addresses:
            address = self._addresses.pop()
            self._calls("sem_close", (hex(address),), lambda address=address: posix_semaphores.close(address))  # type: ignore[misc]

    def _bound(self, name: str, which: int, why: str, function: Callable[[int], None]) -> Callable[[], None]:
        shown = (self._names[which], why)
        return self._calls.bound(name, _steady(functools.partial(function, self._addresses[which])), lambda: shown)


class RobustMutex:
    """A mutex in the memory itself; the ring's counters of stored and of taken messages are the words to sleep on.

    It is the sender who makes the mutex, as the first to have the memory; the receiver sleeps until it is ready.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls, self._start = calls, 0
        self._memory: memoryview | None = None

    def open(self, memory: memoryview, is_sender: bool) -> None:
        """Make it, or wait until it is made."""
        self._memory = memory
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        self._lock = self._mutex("pthread_mutex_lock", shared_mutex.lock)
        self._unlock = self._mutex("pthread_mutex_unlock", shared_mutex.unlock)
        if is_sender:
            more = ("PTHREAD_PROCESS_SHARED, PTHREAD_MUTEX_ROBUST",)
            self._mutex("pthread_mutex_init", shared_mutex.initialise, *more)()
            memory[demo_ring.READY + _LOW_HALF : demo_ring.READY + _LOW_HALF + 4] = (1).to_bytes(4, sys.byteorder)
            self._wake(demo_ring.READY, "the lock is ready")
        while self._word(demo_ring.READY) == 0:
            self._sleep(demo_ring.READY, 0, "until the lock is ready")

    def lock(self) -> None:
        """Take it, also from one that died with it (EOWNERDEAD)."""
        try:
            self._lock()
        except OSError as error:
            if error.errno != errno.EOWNERDEAD:
                raise
            self._mutex("pthread_mutex_consistent", shared_mutex.make_consistent)()

    def unlock(self) -> None:
        """Give it back."""
        self._unlock()

    def announce(self, was_empty: bool) -> None:
        """Wake who sleeps on the counter: nobody does while there are messages."""
        if was_empty:
            self._wake(demo_ring.STORED, "one is there")

    def wait(self, has_message: Callable[[], bool]) -> None:
        """Sleep on the counter while it stays as it is."""
        self._sleep_until(has_message, demo_ring.STORED, "until one is there")

    def wait_for_room(self, has_room: Callable[[], bool]) -> None:
        """Sleep on the counter of taken messages while it stays as it is."""
        self._sleep_until(has_room, demo_ring.TAKEN, "until a place is free")

    def announce_room(self) -> None:
        """Wake who sleeps on that counter."""
        self._wake(demo_ring.TAKEN, "a place is free")

    def close(self) -> None:
        """It goes with the memory."""
        self._memory = None

    def _word(self, offset: int) -> int:
        assert self._memory is not None, "used before open or after close"
        start = offset + _LOW_HALF
        return int.from_bytes(self._memory[start : start + 4], sys.byteorder)

    def _sleep_until(self, condition: Callable[[], bool], offset: int, why: str) -> None:
        while not condition():
            now = self._word(offset)
            if not condition():
                self._sleep(offset, now, why)

    def _sleep(self, offset: int, value: int, why: str) -> None:
        address = self._start + offset + _LOW_HALF
        shown = (hex(address), "FUTEX_WAIT", value, why)
        # it changed meanwhile (EAGAIN), or a signal came (EINTR): the caller looks again
        with contextlib.suppress(BlockingIOError, InterruptedError):
            self._calls("futex", shown, lambda: shared_mutex.wait_while(address, value))

    def _wake(self, offset: int, why: str) -> None:
        address = self._start + offset + _LOW_HALF
        self._calls("futex", (hex(address), "FUTEX_WAKE", 1, why), lambda: shared_mutex.wake_one(address))

    def _mutex(self, name: str, function: Callable[[int], None], *more: str) -> Callable[[], None]:
        address = self._start + demo_ring.LOCK
        shown = (hex(address), *more)
        return self._calls.bound(name, functools.partial(function, address), lambda: shown)


def _steady(call: Callable[[], None]) -> Callable[[], None]:
    """The call, again where a signal interrupted it (EINTR): SIGCONT after a stop does, handled or not (signal(7))."""

    def again() -> None:
        while True:
            try:
                return call()
            except InterruptedError:
                continue

    return again
