"""A pseudo-terminal with the program on it: what a user at a keyboard does and sees, byte for byte."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_S = 20.0
ENTERED = b"\x1b[?1049h"
LEFT = b"\x1b[?1049l"


class OnTerminal:
    """One process as the leader of a session on a terminal of its own. Ended and reaped at the end of the block."""

    def __init__(self, code: str, columns: int = 80, rows: int = 24, env: Mapping[str, str] | None = None) -> None:
        self._code = code
        self._size = (rows, columns)
        self._env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            **(env or {}),
        }
        self.output = b""
        self.status: int | None = None
        self.answers: dict[bytes, bytes] = {}
        """What the terminal answers to what is written to it."""

    def __enter__(self) -> OnTerminal:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *self._size, 0, 0))
                os.execve(sys.executable, [sys.executable, "-c", self._code], self._env)
            finally:
                os._exit(127)
        return self

    def __exit__(self, *_: object) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.hang_up()

    def hang_up(self) -> None:
        """Close the terminal."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def read_for(self, seconds: float) -> bytes:
        """What is written within a time."""
        before = len(self.output)
        self._read_until(lambda: False, seconds)
        return self.output[before:]

    def wait_for(self, text: bytes, after: int = 0) -> None:
        """Until a text has been written; fails after a while."""
        assert self._read_until(lambda: text in self.output[after:], PATIENCE_S), (
            f"{text!r} never came, but {self.output[after:][-2000:]!r}"
        )

    def until(self, true: Callable[[], object]) -> None:
        """Until a condition holds; fails after a while."""
        assert self._read_until(lambda: bool(true()), PATIENCE_S), f"never came to that; {self.output[-2000:]!r}"

    def wait_for_end(self, seconds: float = PATIENCE_S) -> int:
        """The exit status as waitpid tells it; fails after a while."""
        assert self._read_until(self._has_ended, seconds), f"still there after {seconds} s"
        assert self.status is not None
        return self.status

    def wait_for_stop(self) -> None:
        """Until the process is stopped."""
        assert self._read_until(lambda: self.state() == "T", PATIENCE_S), f"not stopped but {self.state()}"

    def state(self) -> str:
        """The letter of the process's state."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def modes(self) -> list[object]:
        """What termios tells."""
        return termios.tcgetattr(self.master)

    def _has_ended(self) -> bool:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.status = status
        return bool(pid)

    def _read_until(self, done: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if done():
                return True
            if self.master < 0:
                select.select((), (), (), 0.02)
                continue
            if select.select((self.master,), (), (), 0.05)[0]:
                try:
                    piece = os.read(self.master, 65536)
                except OSError:
                    select.select((), (), (), 0.02)
                    continue
                self.output += piece
                for question, answer in self.answers.items():
                    if question in piece:
                        os.write(self.master, answer)
        return done()


SCREEN = """
import sys
from fakes import FakeSource, pipe, process, snapshot
from ipcinspect.tui.app import run_screen
from ipcinspect.tui.options import ScreenOptions
make, tee = process(2211, "make"), process(2212, "tee")
source = FakeSource(snapshot([pipe(48213, make, tee, "full", 65536)]))
{before}
sys.exit(run_screen(source, ScreenOptions({options})))
"""


def screen(before: str = "", options: str = "interval=0.2") -> str:
    """A program that shows one full pipe."""
    return SCREEN.format(before=before, options=options)
