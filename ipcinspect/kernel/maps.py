"""Shared mappings of a process, from /proc/PID/maps (proc_pid_maps(5))."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

LIMIT = 16 << 20
"""Bytes of a maps file that are read at most: about 150,000 mappings."""

_SHARED_LINE = re.compile(
    rb"^([0-9a-f]{1,16})-([0-9a-f]{1,16}) (r|-)(w|-)(?:x|-)s ([0-9a-f]{1,16}) "
    rb"([0-9a-f]{1,5}):([0-9a-f]{1,5}) ([0-9]{1,20}) +([^\n]*)$",
    re.MULTILINE,
)
_DEVICE = re.compile(rb"-[0-9a-f]{1,16} \S{4} [0-9a-f]{1,16} ([0-9a-f]{1,5}):([0-9a-f]{1,5}) ")
_OCTAL_NEWLINE = b"\\012"


class SharedMapping(NamedTuple):
    """One mapping with the `s` flag."""

    start: int
    end: int
    readable: bool
    writable: bool
    device: int
    inode: int
    name: str
    """As the kernel prints it: a path, `/dev/zero (deleted)`, `/SYSV00005151 (deleted)`."""
    offset: int = 0
    """Where in the mapped object it begins, in bytes."""


def parse_shared(text: bytes) -> list[SharedMapping]:
    """The shared mappings in the text of a maps file; lines that are cut or odd are passed over."""
    return [
        SharedMapping(
            int(start, 16),
            int(end, 16),
            read == b"r",
            write == b"w",
            os.makedev(int(major, 16), int(minor, 16)),
            int(inode),
            os.fsdecode(name.replace(_OCTAL_NEWLINE, b"\n")),
            int(offset, 16),
        )
        for start, end, read, write, offset, major, minor, inode, name in _SHARED_LINE.findall(text)
    ]


def parse_device_at(text: bytes, start: int) -> int | None:
    """The device of the mapping that begins there, of whatever kind; None where there is none, or its line is odd."""
    line = f"{start:08x}".encode()
    place = 0 if text.startswith(line + b"-") else text.find(b"\n" + line + b"-") + 1
    if not (place or text.startswith(line + b"-")):
        return None
    found = _DEVICE.match(text, place + len(line))
    return None if found is None else os.makedev(int(found[1], 16), int(found[2], 16))
