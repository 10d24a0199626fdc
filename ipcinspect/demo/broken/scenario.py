"""What a broken scenario is, and what its processes use."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from ipcinspect.kernel import own_process
from ipcinspect.mechanisms import demo_leaving
from ipcinspect.mechanisms.demo_part import Leaving

_LEAVES = "leaves"
FILLING = bytes(1 << 20)
"""More than any pipe holds."""


class Scenario(NamedTuple):
    """Real processes that are broken in one way, until they are ended."""

    word: str
    rule: str
    """The rule that has to find it."""
    tells: str
    """One sentence: what is wrong with them."""
    begin: Callable[[str], None]
    """Runs in a process of its own, in a directory of its own, whose path it is given; never comes back in time."""


def fork(act: Callable[[], None], name: str) -> int:
    """A child that acts, and dies with us; its pid."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        become(name, parent)
        run(act)
    return pid


def become(name: str, parent: int) -> None:
    """Have a name, and end with the parent, also where that has ended already."""
    own_process.set_name(name)
    own_process.end_with_parent()
    if os.getppid() != parent:
        os._exit(0)


def run(act: Callable[[], None]) -> NoReturn:
    """Act, and end without anything of whoever forked us."""
    try:
        act()
    finally:
        os._exit(0)


def note_leaving(directory: str, leaving: Leaving) -> None:
    """Something that stays in the system: whoever cleans up the directory removes it."""
    with open(os.path.join(directory, _LEAVES), "a", encoding="ascii") as notes:
        notes.write(f"{leaving.how} {leaving.what}\n")


def clean_up(directory: str) -> None:
    """Remove what was noted, then the directory. Safe to call twice."""
    try:
        with open(os.path.join(directory, _LEAVES), encoding="ascii") as notes:
            left = [Leaving(*line.split(None, 1)) for line in notes.read().splitlines()]
    except OSError:
        left = []
    for leaving in left:
        with contextlib.suppress(OSError):
            demo_leaving.remove(leaving)
    shutil.rmtree(directory, ignore_errors=True)


def write_all(fd: int, data: bytes) -> None:
    """All of it, however long that takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def rest_for_ever() -> None:
    """Until a signal comes."""
    while True:
        own_process.wait_for_signal()


def close(*fds: int) -> None:
    """All of these."""
    for fd in fds:
        os.close(fd)
