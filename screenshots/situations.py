"""Real situations to take pictures of: every mechanism's demo pair, and some that went wrong. All names hold `demo`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ipcinspect.demo import DemoPair
from ipcinspect.demo.breaking import Broken
from ipcinspect.demo.broken import SCENARIOS
from ipcinspect.kernel import sysv
from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.mechanisms.room import Room

BROKEN = ("deadlock", "wait-before-read", "file-lock-deadlock", "eof-held-open", "listener-not-accepting", "slow-stage")
"""Scenarios of `ipcinspect demo --broken` that run while the pictures are taken."""
ROOT = Path(__file__).resolve().parents[1]

_MADE_BY_A_CACHE = """
import sys
from ipcinspect.kernel import own_process, sysv
own_process.set_name("demo-cache")
print(sysv.create_segment(64 << 20), flush=True)
sys.stdin.read()
"""


@contextmanager
def situations() -> Iterator[None]:
    """All of them, until the end of the block."""
    with ExitStack() as stack:
        _start_pairs(stack)
        _start_troubles(stack)
        _start_five_writers(stack)
        _leave_a_segment(stack)
        _start_broken(stack)
        yield


def _start_pairs(stack: ExitStack) -> None:
    """One pair of each kind; some carry something that nobody has read yet."""
    unread = {"fifo": 3000, "udp": 512, "sysv-msg": 2048, "posix-mq": 700, "eventfd": 8, "unix seqpacket": 900}
    for room in MECHANISMS:
        for variant in room.DEMO.variants if room.DEMO is not None else ():
            pair = _pair(stack, room, variant)
            pair.open()
            size = unread.get(f"{room.NAME} {variant}") or unread.get(room.NAME)
            if size is not None:
                pair.send(b"x" * size)


def _start_troubles(stack: ExitStack) -> None:
    """A full pipe and a full connection, each with its writer asleep; a client nobody accepts; half of a connection."""
    for mechanism, variant, size in (("pipe", "pipe", 200_000), ("tcp", "ipv4", 16 << 20)):
        full = _pair(stack, _room(mechanism), variant)
        full.open()
        full.begin_send(b"x" * size)
    _pair(stack, _room("unix"), "stream").open_sender()
    half_closed = _pair(stack, _room("tcp"), "ipv6")
    half_closed.open()
    half_closed.send(b"the last words")
    half_closed.close_sender()


def _start_five_writers(stack: ExitStack) -> None:
    """Five processes that hold the write end of one pipe, as the workers of a log collector do."""
    reader, writer = os.pipe()
    for _ in range(5):
        _start_named(stack, "demo-worker", stdout=writer, stdin=subprocess.DEVNULL)
    _start_named(stack, "demo-collector", stdin=reader, stdout=subprocess.DEVNULL)
    os.write(writer, b"what the workers said\n" * 100)
    os.close(writer)
    os.close(reader)


def _start_broken(stack: ExitStack) -> None:
    """Processes that wait for one another in vain, and others that a rule finds."""
    for scenario in SCENARIOS:
        if scenario.word in BROKEN:
            stack.enter_context(Broken(scenario))


def _leave_a_segment(stack: ExitStack) -> None:
    """Shared memory that somebody made and nobody has attached."""
    cache = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-c", _MADE_BY_A_CACHE],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    )
    assert cache.stdout is not None
    stack.callback(sysv.remove_segment, int(cache.stdout.readline()))


def _pair(stack: ExitStack, room: Room, variant: str) -> DemoPair:
    return stack.enter_context(DemoPair.start(room, variant))


def _room(mechanism: str) -> Room:
    return next(room for room in MECHANISMS if mechanism == room.NAME)


def _start_named(stack: ExitStack, name: str, stdin: int, stdout: int) -> None:
    """A process of that name which does nothing: the kernel takes a process's name from the file that it runs."""
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="ipcinspect-names-"))
    program = Path(directory, name)
    program.symlink_to(_found("sleep"))
    process = subprocess.Popen([program, "1d"], stdin=stdin, stdout=stdout)
    stack.callback(process.wait)
    stack.callback(process.kill)


def _found(command: str) -> str:
    path = shutil.which(command)
    assert path is not None, f"no {command} on this machine"
    return path
