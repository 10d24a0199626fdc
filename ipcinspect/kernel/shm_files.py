"""The files of a tmpfs at /dev/shm (shm_overview(7)), seen from inside the mount namespace of one process.

Steps are taken one directory at a time, following no link: an absolute link of a foreign namespace would lead into our
own. The caller has read in mountinfo that no server of a user stands on the way. What is opened is opened as O_PATH
first, which asks nobody, and only if that is still the regular file that was meant is it opened for reading: the open
of a FIFO that took its place would release its writer. A file that somebody has a lease on is not opened at all: that
would break the lease.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
import struct
import time
from typing import NamedTuple

from ipcinspect.kernel import locks
from ipcinspect.kernel.errors import KernelError, Unsupported, Vanished, translated
from ipcinspect.kernel.libc import FileFacts, FileReader
from ipcinspect.kernel.locks import LockPlace

MOUNT_POINT = b"/dev/shm"
_STEPS = ("dev", "shm")
_MOST_FILES = 50_000
"""Files of one tmpfs that are listed at most."""
_MOST_VALUES = 2_000
"""Semaphores of one tmpfs whose value is read at most."""
_CLOCK_EVERY = 0x3F
_PATH_ONLY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_ONLY = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
SEMAPHORE_PREFIX = "sem."
SEMAPHORE_BYTES = frozenset((16, 32))
"""Size of sem_t in 32-bit and in 64-bit programs."""

# struct new_sem of glibc (sysdeps/nptl/internaltypes.h) on 64-bit machines: value, waiters, private. musl keeps the
# same three words in the same order, with the highest bit of the value as a mark.
_SEMAPHORE = struct.Struct("<III")
_KNOWN_BYTES = 32
_VALUE_MASK = 0x7FFFFFFF
_SHARED_MARKS = frozenset((0, 128))


class SemaphoreNow(NamedTuple):
    """What the C library keeps in the file of a named semaphore (sem_overview(7))."""

    value: int
    waiters: int
    """Threads in sem_wait(3), by the count that they keep themselves: one that was killed there stays counted."""


class ShmFile(NamedTuple):
    """A regular file directly in the directory."""

    name: str
    """Kernel text."""
    file: FileFacts
    semaphore: SemaphoreNow | None
    """None where it is none, or of an unknown layout, or may not be read."""


class ShmListing(NamedTuple):
    """What one tmpfs has."""

    files: list[ShmFile]
    unreached: int
    """Entries that were not looked at, for their number or for time."""


def parse_semaphore(data: bytes, size: int) -> SemaphoreNow | None:
    """Value and waiters in the first bytes of a file of that size; None where it is laid out otherwise.

    Files of 32-bit programs (16 bytes) have another layout, which depends on the version of their C library.
    """
    if size != _KNOWN_BYTES or len(data) < _SEMAPHORE.size:
        return None
    value, waiters, shared = _SEMAPHORE.unpack_from(data)
    return SemaphoreNow(value & _VALUE_MASK, waiters) if shared in _SHARED_MARKS else None


def list_files(root: str, door: str, device: int, until: float) -> ShmListing:
    """The regular files in /dev/shm as the process `door` of that /proc sees it; subdirectories are not entered.

    Raises Vanished (also where another file system is there by now), Denied or Unsupported.
    """
    directory = open_directory(root, door, device)
    try:
        with os.scandir(directory) as entries:
            some = itertools.islice(entries, _MOST_FILES)
            names = [entry.name for entry in some if entry.is_file(follow_symlinks=False)]
            more = sum(1 for _ in itertools.islice(entries, _MOST_FILES))
        return _listing(root, directory, names, device, more, until)
    except OSError as error:
        raise translated(error, "/dev/shm") from error
    finally:
        os.close(directory)


def open_directory(root: str, door: str, device: int) -> int:
    """A descriptor of /dev/shm as the process `door` sees it, if that device is there; the caller closes it.

    Raises Vanished, Denied or Unsupported.
    """
    try:
        at = os.open(f"{root}/{door}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise translated(error, f"root directory of process {door}") from error
    try:
        for step in _STEPS:
            inner = os.open(step, _PATH_ONLY | os.O_DIRECTORY, dir_fd=at)
            os.close(at)
            at = inner
        if FileReader().of_entry(at, "").device != device:
            raise Vanished("the tmpfs at /dev/shm")
        return _quietly(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, at)
    except OSError as error:
        raise translated(error, "/dev/shm") from error
    finally:
        os.close(at)


def open_file(
    root: str, directory: int, name: str, device: int, inode: int, spared: frozenset[LockPlace] | None = None
) -> int:
    """A descriptor to read the regular file of that name, if it is still the one meant; the caller closes it.

    `spared` are not opened; None: those with a lease. Raises Vanished, Denied or Unsupported.
    """
    try:
        return reopened(root, os.open(name, _PATH_ONLY, dir_fd=directory), device, inode, spared)
    except OSError as error:
        raise translated(error, "file in /dev/shm") from error


def reopened(root: str, path: int, device: int, inode: int, spared: frozenset[LockPlace] | None = None) -> int:
    """The same regular file, open for reading, for an O_PATH descriptor of ours, which is closed.

    Raises OSError (ENOENT where it is another file), and Unsupported where somebody has a lease on it.
    """
    try:
        if (device, inode) in (leased(root) if spared is None else spared):
            raise Unsupported("a file with a lease on it, which to open would break")
        file = FileReader().of_entry(path, "")
        if (file.device, file.inode) != (device, inode) or not stat.S_ISREG(file.mode):
            raise FileNotFoundError(errno.ENOENT, "another file by now")
        return _quietly(f"{root}/self/fd/{path}", _READ_ONLY, None)
    finally:
        os.close(path)


def leased(root: str) -> frozenset[LockPlace]:
    """Files that somebody has a lease on; none where the table of locks cannot be read.

    A kernel without that table (CONFIG_FILE_LOCKING) has no leases.
    """
    try:
        return locks.leased(root)
    except KernelError:
        return frozenset()


def _quietly(path: str, flags: int, directory: int | None) -> int:
    """Opened without leaving a time of access, as far as this user may. Raises OSError."""
    try:
        return os.open(path, flags | os.O_NOATIME, dir_fd=directory)
    except PermissionError as error:
        if error.errno != errno.EPERM:
            raise
        return os.open(path, flags, dir_fd=directory)


def _listing(root: str, directory: int, names: list[str], device: int, more: int, until: float) -> ShmListing:
    files: list[ShmFile] = []
    reader, values = FileReader(), 0
    spared: frozenset[LockPlace] | None = None
    for place, name in enumerate(names):
        if not place & _CLOCK_EVERY and time.monotonic() > until:
            return ShmListing(files, more + len(names) - place)
        with contextlib.suppress(FileNotFoundError):
            file = reader.of_entry(directory, name)
            if file.device != device or not stat.S_ISREG(file.mode):
                continue  # something else is mounted there
            now = None
            if name.startswith(SEMAPHORE_PREFIX) and file.size == _KNOWN_BYTES and values < _MOST_VALUES:
                values += 1
                spared = leased(root) if spared is None else spared
                now = _semaphore(root, directory, name, file, spared)
            files.append(ShmFile(name, file, now))
    return ShmListing(files, more)


def _semaphore(
    root: str, directory: int, name: str, file: FileFacts, spared: frozenset[LockPlace]
) -> SemaphoreNow | None:
    try:
        fd = open_file(root, directory, name, file.device, file.inode, spared)
    except KernelError:
        return None
    try:
        return parse_semaphore(os.pread(fd, _SEMAPHORE.size, 0), file.size)
    except OSError:
        return None
    finally:
        os.close(fd)
