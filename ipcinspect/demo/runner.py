"""Runs one demo pair: has a keeper make it, tells its two halves what to do, and leaves nothing behind."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import shutil
import socket
import time
from collections import deque
from types import TracebackType
from typing import Self

from ipcinspect.demo import formats, protocol
from ipcinspect.demo.checking import PROC
from ipcinspect.demo.compare.play import Batch, Played
from ipcinspect.demo.formats import Value
from ipcinspect.demo.pairing import Filled
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.process import DemoError, HalfProcess, Hear, Keeper, Silent, import_path
from ipcinspect.demo.protocol import Joins, Made, Question, Task
from ipcinspect.mechanisms import demo_leaving
from ipcinspect.mechanisms.demo_part import Terms
from ipcinspect.mechanisms.demo_waiting import Wakeup
from ipcinspect.mechanisms.room import Demo, Room

ANSWERS_WITHIN_S = 10.0
BUSY_AFTER_S = 0.2


class DemoPair:
    """A sender and a receiver in processes of their own over one real object.

    The runner itself holds no end. `end` (or the end of the `with` block, or the runner's exit) ends both processes
    and removes every name, whatever happened before; where the runner is killed, the keeper does it.
    """

    made: Made
    """What the two processes were given: ids, names."""

    def __init__(self, room: Room, plan: Plan, answers_within_s: float, below: str | None, hear: Hear) -> None:
        """Use `start`, which also makes the object and the processes."""
        self.room, self.plan = room, plan
        self.variant = plan.variant or _demo(room).variants[0]
        self._answers_within_s, self._below, self._hear = answers_within_s, below, hear
        self._sizes: deque[int] = deque()
        self._joins: Joins | None = None
        self._measured = False
        self._undo = contextlib.ExitStack()
        atexit.register(self.end)

    @classmethod
    def start(
        cls,
        room: Room,
        plan: Plan | str | None = None,
        answers_within_s: float = ANSWERS_WITHIN_S,
        below: str | None = None,
        hear: Hear = lambda side, report: None,
        measured: bool = False,
    ) -> Self:
        """A pair whose processes are ready and have not opened their ends yet.

        `plan`: a whole one, or the variant alone: it sleeps in its calls, has no lock, and answers through the same
        channel; `below`: where its directory for names is made, the system's place for temporary files unless given;
        `hear`: is given each report of a call, with its side, while the runner waits for an answer or listens;
        `measured`: the halves make none, so that nothing disturbs what `play` measures. Raises OSError where the kernel
        refuses the object, DemoError where a process does not start.
        """
        if not isinstance(plan, Plan):
            plan = Plan(room.NAME, plan, notification="read", response="same")
        pair = cls(room, plan, answers_within_s, below, hear)
        pair._measured = measured
        try:
            pair._make()
        except BaseException:
            pair.end()
            raise
        return pair

    @property
    def halves(self) -> tuple[HalfProcess, ...]:
        """Those of the two that take part."""
        both = (self.sender, self.receiver)
        return both if self._joins is None else tuple(half for half in both if half.role in self._joins.roles)

    @property
    def maker_pid(self) -> int:
        """Process id of the keeper, which made the object."""
        return self._keeper.pid

    @property
    def sender_pid(self) -> int:
        """Process id of the sender."""
        return self.sender.pid

    @property
    def receiver_pid(self) -> int:
        """Process id of the receiver."""
        return self.receiver.pid

    def open(self) -> None:
        """Both take hold of their ends, at once: some wait for each other in it."""
        for half in (self.sender, self.receiver):
            half.ask(Question(protocol.OPEN))
        for half in (self.sender, self.receiver):
            half.answer()

    def open_sender(self) -> None:
        """The sender alone takes hold of its end: a client that nobody accepts."""
        self.sender.ask(Question(protocol.OPEN))
        self.sender.answer()

    def prepare(self, value: Value, size: int | None = None) -> bytes:
        """The sender makes the bytes of a message of a value: as many as the plan says, or `size`. Raises DemoError."""
        plain = formats.to_plain(value)
        self.sender.ask(Question(protocol.PREPARE, size=self.plan.size if size is None else size, value=plain))
        return self.sender.answer().payload

    def send(self, payload: bytes) -> None:
        """One transfer, to the point where the sender may go on. Raises OSError as the sender's call did."""
        self.begin_send(payload)
        self.finish_send()

    def begin_send(self, payload: bytes) -> None:
        """Like `send`, not waiting for the sender, who sleeps while the channel is full."""
        self._sizes.append(len(payload))
        self.sender.ask(Question(protocol.SEND, payload=payload))

    def finish_send(self) -> None:
        """Wait for the sender after `begin_send`."""
        self.sender.answer()

    def fill(self, payload: bytes, most: int) -> Filled:
        """The sender sends the same until its call fails, `most` times at most."""
        self.sender.ask(Question(protocol.FILL, payload=payload, size=most))
        return Filled(*self.sender.answer().value)

    def hold_lock(self) -> None:
        """The sender takes the lock of the memory and keeps it. Raises OSError."""
        self.sender.ask(Question(protocol.HOLD))
        self.sender.answer()

    def begin_wait(self) -> None:
        """Have the receiver wait until it is told that there is something."""
        self.receiver.ask(Question(protocol.WAIT))

    def finish_wait(self) -> Wakeup:
        """How it was told. Raises OSError."""
        return Wakeup(*self.receiver.answer().value)

    def receive(self) -> bytes:
        """What the oldest transfer brought. Raises OSError as the receiver's call did."""
        self.begin_receive(self._sizes.popleft())
        return self.finish_receive()

    def begin_receive(self, size: int) -> None:
        """Have the receiver take `size` bytes or the next message; it sleeps in the channel until there is one."""
        self.receiver.ask(Question(protocol.RECEIVE, size=size))

    def finish_receive(self) -> bytes:
        """Wait for the receiver after `begin_receive`."""
        return self.receiver.answer().payload

    def decode(self, payload: bytes) -> Value:
        """The receiver makes a value of bytes. Raises DemoError with what is wrong with them."""
        self.receiver.ask(Question(protocol.DECODE, payload=payload))
        return formats.from_plain(self.receiver.answer().value)

    def begin_answer(self, payload: bytes) -> None:
        """Have the receiver answer, through the channel for answers."""
        self.receiver.ask(Question(protocol.ANSWER, payload=payload))

    def finish_answer(self) -> None:
        """Wait for the receiver after `begin_answer`."""
        self.receiver.answer()

    def begin_take_answer(self, size: int) -> None:
        """Have the sender take the answer; it sleeps until there is one."""
        self.sender.ask(Question(protocol.TAKE_ANSWER, size=size))

    def finish_take_answer(self) -> bytes:
        """Wait for the sender after `begin_take_answer`."""
        return self.sender.answer().payload

    def play(self, sender: Batch, receiver: Batch, within_s: float) -> tuple[Played, Played]:
        """Both go through a batch of messages, at once; what each says of it. This process sleeps meanwhile.

        Raises OSError as a call of theirs did, Silent where one is not through within that time, or DemoError.
        """
        deadline = time.monotonic() + within_s
        self.receiver.ask(Question(protocol.PLAY, value=receiver))
        self.sender.ask(Question(protocol.PLAY, value=sender))
        try:
            sent = self.sender.answer(within_s)
        except Silent:
            if self.receiver.talk.comes(0):  # it waits in vain: what went wrong there is the reason
                self.receiver.answer()
            raise
        taken = self.receiver.answer(max(deadline - time.monotonic(), 0.0))
        return Played(*sent.value), Played(*taken.value)

    def close_sender(self) -> None:
        """The sender lets go of its ends and lives on."""
        self.sender.talk.pass_over()
        self.sender.ask(Question(protocol.CLOSE))
        self.sender.answer()

    def close_receiver(self) -> None:
        """The receiver lets go of its ends and lives on."""
        self.receiver.talk.pass_over()
        self.receiver.ask(Question(protocol.CLOSE))
        self.receiver.answer()

    def kill_sender(self) -> None:
        """The sender dies of SIGKILL."""
        self.sender.kill()

    def kill_receiver(self) -> None:
        """The receiver dies of SIGKILL."""
        self.receiver.kill()

    def sleeps(self, side: str, grace_s: float = BUSY_AFTER_S) -> bool:
        """Whether a half (`a`, `b`) has not come back from what it was last asked to do, also not within a moment."""
        half = self.sender if side == "a" else self.receiver
        return half.talk.is_busy(grace_s)

    def listen(self, seconds: float) -> None:
        """Hear what the halves report, for so long."""
        deadline = time.monotonic() + seconds
        talks = {half.talk.fileno(): half.talk for half in self.halves}
        while talks and (left := deadline - time.monotonic()) > 0:
            for fd in select.select(list(talks), [], [], left)[0]:
                try:
                    talks[fd].listen(0)
                except DemoError:  # it ended: whoever asks it will hear of that; the other is still heard
                    del talks[fd]

    def end(self) -> None:
        """End both processes, remove the object and its names. Safe to call twice."""
        self._undo.close()
        atexit.unregister(self.end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _make(self) -> None:
        pairs = [socket.socketpair() for _ in ("sender", "receiver")]
        self.sender, self.receiver = (
            HalfProcess(role, side, ours, self._answers_within_s, self._hear)
            for role, side, (ours, _) in zip(("sender", "receiver"), "ab", pairs, strict=True)
        )
        theirs = [other.fileno() for _, other in pairs]
        try:
            self._keeper = Keeper((self.room.NAME, self.variant), theirs, self._answers_within_s, self._hear)
            self._undo.callback(self._end_all)
        finally:
            for half in (self.sender, self.receiver):
                self._undo.callback(half.let_go)
            for _, other in pairs:
                other.close()
        self.made = self._keeper.make(self._task())
        pids = {"sender": self.made.sender_pid, "receiver": self.made.receiver_pid}
        for half in self.halves:
            half.is_forked(pids[half.role])
        for half in self.halves:
            half.talk.expect("start")
            half.answer()

    def _task(self) -> Task:
        plan = self.plan
        return Task(
            os.getpid(),
            getattr(self.room, "__name__", ""),
            self.variant,
            import_path(),
            self._below,
            Terms(plan.blocking, plan.lock, plan.size, plan.messages, self._measured),
            plan.format,
            plan.byte_order,
            plan.notification or "read",
            plan.response == "second",
            plan.reading_s,
            PROC,
            plan.fault,
            self._joins,
        )

    def _end_all(self) -> None:
        """The keeper ends the halves and cleans up; where it was killed, that is left to us."""
        is_clean = self._keeper.end()
        for half in (self.sender, self.receiver):
            half.forget()
        left = self._keeper.left
        if is_clean or left is None:
            return
        for leaving in left.leaves:
            with contextlib.suppress(OSError):
                demo_leaving.remove(leaving)
        shutil.rmtree(left.directory, ignore_errors=True)


def _demo(room: Room) -> Demo:
    """The room's demo. Raises DemoError for a mechanism that has none."""
    if room.DEMO is None:
        raise DemoError(f"there is no demo of {room.NAME}")
    return room.DEMO
