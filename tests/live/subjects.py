"""Processes that a test starts, what it waits for, and how it looks at them.

A subject is a Python process that runs a piece of code, says one JSON line when it stands where the test wants it,
and then waits for its standard input: a line is the next order, the end of it is the end. Nothing here sleeps for
luck: `until` waits for a condition and fails with what it last saw.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ipcinspect.mechanisms import fields_of
from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.sources.live import LiveSource

WITHIN_S = 20.0
"""Seconds that anything may take on a busy machine before the test fails."""
SLEEPS_FOR_GOOD_S = 0.1
"""Seconds of one sleep after which a subject is no longer expected to end by itself."""

PRELUDE = """
import array, ctypes, errno, fcntl, json, mmap, os, select, signal, socket, struct, sys, termios, threading, time
ARGS = json.loads(sys.argv[1])
LIBC = ctypes.CDLL(None, use_errno=True)
def say(*words):
    sys.stdout.write(json.dumps(words) + chr(10)); sys.stdout.flush()
def order():
    line = sys.stdin.readline()
    if not line: sys.exit(0)
    return json.loads(line)
def stay():
    while sys.stdin.readline(): pass
def checked(answer):
    if answer < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer
def ino(thing):
    return os.fstat(thing if isinstance(thing, int) else thing.fileno()).st_ino
"""

Answer = TypeVar("Answer")


class Subject:
    """One process under observation."""

    def __init__(
        self,
        code: str,
        *args: object,
        pass_fds: Sequence[int] = (),
        command: Sequence[str] = (),
        waits: bool = True,
    ) -> None:
        """`command` is put in front of the interpreter (`unshare -n`)."""
        self.process = subprocess.Popen(
            [*command, sys.executable, "-I", "-S", "-c", PRELUDE + code, json.dumps(args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
        self._has_child = bool(command)
        self.said: list[Any] = self.hear() if waits else []

    @property
    def pid(self) -> int:
        """Of the process started; where `command` forks, that is not the interpreter."""
        return self.process.pid

    def hear(self) -> list[Any]:
        """The next thing it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the subject ended with {self.process.wait()} before it said anything"
        words = json.loads(line)
        assert isinstance(words, list)
        return words

    def tell(self, what: object = None) -> None:
        """The next order."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, what: object = None) -> list[Any]:
        """An order, and what it says to it."""
        self.tell(what)
        return self.hear()

    def end(self) -> None:
        """Gone for good, with everybody in its session that it left behind; safe to call twice."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            if not self._ends_by_itself():
                self.process.kill()
                self.process.wait()

    def _ends_by_itself(self) -> bool:
        """Within a second, and not once it slept on for a while, unless its child is the interpreter.

        The end of its input wakes whoever reads it: one that does not wake up will never hear of it.
        """
        deadline = time.monotonic() + 1.0
        sleeps_until, before = 0.0, [b""]
        while self.process.poll() is None:
            now, switches = time.monotonic(), context_switches(self.pid)
            if switches != before or kernel_state(self.pid) != "S" or self._has_child:
                sleeps_until, before = now + SLEEPS_FOR_GOOD_S, switches
            if now > min(deadline, sleeps_until):
                return False
            time.sleep(0.005)
        return True


def look(**want: bool) -> Snapshot:
    """One look at this machine, with all descriptors."""
    return LiveSource().take(Want(descriptors=True, **want))


def until(condition: Callable[[], Answer], what: str, within_s: float = WITHIN_S) -> Answer:
    """The first true answer; fails with the last one when the time is over."""
    deadline = time.monotonic() + within_s
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {within_s} s for {what}; the last answer was {answer!r}"
        time.sleep(0.002)


def channels_at(snapshot: Snapshot, mechanism: str, inode: int) -> list[Channel]:
    """The channels of a mechanism that a given inode is an end of."""
    return [
        channel
        for channel in snapshot.channels
        if channel.mechanism == mechanism and any(end.inode == inode for end in channel.endpoints)
    ]


def channel_at(snapshot: Snapshot, mechanism: str, inode: int) -> Channel:
    """The one channel of a mechanism that an inode is an end of."""
    found = channels_at(snapshot, mechanism, inode)
    assert len(found) == 1, f"{mechanism} inode {inode} is an end of {found}"
    return found[0]


def system_v(snapshot: Snapshot, mechanism: str, number: int) -> Channel:
    """The channel of one System V object."""
    return next(channel for channel in snapshot.channels if channel.id == f"{mechanism}:{number}")


def field(channel: Channel, name: str) -> Any:
    """One of the mechanism's own fields, by name."""
    names = [field.name for field in fields_of(channel.mechanism)]
    return channel.fields[names.index(name)]


def ends(channel: Channel, role: str | None = None) -> set[tuple[int | None, int | None]]:
    """(pid, fd) of the ends, or of those with a role."""
    return {place(end) for end in channel.endpoints if role in (None, end.role)}


def place(end: Endpoint) -> tuple[int | None, int | None]:
    """(pid, fd) of one end; None for the pid of an end that nobody visible holds."""
    return (end.process.pid if end.process else None), end.fd


def inode(fd: int) -> int:
    """The inode behind a descriptor of ours."""
    return os.fstat(fd).st_ino


def written_until_full(write: Callable[[], int]) -> int:
    """What a non-blocking writer gets rid of before the kernel refuses."""
    written = 0
    try:
        while True:
            written += write()
    except BlockingIOError:
        return written


def kernel_state(pid: int) -> str:
    """The letter in /proc/PID/stat; empty for a process that is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0].decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def context_switches(pid: int) -> list[bytes]:
    """How often the process left the processor, in the kernel's own lines: they change when it wakes up."""
    return [line for line in Path(f"/proc/{pid}/status").read_bytes().splitlines() if b"ctxt_switches" in line]


def asleep_in(pid: int, *functions: str) -> bool:
    """Whether the process sleeps in a kernel function whose name contains one of these words."""
    try:
        with open(f"/proc/{pid}/wchan") as file:
            name = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return kernel_state(pid) in ("S", "D") and any(function in name for function in functions)
