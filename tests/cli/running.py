"""Ways to run the program: in this process with a fake machine, in a process of its own, and on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from ipcinspect.cli import run
from ipcinspect.sources import Source
from tests.architecture.program import ROOT

PROGRAM = (sys.executable, "-m", "ipcinspect")


class Ran(NamedTuple):
    """What came of it."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """The fields of each line of plain output."""
        return [line.split("\t") for line in self.out.splitlines()]


class Runner:
    """Runs commands in this process on a fake machine; standard output is no terminal."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, source: Source, *words: str) -> Ran:
        """The command with these words."""
        code = run(words, lambda: source)
        out, err = self._capture.readouterr()
        return Ran(code, out, err)


def environment(**changes: str) -> dict[str, str]:
    """An environment that decides nothing but what is given."""
    usual = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "HOME": "/nonexistent"}
    return {**usual, **changes}


def run_piped(*words: str, env: Mapping[str, str] | None = None, cwd: str = "/") -> subprocess.CompletedProcess[bytes]:
    """The program in a process of its own, writing into pipes."""
    return subprocess.run(
        [*PROGRAM, *words],
        env=environment() if env is None else env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )


class OnTerminal(NamedTuple):
    """What a terminal received, and how the program ended."""

    code: int
    received: bytes

    @property
    def lines(self) -> list[str]:
        """The lines as a terminal gets them, without their ends."""
        return self.received.decode("utf-8").replace("\r\n", "\n").splitlines()


def run_on_terminal(*words: str, columns: int = 80, env: Mapping[str, str] | None = None) -> OnTerminal:
    """The program on a terminal of that width, until it ends."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [*PROGRAM, *words],
        env=environment(TERM="xterm-256color") if env is None else env,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    received = bytearray()
    try:
        while chunk := _read(master):
            received += chunk
        return OnTerminal(process.wait(30), bytes(received))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)


def _read(master: int) -> bytes:
    try:
        return os.read(master, 1 << 16)
    except OSError:  # EIO: nobody has the terminal open any more
        return b""
