"""POSIX message queues of an IPC namespace (mq_overview(7), mq_getattr(3); ipc/mqueue.c).

The kernel keeps the queues of each IPC namespace in a file system of its own, `mqueue`, whether it is mounted or not.
Opening a queue takes no message and wakes nobody. Closing a descriptor of a queue ends the notification that *the
closing process itself* registered: so a queue of which this very process has a descriptor is asked through that one.
Reading the file moves its atime and ctime (nothing else tells QSIZE and who is registered); its mtime, of the last
message that came or went, stays.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import re
import stat
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Callable, NamedTuple

from ipcinspect.kernel.detached import detached_mount
from ipcinspect.kernel.errors import Unsupported
from ipcinspect.kernel.libc import LIBC, FileFacts, FileReader, close, last_error
from ipcinspect.kernel.mounts import Mount, is_safe_to_walk_to

FILE_SYSTEM = "mqueue"
FILE_BYTES = 80
"""What stat(2) says of every queue's file (FILENT_SIZE): the size of its text, not of what waits in the queue."""

_TO_LOOK = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
_MOST = 100_000
"""Queues of one namespace that are listed at most."""
_CLOCK_EVERY = 0x3F
_STATUS = re.compile(
    rb"QSIZE:([0-9]{1,20}) +NOTIFY:(-?[0-9]{1,10}) +SIGNO:(-?[0-9]{1,10}) +NOTIFY_PID:(-?[0-9]{1,10}) *\n"
)

Place = tuple[int, int]
"""(device, inode): the identity of a queue. Each IPC namespace has a device of its own."""


class Attributes(NamedTuple):
    """struct mq_attr of mq_getattr(3), without the flags, which belong to the descriptor."""

    mq_maxmsg: int
    mq_msgsize: int
    mq_curmsgs: int


class Status(NamedTuple):
    """The text of a queue's file."""

    qsize: int
    """Bytes in all messages that wait."""
    notify: int
    """SIGEV_SIGNAL, SIGEV_NONE or SIGEV_THREAD of the registration; 0 also without one."""
    signo: int
    """The signal of a registration by SIGEV_SIGNAL; else 0."""
    notify_pid: int
    """Who is registered, as our pid namespace numbers it; 0 for nobody, or a process outside of it."""


class QueueNow(NamedTuple):
    """What a queue answered."""

    attributes: Attributes
    status: Status | None
    """None where the descriptor is for writing only."""


class QueueFile(NamedTuple):
    """A queue that has a name."""

    name: str
    """With its slash. Kernel text."""
    file: FileFacts
    now: QueueNow | None
    """None where it was refused."""


class Listing(NamedTuple):
    """The queues of one namespace."""

    device: int
    files: list[QueueFile]
    unreached: int
    """Queues that were not asked because time ran out."""
    is_of_our_namespace: bool
    """Whether that is sure."""


class _MqAttr(ctypes.Structure):
    _fields_ = [
        ("mq_flags", ctypes.c_long),
        ("mq_maxmsg", ctypes.c_long),
        ("mq_msgsize", ctypes.c_long),
        ("mq_curmsgs", ctypes.c_long),
        ("reserved", ctypes.c_long * 4),
    ]


_pread = LIBC.pread
_pread.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long)
_pread.restype = ctypes.c_ssize_t


@functools.cache
def function_of(name: str, library: ctypes.CDLL = LIBC) -> Any:
    """A call of the C library, or of librt where that still has it (glibc before 2.34). Raises Unsupported.

    A `library` that lets go of the interpreter lock is for the calls that sleep.
    """
    try:
        return getattr(library, name)
    except AttributeError:
        pass
    try:
        return getattr(type(library)("librt.so.1", use_errno=True), name)
    except (OSError, AttributeError) as error:
        raise Unsupported(name) from error


def may_be_queue(file: FileFacts) -> bool:
    """Whether it is worth the trouble to find out. It proves nothing: any file can look so."""
    return (file.size, file.blocks) == (FILE_BYTES, 0) and stat.S_ISREG(file.mode) and os.major(file.device) == 0


class Question:
    """Asks open queues, one after the other: also borrowed ones, for it keeps the interpreter lock and never sleeps."""

    def __init__(self) -> None:
        """Raises Unsupported where no library has the call."""
        self._getattr = function_of("mq_getattr")
        self._attr = _MqAttr()
        self._attr_at = ctypes.byref(self._attr)
        self._text = ctypes.create_string_buffer(FILE_BYTES * 2)
        self._read = 0

    def __call__(self, fd: int) -> int:
        """Below 0: errno holds the refusal."""
        self._read = _pread(fd, self._text, FILE_BYTES * 2, 0)
        return int(self._getattr(fd, self._attr_at))

    def answer(self) -> QueueNow:
        """Of the last queue that did not refuse."""
        attr = self._attr
        try:
            status = parse_status(self._text.raw[: self._read]) if self._read > 0 else None
        except ValueError:
            status = None
        return QueueNow(Attributes(attr.mq_maxmsg, attr.mq_msgsize, attr.mq_curmsgs), status)


def parse_status(text: bytes) -> Status:
    """`QSIZE:16  NOTIFY:0  SIGNO:0  NOTIFY_PID:0`. Raises ValueError."""
    found = _STATUS.match(text)
    if found is None:
        raise ValueError("a queue's text that is cut or odd")
    return Status(*map(int, found.groups()))


def listed(ours: Mapping[Place, int], until: float) -> Listing:
    """Every queue of the IPC namespace that the calling thread is in. Raises Denied or Unsupported.

    `ours`: descriptors of queues that this process has itself. Stops at `until` (time.monotonic()).
    """
    with detached_mount(FILE_SYSTEM) as directory:

        def open_it(name: str) -> int:
            return os.open(name, _TO_LOOK, dir_fd=directory)

        return _read(directory, open_it, ours, until)


def listed_by_mount(mounts: Sequence[Mount], ours: Mapping[Place, int], until: float) -> list[Listing]:
    """The same for who may not mount: of each mount in the table that leads to a queue file system.

    A mount may be one of another IPC namespace than ours. Opening a queue of our own namespace by its name tells: it is
    the same file, or there is none of that name, or the mount is a foreign one.
    """
    listings = []
    for mount in {one.device: one for one in mounts if _is_ours_to_list(one, mounts)}.values():
        try:
            directory = os.open(mount.mount_point, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if FileReader().of_open(directory).device == mount.device:
                listings.append(_proven(_read(directory, _open_by_name, ours, until), ours))
        except OSError:
            continue
        finally:
            os.close(directory)
    return listings


def found_by_name(name: str, place: Place) -> QueueFile | None:
    """The queue of that name in our IPC namespace, if it is the one at `place`; of which this process has none open."""
    try:
        row = _Reader().asked(name, _open_by_name)
    except OSError:
        return None
    return row if row is not None and (row.file.device, row.file.inode) == place else None


def asked_through(fd: int, place: Place) -> QueueNow | None:
    """What a queue answers through a descriptor of our own, which stays open; None where it is another file by now."""
    return _Reader().through(fd, place)


def _is_ours_to_list(mount: Mount, mounts: Sequence[Mount]) -> bool:
    return mount.fstype == FILE_SYSTEM.encode() and mount.root == b"/" and is_safe_to_walk_to(mount, mounts)


def _read(directory: int, open_it: Callable[[str], int], ours: Mapping[Place, int], until: float) -> Listing:
    reader = _Reader()
    device = reader.files.of_open(directory).device
    with os.scandir(directory) as entries:
        names = [(entry.name, entry.inode()) for entry in islice(entries, _MOST)]
    rows, reached = [], 0
    for name, inode in names:
        if not reached & _CLOCK_EVERY and time.monotonic() > until:
            break
        reached += 1
        own = ours.get((device, inode))
        try:
            row = reader.asked(name, open_it) if own is None else None
            if row is None:
                now = None if own is None else reader.through(own, (device, inode))
                row = QueueFile(f"/{name}", reader.files.facts(directory, name), now)
        except FileNotFoundError:
            continue
        rows.append(row)
    return Listing(device, rows, len(names) - reached, is_of_our_namespace=True)


class _Reader:
    """What asks many queues with the same buffers. Raises Unsupported where no library has the calls."""

    def __init__(self) -> None:
        self.files = FileReader()
        self._question = Question()

    def asked(self, name: str, open_it: Callable[[str], int]) -> QueueFile | None:
        """A queue opened for the moment; None where that is refused. Raises OSError where it is gone."""
        try:
            fd = open_it(name)
        except FileNotFoundError:
            raise
        except OSError:
            return None
        try:
            file = self.files.of_open(fd)
            return QueueFile(f"/{name}", file, self._question.answer() if self._question(fd) >= 0 else None)
        finally:
            close(fd)

    def through(self, fd: int, place: Place) -> QueueNow | None:
        """A queue of which we have a descriptor ourselves."""
        try:
            file = self.files.of_open(fd)
        except OSError:
            return None
        is_it = (file.device, file.inode) == place and self._question(fd) >= 0
        return self._question.answer() if is_it else None


def _open_by_name(name: str) -> int:
    """mq_open(3) of a queue that exists; it never makes one, for that takes O_CREAT. Raises OSError."""
    path = os.fsencode(f"/{name}")
    for mode in (os.O_RDONLY, os.O_WRONLY):
        fd: int = function_of("mq_open")(path, mode | os.O_NONBLOCK)
        if fd >= 0:
            return fd
        error = last_error("mq_open")
        if error.errno != errno.EACCES:
            break
    raise error


def _proven(listing: Listing, ours: Mapping[Place, int]) -> Listing:
    """A listing by a mount and by names: without what names led to elsewhere, and whether it is of our namespace."""
    rows = [row for row in listing.files if row.file.device == listing.device]
    opened = [row for row in rows if row.now is not None and (row.file.device, row.file.inode) not in ours]
    is_sure = bool(opened) or (bool(rows) and len(rows) == len(listing.files))
    return listing._replace(files=rows, is_of_our_namespace=is_sure)
