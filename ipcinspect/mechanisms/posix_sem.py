"""Named POSIX semaphores (sem_overview(7)): files sem.NAME of a tmpfs at /dev/shm that processes map.

The C library gives the file its name only after it has mapped it, so maps show `sem.kY8s2q (deleted)`: holders are
known by device and inode. Value and waiters stand at the start of the file, where glibc and musl of 64-bit programs
keep them alike; of 32-bit programs they are not told. musl gives the file no sem. prefix: its semaphores show as shared
memory. Who raised or took it nobody records. Unnamed semaphores that processes share (sem_init(3)) lie somewhere in
their shared memory and cannot be listed; who sleeps on one shows as a futex.
"""

from __future__ import annotations

import functools
from typing import Callable

from ipcinspect.kernel import posix_semaphores
from ipcinspect.kernel.errors import Unsupported
from ipcinspect.mechanisms import demo_attach, demo_shm, shm_objects
from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.demo_part import Making, Part
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Attach, Collected, Demo, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.mechanisms.shm_objects import ShmObject
from ipcinspect.model.channel import Channel, Field
from ipcinspect.model.contents import Contents

NAME = "posix-sem"

FIELDS = (
    Field("value", "Value", None, "how often sem_wait(3) succeeds at once; from the start of the file"),
    Field("waiting", "Waiting", None, "threads in sem_wait(3) by their own count: one killed there stays counted"),
    Field("mappings", "Mappings", None, "mappings of it in processes that could be read"),
    Field("deleted", "Deleted", None, "whether its name is gone (nlink 0)"),
    Field("mode", "Mode", "mode", "permission bits: who may open it"),
    Field("owner_uid", "Owner", "uid", "user id that owns it"),
    Field("path", "Path", None, "its file; of an unlinked one what maps call it, which is not its name"),
    Field("mount_namespace", "Mount namespace", None, "whose /dev/shm it is in: ours where ours has it too"),
)

TELLS = Tells("mappings and descriptors", "value", None, ("synchronisation",), "mount")

NEEDS_ALL_DESCRIPTORS = True

WAITS = (Wait("futex", "attached", "attached", "empty"),)


def collect(scan: Scan) -> Collected:
    """Every named semaphore; posix-shm tells what was not entered."""
    return Collected([_channel(scan, one) for one in shm_objects.of_scan(scan) if one.is_semaphore], [])


def _channel(scan: Scan, one: ShmObject) -> Channel:
    file, now = one.file, one.semaphore
    return shm_objects.channel(
        scan,
        one,
        NAME,
        _name(one),
        None,
        "synchronisation",
        (
            now.value if now is not None else None,
            now.waiters if now is not None else None,
            len(one.memory.mappers),
            one.is_deleted,
            file.mode & 0o7777 if file is not None else None,
            file.uid if file is not None else None,
            one.path,
            scan.shm.namespaces.get(one.memory.device),
        ),
    )


def _name(one: ShmObject) -> str | None:
    """`/name`, as sem_open(3) takes it; None where only the name that it had at first is left."""
    return None if one.listed_name is None else "/" + one.listed_name[len("sem.") :]


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """Raises Unsupported."""
    raise Unsupported("a semaphore carries no bytes: its value stands among its fields")


class _End:
    """Either half's hold of the semaphore."""

    def __init__(self, part: Part) -> None:
        self._calls, self._name, self._blocking = part.calls, part.args[0], part.terms.blocking
        self._address: int | None = None

    def open(self) -> None:
        """sem_open(3). Raises OSError."""
        self._address = self._calls("sem_open", (self._name,), lambda: posix_semaphores.open_existing(self._name), hex)
        self._post = self._bound("sem_post", posix_semaphores.post)
        if self._blocking:
            self._wait = self._bound("sem_wait", posix_semaphores.wait)
        else:
            self._wait = self._bound("sem_trywait", posix_semaphores.try_wait)

    def send(self, payload: bytes) -> None:
        """Raise; a semaphore carries no bytes. Raises OSError."""
        self._post()

    def receive(self, size: int) -> bytes:
        """Take what was raised; sleeps until something was, or raises BlockingIOError. Raises OSError."""
        self._wait()
        return b""

    def fileno(self) -> None:
        """Nothing that poll(2) could ask about."""

    def close(self) -> None:
        """sem_close(3). Raises OSError."""
        if self._address is not None:
            self._bound("sem_close", posix_semaphores.close)()
            self._address = None

    def _bound(self, name: str, function: Callable[[int], None]) -> Callable[[], None]:
        address = self._address or 0
        return self._calls.bound(name, functools.partial(function, address), lambda: (hex(address),))


def _make(making: Making) -> Handover:
    """A semaphore of value 0 with a name that nobody else has."""
    one = demo_shm.create_semaphore(making, 0)
    given = (one.name,)
    return Handover(given, (), given, (), leaves=(one.leaving,))


class _AttachedEnd(_End):
    """A user of somebody's semaphore."""

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self._path, *self._place = part.args[1:]

    def open(self) -> None:
        """sem_open(3) where the name still leads to what was shown. Raises OSError."""
        demo_attach.stat_same(self._calls, self._path, self._place)
        super().open()


def _access(attaching: Attaching) -> Access:
    """By its name. Raises Unsupported where none of ours leads to it."""
    channel = attaching.channel
    path = demo_attach.path_of_shm(channel)
    given = (channel.name or "", path, *demo_attach.of_place(channel))
    return Access(given, given, demo_attach.does_to_semaphore(attaching, "it"))


DEMO = Demo(
    variants=("named",),
    create=_make,
    sender=_End,
    receiver=_End,
    carries_payload=False,
    nonblocking=True,
    with_mode=("named",),
    attach=Attach(("both", "sender", "receiver"), _access, _AttachedEnd, _AttachedEnd),
)
