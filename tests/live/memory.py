"""What the tests of shared memory have in common: an object of a fresh name, and how its channel is found."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ipcinspect.model.channel import Channel
from ipcinspect.model.contents import Contents
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.sources.live import LiveSource
from tests.live.test_without_privilege import NOBODY, ROOT, nobody  # noqa: F401 (a fixture)

SHM = Path("/dev/shm")
MOST = 65536
TERA = 1 << 40


def only(snapshot: Snapshot, mechanism: str, fits: Callable[[Channel], bool]) -> Channel:
    """The one channel of a mechanism that fits."""
    found = [channel for channel in snapshot.channels if channel.mechanism == mechanism and fits(channel)]
    assert len(found) == 1, [channel.id for channel in found]
    return found[0]


def at(snapshot: Snapshot, mechanism: str, path: os.PathLike[str] | int) -> Channel:
    """The one channel of that file, by device and inode."""
    file = os.stat(path)
    return only(snapshot, mechanism, lambda channel: channel.key[1:3] == (file.st_dev, file.st_ino))


def peeked(channel: Channel, most: int = MOST) -> Contents:
    """What is in it, by a program that just looked."""
    source = LiveSource()
    source.take(Want())
    contents = source.peek(channel.key, most)
    assert contents is not None
    return contents


MAPS = """
fd = os.open(ARGS[0], os.O_RDWR)
mapped = mmap.mmap(fd, os.fstat(fd).st_size)
os.close(fd)
say(); stay()
"""
