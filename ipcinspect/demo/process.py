"""The runner's hold of one demo process: asks it, waits for its answers, ends it."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ipcinspect.demo import protocol
from ipcinspect.demo.protocol import Question, Task
from ipcinspect.kernel.gate import between_borrows

_FROM = Path(__file__).parents[2]
"""Where the package is found: the directory that `-m` searches first."""
_ENDS_WITHIN_S = 2.0


class DemoError(Exception):
    """A demo process ended, did not answer in time, or has a fault; the message says which."""


class DemoProcess:
    """One of the two processes of a pair. Every wait has a deadline."""

    def __init__(
        self, role: str, words: Sequence[str], fds: Sequence[int], answers_within_s: float, program: str = "child"
    ) -> None:
        """Start it. `words` stand in its command line; it gets `fds` beside its connection. Raises OSError."""
        self._role = role
        self._answers_within_s = answers_within_s
        self._received = bytearray()
        self._asked: list[str] = []
        self._connection, theirs = socket.socketpair()
        try:
            with theirs, between_borrows():
                self._process = subprocess.Popen(
                    [sys.executable, "-m", f"ipcinspect.demo.{program}", *words],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=fds,
                    cwd=_FROM,
                    start_new_session=True,  # ctrl-C and ctrl-Z are for the runner, who then ends it in order
                )
        except OSError:
            self._connection.close()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def give(self, task: Task) -> None:
        """Tell it what it is; `answer` comes when it is ready."""
        self._say("start", protocol.write_task(task))

    def ask(self, question: Question) -> None:
        """Have it begin something; collect what came of it with `answer`, in the order of asking."""
        self._say(question.call, protocol.write_question(question))

    def answer(self) -> bytes:
        """What came of the oldest question. Raises the OSError of the call there, or DemoError."""
        call = self._asked.pop(0)
        answer = protocol.read_answer(self._line(call))
        if answer.error is not None:
            number = getattr(errno, answer.error)
            raise OSError(number, f"{answer.message} ({self._role}, {call})")
        if answer.message is not None:
            raise DemoError(f"{self._name} failed to {call}: {answer.message}")
        return answer.payload

    def kill(self) -> None:
        """End it by SIGKILL, as a crash would; the kernel closes what it held."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Let it end, and see to it. Safe to call twice."""
        self._connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDS_WITHIN_S)
        self.kill()

    @property
    def _name(self) -> str:
        return f"demo-{self._role} (pid {self.pid})"

    def _say(self, call: str, line: bytes) -> None:
        self._connection.settimeout(self._answers_within_s)
        try:
            self._connection.sendall(line)
        except OSError as error:
            raise self._lost(call) from error
        self._asked.append(call)

    def _line(self, call: str) -> bytes:
        deadline = time.monotonic() + self._answers_within_s
        while b"\n" not in self._received:
            self._connection.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                part = self._connection.recv(1 << 16)
            except TimeoutError:
                raise DemoError(f"{self._name} did not answer to {call} within {self._answers_within_s:g} s") from None
            except OSError as error:
                raise self._lost(call) from error
            if not part:
                raise self._lost(call)
            self._received += part
        line, _, rest = bytes(self._received).partition(b"\n")
        self._received = bytearray(rest)
        return line

    def _lost(self, call: str) -> DemoError:
        return DemoError(f"{self._name} ended before it answered to {call}")


class ForkedProcess(DemoProcess):
    """A demo process that a keeper forks: known by its pid, which the keeper, its parent, keeps until it has ended."""

    def __init__(self, role: str, connection: socket.socket, answers_within_s: float) -> None:
        """`connection` is our end of it."""
        self._role = role
        self._answers_within_s = answers_within_s
        self._received = bytearray()
        self._asked: list[str] = []
        self._connection = connection
        self._pid, self._pidfd = 0, -1

    def is_forked(self, pid: int) -> None:
        """It is there. Raises OSError where it ended already."""
        self._pid, self._pidfd = pid, os.pidfd_open(pid)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return not self._has_ended(0)

    def kill(self) -> None:
        """End it by SIGKILL; its keeper takes note."""
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self._has_ended(_ENDS_WITHIN_S)

    def end(self) -> None:
        """Let it end, and see to it. Safe to call twice."""
        self._connection.close()
        if self._pidfd >= 0:
            self._has_ended(_ENDS_WITHIN_S)
            self.kill()
            os.close(self._pidfd)
            self._pidfd = -1

    def _has_ended(self, within_s: float) -> bool:
        if self._pidfd < 0:
            return True
        return bool(select.select([self._pidfd], [], [], within_s)[0])


def import_path() -> tuple[str, ...]:
    """Our `sys.path`, readable from any directory."""
    return tuple(os.path.abspath(place) for place in sys.path)
