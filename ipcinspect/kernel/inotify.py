"""Notices that a pipe is written to or read, without being one of its holders (inotify(7)).

A watch is on the inode and counts as neither reader nor writer: end of file and SIGPIPE come as if nobody watched.
Five things to know of it:

- Like events in a row become one, so it tells that something happened, never how often. At most `max_queued_events`
  wait to be read, by default 16,384; what comes then is dropped, and one event says so. The writer never waits for us.
- Whatever copies out of the pipe is a read of it, tee(2) too. Older kernels tell nothing of splice(2), vmsplice(2) and
  tee(2).
- It costs: measured on Linux 6.18, about 0.5 us for each write and each read of the watched pipe, and while any pipe is
  watched, 0.02 to 0.04 us for those of every other pipe of the machine. The last watch gone, nothing.
- It keeps the inode (not the buffers) in memory, and no event says that the last holder of a pipe is gone: whoever
  watches has to stop.
- inotify_add_watch(2) goes where a link leads to. The text of the link is looked at before, so that it is a pipe; what
  is put in its place in that very moment may be a file of a dead server, on which the call would wait. So it lets go of
  the interpreter lock and is made by a thread that can be left behind, and what is really watched is read from the
  fdinfo of the instance (`show_fdinfo` in fs/notify/fdinfo.c), which asks nobody.

One-shot watches would cost the writer less and fill no queue, but to remove one takes the mutex of the instance in the
middle of a write: a writer could wait for us.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import weakref
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ipcinspect.kernel import procfs
from ipcinspect.kernel.errors import KernelError, Unsupported, Vanished, translated
from ipcinspect.kernel.libc import LIBC, last_error

IN_ACCESS, IN_MODIFY = 0x1, 0x2
_IN_Q_OVERFLOW, _IN_IGNORED = 0x4000, 0x8000
_EVENT = struct.Struct("=iIII")  # struct inotify_event: wd, mask, cookie, len; a name of len bytes follows
_CHUNK = 1 << 16
_MOST_BYTES = 1 << 20
"""Read at a time: four times what the kernel keeps by default."""
_MARKS_LIMIT = 1 << 16
_MINOR_BITS = 20
"""The kernel's own dev_t (`sdev:`): 12 bits of major number, 20 of minor."""
_LIMITS = {
    errno.EMFILE: "fs.inotify.max_user_instances or the limit of open files is reached",
    errno.ENOSPC: "fs.inotify.max_user_watches is reached",
}

_init = LIBC["inotify_init1"]
_init.argtypes = (ctypes.c_int,)
_remove = LIBC["inotify_rm_watch"]
_remove.argtypes = (ctypes.c_int, ctypes.c_int)
_add = ctypes.CDLL(None, use_errno=True)["inotify_add_watch"]
_add.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)


class Events(NamedTuple):
    """What was queued."""

    masks: dict[int, int]
    """By watch, everything that happened; of a watch that is missing nothing was queued."""
    lost: bool
    """More happened than was queued: what does not show here may have happened all the same."""
    ended: frozenset[int]
    """Watches that the kernel removed."""
    more: bool = False
    """Not everything was read, so that what is read next may be old: better begin anew."""


class Mark(NamedTuple):
    """What a watch is really on."""

    inode: int
    device: int
    """As os.makedev numbers it."""


class Inotify:
    """One instance. It is closed by `close`, at the latest when nobody refers to it any more."""

    def __init__(self) -> None:
        """Raises Unsupported where the user has as many as he may, or a sandbox forbids it."""
        fd: int = _init(os.O_NONBLOCK | os.O_CLOEXEC)
        if fd < 0:
            raise _refused(last_error("inotify_init1"))
        self._fd = fd
        self._close = weakref.finalize(self, os.close, fd)

    def close(self) -> None:
        """Stop watching everything; safe to call twice."""
        self._close()

    def watch(self, root: str, pid: int, fd: int, inode: int) -> int:
        """Watch the pipe behind a descriptor of a process; gives the number of the watch.

        Raises Vanished, Denied or Unsupported. It may wait (see above), and only `marks` proves what is watched.
        """
        path, what = f"{root}/{pid}/fd/{fd}", f"descriptor {fd} of process {pid}"
        _check(path, inode, what)
        watch: int = _add(self._fd, path.encode(), IN_ACCESS | IN_MODIFY)
        if watch < 0:
            raise _refused(last_error(what))
        try:
            _check(path, inode, what)
        except KernelError:
            self.forget(watch)
            raise
        return watch

    def forget(self, watch: int) -> None:
        """Stop one watch; nothing happens where the kernel has removed it."""
        _remove(self._fd, watch)

    def marks(self, root: str) -> dict[int, Mark]:
        """What is watched, by watch. Raises Unsupported where this /proc does not show us."""
        try:
            return parse_marks(procfs.read_table(f"{root}/self/fdinfo/{self._fd}", _MARKS_LIMIT))
        except OSError as error:
            raise Unsupported("what is watched cannot be read") from error

    def read(self) -> Events:
        """Take what is queued, without waiting; at most 1 MiB of it."""
        parts: list[bytes] = []
        size = 0
        while size < _MOST_BYTES:
            try:
                parts.append(os.read(self._fd, _CHUNK))
            except BlockingIOError:
                return parse_events(b"".join(parts))
            size += len(parts[-1])
        return parse_events(b"".join(parts))._replace(lost=True, more=True)


def parse_events(data: bytes) -> Events:
    """What was read of an instance; an event that is cut is left out."""
    masks: dict[int, int] = {}
    for watch, mask, _, _ in _rows(data):
        masks[watch] = masks.get(watch, 0) | mask
    lost = any(mask & _IN_Q_OVERFLOW for mask in masks.values())
    return Events(masks, lost, frozenset(watch for watch, mask in masks.items() if mask & _IN_IGNORED))


def _rows(data: bytes) -> Iterable[tuple[int, int, int, int]]:
    """The events, like ones perhaps once: a full queue has 16,384 of them, of few kinds and without names."""
    nameless = set(_EVENT.iter_unpack(data[: len(data) // _EVENT.size * _EVENT.size]))
    return nameless if not any(length for *_, length in nameless) else _rows_one_by_one(data)


def _rows_one_by_one(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    place, last = 0, len(data) - _EVENT.size
    while place <= last:
        watch, mask, cookie, length = _EVENT.unpack_from(data, place)
        yield watch, mask, cookie, length
        place += _EVENT.size + length


def parse_marks(fdinfo: bytes) -> dict[int, Mark]:
    """The `inotify wd:1 ino:9e7e sdev:800013 ...` lines of an fdinfo; one that makes no sense is passed over."""
    found = {}
    for line in fdinfo.splitlines():
        if line.startswith(b"inotify "):
            fields = dict(word.split(b":", 1) for word in line.split()[1:4] if b":" in word)
            try:
                watch, inode, device = (int(fields[name], 16) for name in (b"wd", b"ino", b"sdev"))
                found[watch] = Mark(inode, os.makedev(device >> _MINOR_BITS, device & ((1 << _MINOR_BITS) - 1)))
            except (KeyError, ValueError, OverflowError):
                continue
    return found


def _check(path: str, inode: int, what: str) -> None:
    """Raises Vanished, Denied or Unsupported unless the link of a descriptor says that it is this anonymous pipe."""
    try:
        target = os.readlink(path)
    except OSError as error:
        raise translated(error, what) from error
    if target != f"pipe:[{inode}]":
        raise Vanished(what)


def _refused(error: OSError) -> KernelError:
    limit = _LIMITS.get(error.errno or 0)
    return Unsupported(limit) if limit else translated(error, str(error.filename))
