"""The runner's hold of the processes of a demo: asks them, hears what they report, ends them; all with deadlines."""

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
from collections.abc import Callable, Sequence
from pathlib import Path

from ipcinspect.demo import protocol
from ipcinspect.demo.protocol import Answer, Left, Question, Task
from ipcinspect.kernel.gate import between_borrows
from ipcinspect.mechanisms.demo_part import Report

_FROM = Path(__file__).parents[2]
"""Where the package is found: the directory that `-m` searches first."""
_ENDS_WITHIN_S = 3.0
_MOST_UNREAD = 32 << 20
"""Bytes of one line; what a half received comes back in one."""

Hear = Callable[[str, Report], None]


class DemoError(Exception):
    """A demo process ended, did not answer in time, or has a fault; the message says which."""


class Incapable(DemoError):
    """A demo process answered that it could not do what it was asked: what it was given is not as it should be."""


class Silent(DemoError):
    """A demo process did not answer in time."""


class Talk:
    """A connection to one process of the demo."""

    def __init__(self, name: str, side: str, connection: socket.socket, answers_within_s: float, hear: Hear) -> None:
        """`connection` is our end of it; `side` as in `telling.SIDES`."""
        self.name, self._side, self._hear = name, side, hear
        self._connection = connection
        self._answers_within_s = answers_within_s
        self._unread = bytearray()
        self._asked: list[str] = []
        self._answers: list[Answer] = []
        self.left: Left | None = None
        """What the process said last that it would leave behind."""

    def fileno(self) -> int:
        """For poll(2): something was said."""
        return self._connection.fileno()

    def say(self, call: str, line: bytes) -> None:
        """Ask for something; collect what came of it with `answer`, in the order of asking. Raises DemoError."""
        self._connection.settimeout(self._answers_within_s)
        try:
            self._connection.sendall(line)
        except OSError as error:
            raise self._lost(call) from error
        self._asked.append(call)

    def expect(self, call: str) -> None:
        """An answer that comes without a question."""
        self._asked.append(call)

    def ask(self, question: Question) -> None:
        """Have it begin something. Raises DemoError."""
        self.say(question.call, protocol.write_question(question))

    def answer(self, within_s: float | None = None) -> Answer:
        """What came of the oldest question. Raises the OSError of the call there, or DemoError.

        `within_s`: how long it may take, where that is not as long as for all others.
        """
        call = self._asked.pop(0)
        within_s = self._answers_within_s if within_s is None else within_s
        deadline = time.monotonic() + within_s
        while not self._answers:
            if not self._read(max(deadline - time.monotonic(), 0.0), call):
                raise Silent(f"{self.name} did not answer to {call} within {within_s:.2g} s")
        answer = self._answers.pop(0)
        if answer.error is not None:
            refused = OSError(getattr(errno, answer.error), f"{answer.message} ({self.name}, {call})")
            refused.add_note(answer.message or "")
            raise refused
        if answer.message is not None:
            raise Incapable(f"{self.name} failed to {call}: {answer.message}")
        return answer

    @property
    def is_asked(self) -> bool:
        """Whether an answer is still to be collected."""
        return bool(self._asked)

    def comes(self, seconds: float) -> bool:
        """Whether the answer to the oldest question is there, at the latest after so long. Raises DemoError."""
        deadline = time.monotonic() + seconds
        while not self._answers and self._read(max(deadline - time.monotonic(), 0.0), self._asked[0]):
            pass
        return bool(self._answers)

    def pass_over(self) -> None:
        """Nobody wants to know any more what came of the questions that it has answered."""
        while self._answers and self._asked:
            self._asked.pop(0)
            self._answers.pop(0)

    def is_busy(self, grace_s: float) -> bool:
        """Whether it has not answered to what it was asked, also not within a moment. Raises DemoError."""
        deadline = time.monotonic() + grace_s
        while len(self._answers) < len(self._asked) and (left := deadline - time.monotonic()) > 0:
            self._read(left, self._asked[0])
        return len(self._answers) < len(self._asked)

    def listen(self, seconds: float) -> None:
        """Hear what it reports, for so long at most, until it has said something. Raises DemoError where it ended."""
        if not self._answers:
            self._read(seconds, self._asked[0] if self._asked else "anything")

    def close(self) -> None:
        """The order to end; what was said until then is heard. Safe to call twice."""
        with contextlib.suppress(DemoError):
            while self._connection.fileno() >= 0 and self._read(0, "anything"):
                pass
        self._connection.close()

    def _read(self, seconds: float, call: str) -> bool:
        """Whether something came."""
        asked = select.poll()
        asked.register(self._connection, select.POLLIN)
        if not asked.poll(seconds * 1000):
            return False
        try:
            part = self._connection.recv(1 << 16, socket.MSG_DONTWAIT)
        except OSError as error:
            raise self._lost(call) from error
        if not part or len(self._unread) > _MOST_UNREAD:
            raise self._lost(call)
        self._unread += part
        *lines, rest = bytes(self._unread).split(b"\n")
        self._unread = bytearray(rest)
        for line in lines:
            said = protocol.read_line(line)
            if isinstance(said, Report):
                self._hear(self._side, said)
            elif isinstance(said, Left):
                self.left = said
            else:
                self._answers.append(said)
        return True

    def _lost(self, call: str) -> DemoError:
        return DemoError(f"{self.name} ended before it answered to {call}")


class Keeper:
    """The process that makes a demo's object and forks its halves; our child."""

    def __init__(self, words: Sequence[str], fds: Sequence[int], answers_within_s: float, hear: Hear) -> None:
        """Start it. `words` stand in its command line; it gets `fds` beside its connection. Raises OSError."""
        ours, theirs = socket.socketpair()
        try:
            with theirs, between_borrows():
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "ipcinspect.demo.keeper", *map(str, fds), *words],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=fds,
                    cwd=_FROM,
                    start_new_session=True,  # ctrl-C and ctrl-Z are for the runner, who then ends it in order
                )
        except OSError:
            ours.close()
            raise
        self._talk = Talk(f"demo-keeper (pid {self.pid})", "maker", ours, answers_within_s, hear)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def left(self) -> Left | None:
        """What would be left behind if it were killed."""
        return self._talk.left

    def make(self, task: Task) -> protocol.Made:
        """Have it make everything. Raises OSError where the kernel refuses the object, DemoError."""
        self._talk.say("start", protocol.write_task(task))
        return protocol.read_made(self._talk.answer().value)

    def end(self) -> bool:
        """Let it end both halves and clean up. False where it did not come to that. Safe to call twice."""
        self._talk.close()
        try:
            return self._process.wait(_ENDS_WITHIN_S) == 0
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False


class HalfProcess:
    """One of the two halves: a child of the keeper, which keeps its pid until it has taken note of its end."""

    def __init__(self, role: str, side: str, connection: socket.socket, answers_within_s: float, hear: Hear) -> None:
        """`connection` is our end of it."""
        self.role = role
        self.talk = Talk(f"demo-{role}", side, connection, answers_within_s, hear)
        self.pid = 0
        """Its process id, once it is forked."""
        self._pidfd = -1

    def is_forked(self, pid: int) -> None:
        """It is there. Raises DemoError where it ended already."""
        self.pid = pid
        self.talk.name = f"demo-{self.role} (pid {pid})"
        try:
            self._pidfd = os.pidfd_open(pid)
        except OSError as error:
            raise DemoError(f"demo-{self.role} (pid {pid}) ended before it was ready") from error

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return not self._has_ended(0)

    def ask(self, question: Question) -> None:
        """Have it begin something. Raises DemoError."""
        self.talk.ask(question)

    def answer(self, within_s: float | None = None) -> Answer:
        """What came of the oldest question. Raises the OSError of the call there, or DemoError."""
        return self.talk.answer(within_s)

    def kill(self) -> None:
        """End it by SIGKILL, as a crash would; the kernel closes what it held."""
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self._has_ended(_ENDS_WITHIN_S)

    def let_go(self) -> None:
        """Close the connection, which is the order to end. Safe to call twice."""
        self.talk.close()

    def forget(self) -> None:
        """After its end."""
        if self._pidfd >= 0:
            self.kill()
            os.close(self._pidfd)
            self._pidfd = -1

    def _has_ended(self, within_s: float) -> bool:
        return self._pidfd < 0 or bool(select.select([self._pidfd], [], [], within_s)[0])


def import_path() -> tuple[str, ...]:
    """Our `sys.path`, readable from any directory."""
    return tuple(os.path.abspath(place) for place in sys.path)
