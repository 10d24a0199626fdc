"""The descriptor table of a process: one readlinkat(2) for each entry of /proc/PID/fd, never an open.

The text of a link says what pipes, sockets and anonymous inodes are. Every other link is typed by statx(2) with
AT_STATX_DONT_SYNC: stat(2) would ask the file server behind it and hang for good on a dead one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from enum import IntEnum
from typing import NamedTuple

from ipcinspect.kernel import procfs
from ipcinspect.kernel.errors import Denied, Vanished
from ipcinspect.kernel.libc import FileFacts, FileReader
from ipcinspect.kernel.mqueue import may_be_queue

_CLOCK_EVERY = 0xFF
_EVENTFD = "anon_inode:[eventfd]"
_PTMX = os.makedev(5, 2)
_TERMINALS = frozenset((5, *range(136, 144)))
"""Major numbers of /dev/tty, /dev/ptmx and the slaves of pseudo-terminals."""
_INFO_LIMIT = 1 << 20
"""Bytes of one fdinfo: an epoll has a line for each of what may be 100,000 targets."""
_OPEN = 0o600
"""Bits of a link: open for reading, for writing. A descriptor with neither (O_PATH) is no end of anything."""
_TOO_LONG = "/(a path too long to be told)"
"""For a file below so many directories that the kernel refuses the text of the link."""
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
    stat.S_IFLNK: "link",
    stat.S_IFSOCK: "socket",
    stat.S_IFIFO: "fifo",
}


class PipeEnd(NamedTuple):
    """A descriptor of an anonymous pipe."""

    fd: int
    inode: int
    reads: bool
    writes: bool


class FifoEnd(NamedTuple):
    """A descriptor of a pipe with a name."""

    fd: int
    path: str
    reads: bool
    writes: bool
    file: FileFacts


class SocketEnd(NamedTuple):
    """A descriptor of a socket."""

    fd: int
    inode: int


class OtherEnd(NamedTuple):
    """A descriptor of anything else."""

    fd: int
    target: str
    file: FileFacts | None
    """None for what has no file behind it."""
    info: bytes | None = None
    """The text of its fdinfo, where that was wanted and readable: see `Detail`."""
    is_open: bool = True
    """Of a terminal: False where it is a place alone (O_PATH), through which nothing is read or written."""

    @property
    def kind(self) -> str:
        """What it is: `file`, `directory`, `device`, `link`, `fifo`, or the kernel's own word (`anon_inode`, `mnt`)."""
        if self.file is not None and self.target.startswith(("/", "(unreachable)")):
            return _KINDS.get(stat.S_IFMT(self.file.mode), "file")
        return self.target.split(":", 1)[0]


class Detail(IntEnum):
    """How much is read of descriptors that are neither pipe, FIFO nor socket."""

    NOTHING = 0
    """They are left out."""
    CHANNELS = 1
    """All are listed; with the fdinfo of eventfds, of pty masters and of what may be queues."""
    EVERYTHING = 2
    """With the fdinfo of everything that has no file behind it: what an epoll watches, whom a pidfd means."""


class Table(NamedTuple):
    """What one process has open."""

    pipes: list[PipeEnd]
    fifos: list[FifoEnd]
    sockets: list[SocketEnd]
    others: list[OtherEnd]
    """Empty unless asked for."""
    refused: int
    """Descriptors whose link was refused."""
    unreached: int
    """Descriptors that were not looked at because time ran out."""
    untyped: int
    """Descriptors of which the kernel would not say what file is behind them."""
    listed: int = 0
    """All that it has open, looked at or not."""


def read_table(process: int, detail: Detail, until: float) -> Table:
    """The descriptors of a process, given its directory descriptor. Raises Denied or Vanished.

    Stops at `until` (time.monotonic()): a process may have a million of them.

    A descriptor that is closed while the table is read is left out: it is no longer open.
    """
    try:
        directory = os.open("fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=process)
    except PermissionError as error:
        raise Denied("descriptors") from error
    except OSError as error:
        raise Vanished("descriptors") from error
    try:
        table = _read_entries(directory, os.listdir(directory), detail > Detail.NOTHING, until)
    except PermissionError as error:
        raise Denied("descriptors") from error
    except OSError as error:
        raise Vanished("descriptors") from error
    finally:
        os.close(directory)
    return table._replace(others=[_informed(process, end, detail) for end in table.others]) if table.others else table


def _informed(process: int, end: OtherEnd, detail: Detail) -> OtherEnd:
    """The same with its fdinfo where that is wanted; without where it is refused, or the descriptor closed by now."""
    file = end.file
    is_wanted = end.target == _EVENTFD if file is None else file.rdev == _PTMX or may_be_queue(file)
    if not (is_wanted or (detail is Detail.EVERYTHING and end.file is None)):
        return end
    try:
        return end._replace(info=procfs.read_file(process, f"fdinfo/{end.fd}", _INFO_LIMIT))
    except OSError:
        return end


def _read_entries(directory: int, names: list[str], with_others: bool, until: float) -> Table:
    pipes: list[PipeEnd] = []
    fifos: list[FifoEnd] = []
    sockets: list[SocketEnd] = []
    others: list[OtherEnd] = []
    refused = reached = untyped = 0
    files = FileReader()
    readlink, lstat, new = os.readlink, os.lstat, tuple.__new__
    for name in names:
        reached += 1
        if not reached & _CLOCK_EVERY and time.monotonic() > until:
            break
        try:
            target = readlink(name, dir_fd=directory)
            if target.startswith("socket:["):
                sockets.append(new(SocketEnd, (int(name), int(target[8:-1]))))
            elif target.startswith("pipe:["):
                mode = lstat(name, dir_fd=directory).st_mode
                if mode & _OPEN:
                    end = (int(name), int(target[6:-1]), bool(mode & 0o400), bool(mode & 0o200))
                    pipes.append(new(PipeEnd, end))
                elif with_others:
                    others.append(OtherEnd(int(name), target, None))
            elif not target.startswith("anon_inode:"):
                _sort_file(files, directory, name, target, fifos, others, with_others)
            elif with_others:
                others.append(OtherEnd(int(name), target, None))
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError:
            refused += 1
        except _Untyped:
            untyped += 1
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                untyped += 1
                continue
            with contextlib.suppress(FileNotFoundError, _Untyped):
                _sort_file(files, directory, name, _TOO_LONG, fifos, others, with_others)
    return Table(pipes, fifos, sockets, others, refused, len(names) - reached, untyped, len(names))


class _Untyped(Exception):
    """statx(2) refuses: a file system of another user (FUSE), or one that is ill."""


def _sort_file(
    files: FileReader,
    directory: int,
    name: str,
    target: str,
    fifos: list[FifoEnd],
    others: list[OtherEnd],
    with_others: bool,
) -> None:
    try:
        kind = stat.S_IFMT(files.mode(directory, name))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _Untyped from error
    mode = os.lstat(name, dir_fd=directory).st_mode if kind == stat.S_IFIFO else 0
    if mode & _OPEN:
        fifos.append(FifoEnd(int(name), target, bool(mode & 0o400), bool(mode & 0o200), files.latest()))
    elif with_others:
        facts = files.latest()
        is_terminal = kind == stat.S_IFCHR and os.major(facts.rdev) in _TERMINALS
        is_open = not is_terminal or bool(os.lstat(name, dir_fd=directory).st_mode & _OPEN)
        others.append(OtherEnd(int(name), target, facts, None, is_open))
