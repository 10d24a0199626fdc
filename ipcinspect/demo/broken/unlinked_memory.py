"""Shared memory of two processes whose name is gone."""

from __future__ import annotations

import mmap
import os

from ipcinspect.demo.broken.scenario import Scenario, fork, rest_for_ever


def _begin(directory: str) -> None:
    path = f"/dev/shm/ipcinspect-demo-{os.getpid()}-{os.urandom(4).hex()}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.unlink(path)
    os.ftruncate(fd, mmap.PAGESIZE)
    memory = mmap.mmap(fd, mmap.PAGESIZE)
    fork(rest_for_ever, "broken-second")
    memory[0] = 1
    rest_for_ever()


SCENARIO = Scenario(
    "deleted-but-mapped", "deleted-but-mapped", "two processes use shared memory whose name is gone", _begin
)
