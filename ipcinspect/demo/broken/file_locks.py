"""Two processes with a lock of a file each, and each wants the other's."""

from __future__ import annotations

import fcntl
import os

from ipcinspect.demo.broken.scenario import Scenario, close, fork


def _begin(directory: str) -> None:
    paths = [os.path.join(directory, name) for name in ("first", "second")]
    for path in paths:
        close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    (told, tell), (asked, ask) = os.pipe(), os.pipe()

    def second() -> None:
        close(told, ask)
        _lock(paths[1])
        os.write(tell, b".")
        os.read(asked, 1)
        close(tell, asked)
        _lock(paths[0])

    fork(second, "broken-second")
    close(tell, asked)
    _lock(paths[0])
    os.read(told, 1)
    os.write(ask, b".")
    close(told, ask)
    _lock(paths[1])


def _lock(path: str) -> None:
    fcntl.flock(os.open(path, os.O_RDWR), fcntl.LOCK_EX)


SCENARIO = Scenario(
    "file-lock-deadlock",
    "file-lock-deadlock",
    "two processes hold a lock of a file each and wait for the other's",
    _begin,
)
