"""What stands in memory that a process has mapped, read so that nothing is allocated and no record changes.

Memory is mostly holes: pages that nobody has written, which do not exist and read as zeros. A hole has to stay one, so
only populated runs are read: of a file of the kernel's own (tmpfs) by lseek(2) SEEK_DATA and pread(2) through a
descriptor of our own; of a process's memory by the pages that its page table has (ioctl PAGEMAP_SCAN,
proc_pid_pagemap(5)) and process_vm_readv(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from ipcinspect.kernel import procfs, shm_files
from ipcinspect.kernel.borrow import Lender
from ipcinspect.kernel.errors import Unsupported, Vanished, translated
from ipcinspect.kernel.libc import LIBC, FileFacts, FileReader
from ipcinspect.kernel.maps import SharedMapping

PAGE = os.sysconf("SC_PAGESIZE")
_MOST_RUNS = 256
_PAGEMAP_SCAN = 0xC0606610
_PAGE_IS_PRESENT = 1 << 3
_SCAN = struct.Struct("=12Q")
_REGION = struct.Struct("=QQQ")
_PRESENT_BIT = 1 << 63
_ENTRY_BYTES = 8
_TABLE_CHUNK = 1 << 20
_MOST_TABLE = 64 << 20
"""Bytes of a page table that are read at most on kernels before 6.7: entries of 32 GiB."""

_FREE = ctypes.CDLL(None, use_errno=True)
"""Lets go of the interpreter lock: a page may have to come from a disk."""
_readv = _FREE.process_vm_readv
_readv.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong)
_readv.restype = ctypes.c_ssize_t
_ioctl = _FREE.ioctl
_ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)
_open = LIBC.open
_open.argtypes = (ctypes.c_char_p, ctypes.c_int, ctypes.c_int)
_QUIETLY = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOATIME


class Run(NamedTuple):
    """Populated bytes that lie together."""

    offset: int
    """In the object."""
    size: int
    data: bytes
    """As much of it as was wanted."""


class MemoryCopy(NamedTuple):
    """What was copied of one object."""

    runs: list[Run]
    size: int | None
    """Bytes of the whole object, with its holes."""
    populated_bytes: int | None
    """Bytes of it that exist; None where that is not told."""
    is_whole: bool
    """Whether every populated byte that could be found is in `runs`."""


class _OpenQuestion:
    """To be asked of a borrowed descriptor of memory: the same file, opened for reading by us (proc_pid_fd(5)).

    Read through the borrowed one, it would keep a new time of access. Ours leaves none, as far as this user may.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def __call__(self, fd: int) -> int:
        """A descriptor of our own, which the caller closes; below 0: errno holds the refusal."""
        path = f"{self._root}/self/fd/{fd}".encode()
        own = int(_open(path, _QUIETLY, 0))
        if own < 0 and ctypes.get_errno() == errno.EPERM:  # O_NOATIME is for its owner
            own = int(_open(path, _QUIETLY & ~os.O_NOATIME, 0))
        return own


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def facts_of(root: str, pid: int, mapping: SharedMapping) -> FileFacts | None:
    """What statx(2) tells of a mapped object of the kernel's own; None where it is refused or another one by now."""
    try:
        process = procfs.open_process(root, pid)
    except OSError:
        return None
    try:
        reader = FileReader()
        reader.mode(process, _link(mapping))
        file = reader.facts(process, _link(mapping))
    except OSError:
        return None
    finally:
        os.close(process)
    return file if (file.device, file.inode) == (mapping.device, mapping.inode) else None


def copy_mapped(root: str, pid: int, mapping: SharedMapping, most: int) -> MemoryCopy:
    """Through /proc/PID/map_files (root alone may): only for memory of the kernel's own, never for a user's file.

    Raises Vanished, Denied or Unsupported.
    """
    what = f"map_files of process {pid}"
    try:
        process = procfs.open_process(root, pid)
        try:
            path = os.open(_link(mapping), os.O_PATH | os.O_CLOEXEC, dir_fd=process)
        finally:
            os.close(process)
        fd = shm_files.reopened(root, path, mapping.device, mapping.inode)
    except OSError as error:
        raise translated(error, what) from error
    return _copied_and_closed(fd, most, what)


def copy_file(root: str, door: str, name: str, device: int, inode: int, most: int) -> MemoryCopy:
    """Of a file in /dev/shm. Raises Vanished, Denied or Unsupported."""
    directory = shm_files.open_directory(root, door, device)
    try:
        fd = shm_files.open_file(root, directory, name, device, inode)
    finally:
        os.close(directory)
    return _copied_and_closed(fd, most, "file in /dev/shm")


def copy_lent(root: str, lender: Lender, fd: int, device: int, inode: int, most: int) -> MemoryCopy:
    """Of memory that a process has a descriptor of. Raises Vanished, Denied or Unsupported."""
    what = f"descriptor {fd}"
    link = lender.link_of(fd)
    if not lender.is_file(fd, device, inode):
        raise Vanished(what)
    if (device, inode) in shm_files.leased(root):
        raise Unsupported("memory with a lease on it, which to open would break")
    file, own = lender.ask(fd, link, inode, _OpenQuestion(root))
    if file.device != device:
        os.close(own)
        raise Vanished(what)
    return _copied_and_closed(own, most, what)


def copy_resident(root: str, pid: int, starttime: int, mapping: SharedMapping, most: int) -> MemoryCopy:
    """The pages of a mapping that are in the page table of its process, by process_vm_readv(2).

    Pages that the process never touched are not found, though others may have filled them. The caller has made sure
    that the pid means the same process to system calls. Raises Vanished, Denied or Unsupported.
    """
    what = f"memory of process {pid}"
    try:
        process = procfs.open_process(root, pid)
        try:
            if procfs.parse_stat(procfs.read_file(process, "stat")).starttime != starttime:
                raise Vanished(what)
            table = os.open("pagemap", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
            try:
                regions, is_whole = _resident(table, mapping.start, mapping.end)
            finally:
                os.close(table)
            runs = list(_read_regions(pid, regions, mapping, most))
            procfs.read_file(process, "stat")  # fails with ESRCH where the pid means another process by now
        finally:
            os.close(process)
    except (OSError, ValueError) as error:
        raise translated(error, what) if isinstance(error, OSError) else Vanished(what) from error
    populated = sum(end - start for start, end in regions)
    return MemoryCopy(runs, None, populated, is_whole and sum(len(run.data) for run in runs) == populated)


def _link(mapping: SharedMapping) -> str:
    return f"map_files/{mapping.start:x}-{mapping.end:x}"


def _copied_and_closed(fd: int, most: int, what: str) -> MemoryCopy:
    try:
        return copy_runs(fd, most)
    except OSError as error:
        raise translated(error, what) from error
    finally:
        os.close(fd)


def copy_runs(fd: int, most: int) -> MemoryCopy:
    """The populated runs behind a descriptor of our own, whose position nobody shares. Raises OSError."""
    file = FileReader().of_entry(fd, "")
    runs: list[Run] = []
    left = most
    for start, end in _data_runs(fd, file.size):
        if left <= 0 or len(runs) >= _MOST_RUNS:
            return MemoryCopy(runs, file.size, file.blocks * 512, False)
        data = os.pread(fd, min(left, end - start), start)
        runs.append(Run(start, end - start, data))
        left -= len(data)
    is_whole = all(len(run.data) == run.size for run in runs)
    return MemoryCopy(runs, file.size, file.blocks * 512, is_whole)


def _data_runs(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """(start, end) of what is no hole."""
    end = 0
    while end < size:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
            end = os.lseek(fd, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # no data behind here
                return
            raise
        yield start, end


def _resident(table: int, start: int, end: int) -> tuple[list[tuple[int, int]], bool]:
    """Address ranges in the page table, and whether these are all. Raises OSError."""
    try:
        return _scanned(table, start, end)
    except OSError as error:
        if error.errno not in (errno.ENOTTY, errno.EINVAL):
            raise
    return _read_table(table, start, end)


def _scanned(table: int, start: int, end: int) -> tuple[list[tuple[int, int]], bool]:
    """By PAGEMAP_SCAN (Linux 6.7): skips what is not there at once, however large it is."""
    regions = ctypes.create_string_buffer(_REGION.size * _MOST_RUNS)
    request = ctypes.create_string_buffer(
        _SCAN.pack(
            _SCAN.size, 0, start, end, 0, ctypes.addressof(regions), _MOST_RUNS, 0,
            0, _PAGE_IS_PRESENT, 0, _PAGE_IS_PRESENT,
        ),
        _SCAN.size,
    )  # fmt: skip
    found = int(_ioctl(table, _PAGEMAP_SCAN, ctypes.addressof(request)))
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    rows = [_REGION.unpack_from(regions, _REGION.size * place)[:2] for place in range(found)]
    return rows, found < _MOST_RUNS


def _read_table(table: int, start: int, end: int) -> tuple[list[tuple[int, int]], bool]:
    """By reading an entry for each page, as far as that is done in reasonable time."""
    first, last = start // PAGE * _ENTRY_BYTES, end // PAGE * _ENTRY_BYTES
    stop = min(last, first + _MOST_TABLE)
    rows: list[tuple[int, int]] = []
    while first < stop:
        entries = os.pread(table, min(_TABLE_CHUNK, stop - first), first)
        if not entries:
            break
        for place in present_pages(entries):
            at = (first // _ENTRY_BYTES + place) * PAGE
            if rows and rows[-1][1] == at:
                rows[-1] = (rows[-1][0], at + PAGE)
            elif len(rows) >= _MOST_RUNS:
                return rows, False
            else:
                rows.append((at, at + PAGE))
        first += len(entries) // _ENTRY_BYTES * _ENTRY_BYTES or _ENTRY_BYTES
    return rows, stop == last


def present_pages(entries: bytes) -> list[int]:
    """Numbers of the entries of a page table that have their page in memory; an entry that is cut is passed over."""
    whole = len(entries) // _ENTRY_BYTES * _ENTRY_BYTES
    if not entries[:whole].strip(b"\0"):
        return []
    return [place for place, (entry,) in enumerate(struct.iter_unpack("=Q", entries[:whole])) if entry & _PRESENT_BIT]


def _read_regions(pid: int, regions: list[tuple[int, int]], mapping: SharedMapping, most: int) -> Iterator[Run]:
    left = most
    for start, end in regions:
        if left <= 0:
            return
        data = _read(pid, start, min(left, end - start))
        if data:
            left -= len(data)
            yield Run(mapping.offset + start - mapping.start, end - start, data)


def _read(pid: int, address: int, size: int) -> bytes:
    """Bytes of a process's memory; fewer, or none, where it was unmapped meanwhile. Raises OSError."""
    buffer = ctypes.create_string_buffer(size)
    ours, theirs = _Vector(ctypes.addressof(buffer), size), _Vector(address, size)
    count = int(_readv(pid, ctypes.addressof(ours), 1, ctypes.addressof(theirs), 1, 0))
    if count < 0:
        number = ctypes.get_errno()
        if number == errno.EFAULT:
            return b""
        raise OSError(number, os.strerror(number))
    return buffer.raw[:count]
