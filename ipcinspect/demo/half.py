"""One half of a demo pair, in the process that the keeper forked for it: does what comes over its connection.

It ends when that connection ends or the keeper is gone, also while it sleeps in the channel.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from ipcinspect.demo import formats, hindrance, protocol
from ipcinspect.demo.compare.play import Batch, play
from ipcinspect.demo.protocol import Answer, Question, Task
from ipcinspect.kernel.own_process import keep_freed_memory, set_name
from ipcinspect.mechanisms.demo_memory import MemoryEnd
from ipcinspect.mechanisms.demo_part import BareCalls, Calls, Part
from ipcinspect.mechanisms.demo_waiting import Waiting, block_signal
from ipcinspect.mechanisms.room import Demo, DemoEnd, DemoReceiver, DemoSender

Act = Callable[[Question], Answer]
_ROOM_COMES_WITHIN_MS = 20


class Place(NamedTuple):
    """What one half has of a channel: what it sends into or receives from."""

    args: tuple[str, ...]
    fds: tuple[int, ...]


def main(role: str, task: Task, demo: Demo, forth: Place, back: Place | None) -> None:
    """Do what comes over standard input until it ends. `back`: of the channel for answers, where that is another."""
    set_name(f"demo-{role}")
    block_signal()
    with socket.socket(fileno=sys.stdin.fileno()) as connection, connection.makefile("rb") as lines:
        _end_with_others(connection)
        saying = threading.Lock()

        def say(line: bytes) -> None:
            with saying:
                connection.sendall(line)

        calls = BareCalls() if task.terms.measured else Calls(lambda report: say(protocol.write_report(report)))
        if task.terms.measured:
            keep_freed_memory()
        half = Half(role, task, demo, forth, back, calls)
        say(protocol.write_answer(Answer()))
        for line in lines:
            question = protocol.read_question(line)
            say(protocol.write_answer(answer(lambda question=question: half.acts[question.call](question))))  # type: ignore[misc]


def _end_with_others(connection: socket.socket) -> None:
    """End this process when the runner's end of the connection or the keeper is gone, whatever it is doing then.

    Not by PR_SET_PDEATHSIG alone: the runner is not the parent.
    """
    gone = select.poll()
    gone.register(connection, select.POLLRDHUP)
    gone.register(os.pidfd_open(os.getppid()), select.POLLIN)

    def wait() -> None:
        gone.poll()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


class Half:
    """What this half can be told to do."""

    acts: dict[str, Act]

    def __init__(self, role: str, task: Task, demo: Demo, forth: Place, back: Place | None, calls: Calls) -> None:
        self._task, self._calls = task, calls
        self._sends: DemoSender | None = None
        self._receives: DemoReceiver | None = None
        first = Part(calls.about("forth"), task.terms, forth.args, forth.fds)
        second = None if back is None else Part(calls.about("back"), task.terms, back.args, back.fds)
        if role == "sender":
            self._sends = demo.sender(first)
            self._receives = demo.receiver(second) if second is not None else cast("DemoReceiver", self._sends)
            self._ends: list[DemoEnd] = [self._sends, *([self._receives] if second is not None else [])]
        else:
            self._receives = demo.receiver(first)
            self._sends = demo.sender(second) if second is not None else cast("DemoSender", self._receives)
            self._ends = [self._receives, *([self._sends] if second is not None else [])]
        read = second if role == "sender" and second is not None else first
        self._waiting = Waiting(read.calls, task.notification if role == "receiver" else "read", self._receives)
        self.acts = {
            protocol.OPEN: self._open,
            protocol.PREPARE: self._prepare,
            protocol.SEND: self._send,
            protocol.ANSWER: self._send,
            protocol.WAIT: self._wait,
            protocol.RECEIVE: self._receive,
            protocol.TAKE_ANSWER: self._take,
            protocol.DECODE: self._decode,
            protocol.CLOSE: self._close,
            protocol.FILL: self._fill,
            protocol.HOLD: self._hold,
            protocol.PLAY: self._play,
        }

    def _open(self, question: Question) -> Answer:
        with hindrance.while_opening(self._task.fault, self._calls):
            for end in self._ends:
                end.open()
        self._waiting.prepare()
        return Answer()

    def _prepare(self, question: Question) -> Answer:
        task, value = self._task, formats.from_plain(question.value)
        name = {"json": "json.dumps", "struct": "struct.pack", "raw": "bytes"}[task.format]
        payload = self._calls(
            name,
            (formats.shown(value),),
            lambda: formats.encode(value, task.format, task.byte_order, question.size),
            lambda payload: f"{len(payload)} bytes",
        )
        return Answer(payload)

    def _send(self, question: Question) -> Answer:
        assert self._sends is not None
        self._sends.send(question.payload)
        return Answer()

    def _wait(self, question: Question) -> Answer:
        return Answer(value=self._waiting.wait())

    def _receive(self, question: Question) -> Answer:
        payload = self._take(question)
        if self._task.reading_s:
            time.sleep(self._task.reading_s)
        return payload

    def _take(self, question: Question) -> Answer:
        assert self._receives is not None
        return Answer(self._receives.receive(question.size))

    def _decode(self, question: Question) -> Answer:
        task = self._task
        name = {"json": "json.loads", "struct": "struct.unpack", "raw": "bytes"}[task.format]
        value = self._calls(
            name,
            (f"{len(question.payload)} bytes",),
            lambda: formats.decode(question.payload, task.format, task.byte_order),
            formats.shown,
        )
        return Answer(value=formats.to_plain(value))

    def _fill(self, question: Question) -> Answer:
        """Send the same again, `size` times at most, until there is no room; the calls that go well are not told."""
        assert self._sends is not None
        sent = 0
        while sent < question.size:
            try:
                with self._calls.quiet() if sent else contextlib.nullcontext():
                    self._sends.send(question.payload)
                sent += 1
            except BlockingIOError as error:
                if not _gets_room(self._sends.fileno()):
                    return Answer(value=(sent, refusal(error).error))
        return Answer(value=(sent, None))

    def _hold(self, question: Question) -> Answer:
        """Take the lock and keep it."""
        cast(MemoryEnd, self._ends[0]).hold()
        return Answer()

    def _play(self, question: Question) -> Answer:
        """A whole batch of messages, measured."""
        assert self._sends is not None
        assert self._receives is not None
        batch = Batch(*cast("list[Any]", question.value))
        return Answer(value=play(batch, self._sends, self._receives, self._calls, self._task.terms.blocking))

    def _close(self, question: Question) -> Answer:
        for end in self._ends:
            end.close()
        return Answer()


def _gets_room(fd: int | None) -> bool:
    """Whether there is room by and by though nobody reads: the kernel moves on what a terminal was given (tty_flip)."""
    if fd is None:
        return False
    asked = select.poll()
    asked.register(fd, select.POLLOUT)
    return bool(asked.poll(_ROOM_COMES_WITHIN_MS))


def answer(act: Callable[[], Answer]) -> Answer:
    """What an act gives, or what went wrong in it."""
    try:
        return act()
    except OSError as error:
        return refusal(error)
    except Exception as error:  # noqa: BLE001 (told to the runner, who raises it there)
        words = str(error) if isinstance(error, formats.FormatError) else f"{type(error).__name__}: {error}"
        return Answer(message=words)


def refusal(error: OSError) -> Answer:
    """What the kernel refused, for the runner."""
    return Answer(error=errno.errorcode.get(error.errno or 0, "EIO"), message=error.strerror or str(error))


def reset_signals() -> None:
    """As a program has them that nobody started in a special way; SIGPIPE stays ignored, as Python has it."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
