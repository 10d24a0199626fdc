"""Pipes that a test has watched, and what shows of it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.snapshot import Light, Snapshot, Want
from ipcinspect.sources.live import LiveSource
from tests.live.subjects import inode

SILENT, WRITTEN, READ, BOTH = Light(False, False), Light(True, False), Light(False, True), Light(True, True)


class Pipe:
    """A pipe of the test."""

    def __init__(self) -> None:
        self.r, self.w = os.pipe()
        self.key = ChannelKey("pipe", os.fstat(self.r).st_dev, inode(self.r))

    def close(self) -> None:
        """Safe to call twice."""
        for fd in (self.r, self.w):
            if fd >= 0:
                os.close(fd)
        self.r = self.w = -1


def watched(source: LiveSource, *pipes: Pipe) -> Snapshot:
    """A look that wishes for these pipes."""
    return source.take(Want(lights=tuple(pipe.key for pipe in pipes)))


def instances(pid: int | str = "self") -> list[str]:
    """The fdinfo of every inotify that a process has."""
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/{pid}/fd/{fd}") == "anon_inode:inotify":
                found.append(Path(f"/proc/{pid}/fdinfo/{fd}").read_text())
    return found
