"""Containers, as far as the kernel is concerned: processes with namespaces of their own, and what happens in them.

A container is a subject below `unshare` with its own network (loopback is up), IPC objects, mounts (an empty /dev/shm
and an empty directory at a place that the test chooses), pids and host name. It does what it is told: it starts demo
pairs, which then live inside, and runs code. Pids that it says are its own; `outside` translates them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ipcinspect.mechanisms.room import Room
from tests.live.subjects import Subject, until

ROOT = Path(__file__).resolve().parents[2]
ISOLATED = (
    "unshare", "--net", "--ipc", "--mount", "--propagation", "private", "--pid", "--uts", "--fork", "--kill-child",
    "--mount-proc",
)  # fmt: skip
"""The first process inside is a child of `unshare`, and ends with it."""
OF_ANOTHER_USER = ("--user", "--map-root-user")

INSIDE = """
sys.path.insert(0, ARGS[0])
import importlib
from ipcinspect.demo import DemoPair
for place in ("/dev/shm", ARGS[1]):
    checked(LIBC.mount(b"tmpfs", place.encode(), b"tmpfs", 0, None))
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running
pairs = []
def start(room, variant):
    try:
        pair = DemoPair.start(importlib.import_module(room), variant, below=ARGS[1])
    except OSError as error:
        return say(None, error.errno, str(error))
    pairs.append(pair)
    pair.open()
    say(pair.sender_pid, pair.receiver_pid, pair.maker_pid)
say(os.getpid())
while True:
    what, *words = order()
    if what == "start": start(*words)
    elif what == "end": pairs.pop().end(); say()
    else: exec(what)
"""


class Pair(NamedTuple):
    """A demo pair inside, by its pids outside."""

    sender_pid: int
    receiver_pid: int
    maker_pid: int
    """The process that made the object and holds no end."""


class Container:
    """One set of namespaces with at least one process in it; `end` ends them all."""

    def __init__(self, place: Path, command: tuple[str, ...] = ISOLATED) -> None:
        """`place`: an existing directory; inside it is another, empty one of the same name."""
        self._subject = Subject(INSIDE, str(ROOT), str(place), command=command)
        self.first_pid = _only_child(self._subject.pid)

    def namespace(self, kind: str) -> int:
        """The inode of its `net`, `ipc`, `mnt`, `pid` or `user` namespace."""
        return inode_of(self.first_pid, kind)

    def outside(self, *pids: int) -> tuple[int, ...]:
        """The pids here of processes that have these pids inside."""
        space = self.namespace("pid")
        outer = {_inner(each, space): each for each in map(int, filter(str.isdecimal, os.listdir("/proc")))}
        return tuple(outer[pid] for pid in pids)

    @contextmanager
    def pair(self, room: Room, variant: str) -> Iterator[Pair]:
        """A demo pair that lives inside, its ends open. Skips where this machine lacks the family of addresses."""
        sender, *rest = self._subject.ask(["start", room.__name__, variant])  # type: ignore[attr-defined]
        if sender is None:
            number, message = rest
            if number in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                pytest.skip(f"{room.NAME} {variant}: {message}")
            raise OSError(number, message)
        yield Pair(*self.outside(sender, *rest))
        self._subject.ask(["end"])

    def run(self, code: str) -> list[Any]:
        """Run code in its first process, which has to `say` something; the answer. What it makes stays."""
        return self._subject.ask([code])

    def end(self) -> None:
        """Gone, with every process in it; safe to call twice."""
        self._subject.end()


def _inner(pid: int, space: int) -> int | None:
    """The pid of a process inside a namespace of pids, None for one that is not inside."""
    try:
        if inode_of(pid, "pid") != space:
            return None
        with open(f"/proc/{pid}/status", "rb") as file:
            return next(int(line.split()[-1]) for line in file if line.startswith(b"NSpid:"))
    except (OSError, StopIteration):
        return None


def inode_of(pid: int, kind: str) -> int:
    """The inode of a process's namespace."""
    return int(os.readlink(f"/proc/{pid}/ns/{kind}").partition("[")[2][:-1])


@contextmanager
def two_containers(place: Path, *options: str) -> Iterator[tuple[Container, Container]]:
    """Two that differ in every namespace; `options`: more for `unshare`."""
    started: list[Container] = []
    try:
        for _ in range(2):
            started.append(Container(place, (*ISOLATED, *options)))
        yield started[0], started[1]
    finally:
        for container in started:
            container.end()


def _only_child(pid: int) -> int:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return int(until(lambda: path.read_text().split(), f"a child of {pid}")[0])
