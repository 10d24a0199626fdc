"""One batch of messages in one half of a pair, measured by that half itself: time, CPU time, context switches.

Every mechanism is driven by these same loops through its own `send` and `receive`, so what differs is the mechanism.
Clocks: CLOCK_MONOTONIC, which all processes share; CPU time of the whole process (clock_gettime(2)); context switches
of getrusage(2).
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ipcinspect.mechanisms.demo_memory import MemoryEnd
from ipcinspect.mechanisms.demo_part import Calls
from ipcinspect.mechanisms.room import DemoReceiver, DemoSender

PARTS = ("send", "take", "ask", "reply", "nothing")
"""What a half does in a batch: sends each message, takes each; sends and waits for an answer of the same size each
time, or gives that answer; makes empty calls, which is what the harness itself costs."""
MOST_TRIPS = 8192
"""Round trips of one batch."""
MOST_TIMES = 1024
"""Round trips whose single times are told of one batch: of more, every second or every third, and so on."""
MOST_PLACES = 1024
"""Messages that memory holds at once, where they fit."""
LENGTH_BYTES = 4
"""Of the length that stands before a message in a stream whose program keeps its messages apart itself."""
_NANO = 1_000_000_000

A = TypeVar("A")
T = TypeVar("T")
Send = Callable[[bytes], object]
Receive = Callable[[int], bytes]


class Batch(NamedTuple):
    """What one half shall do."""

    part: str
    """One of `PARTS`."""
    size: int
    """Bytes of each message; 0 where the mechanism carries none."""
    messages: int
    window: int = 0
    """Above 0: after so many messages the sender waits until the receiver says that it has them."""
    framed: bool = False
    """Whether the length of each message is sent before it, and read first."""


class Played(NamedTuple):
    """What a half says of a batch."""

    began_ns: int
    """CLOCK_MONOTONIC; likewise the end."""
    ended_ns: int
    cpu_ns: int
    voluntary: int
    """Context switches because it slept; the others because somebody else was due."""
    involuntary: int
    times_ns: list[int]
    """Of each round trip; empty for what does not ask."""

    @property
    def took_s(self) -> float:
        """From its own beginning to its own end."""
        return (self.ended_ns - self.began_ns) / _NANO


def play(batch: Batch, sends: DemoSender, receives: DemoReceiver, calls: Calls, blocking: bool) -> Played:
    """Do it and measure it. Raises OSError, also where a message came that has not its length."""
    times: list[int] = []
    divide(batch, sends, receives)
    send: Send = sends.send
    receive: Receive = receives.receive
    if batch.framed:
        send, receive = framed(batch, sends, receives)
    if not blocking:
        send, receive = insisting(send), insisting(receive)
    payload = os.urandom(batch.size)
    act: Callable[[], None] = {
        "send": lambda: _send(batch, payload, send, receive),
        "take": lambda: _take(batch, send, receive),
        "ask": lambda: _ask(batch, payload, send, receive, times),
        "reply": lambda: _reply(batch, payload, send, receive),
        "nothing": lambda: _nothing(batch, payload, Nothing(calls)),
    }[batch.part]
    before, cpu, began = resource.getrusage(resource.RUSAGE_SELF), time.process_time_ns(), time.monotonic_ns()
    act()
    ended, spent, after = time.monotonic_ns(), time.process_time_ns() - cpu, resource.getrusage(resource.RUSAGE_SELF)
    slept, driven = after.ru_nvcsw - before.ru_nvcsw, after.ru_nivcsw - before.ru_nivcsw
    return Played(began, ended, spent, slept, driven, times)


class Nothing:
    """An end that moves nothing: its calls cost what the harness costs."""

    def __init__(self, calls: Calls) -> None:
        self._send: Callable[[bytes], None] = calls.bound("nothing", lambda payload: None, lambda payload: ())
        self._receive: Callable[[int], bytes] = calls.bound("nothing", lambda size: b"", lambda size: ())

    def send(self, payload: bytes) -> None:
        """An empty call."""
        self._send(payload)

    def receive(self, size: int) -> bytes:
        """Likewise."""
        return self._receive(size)


def divide(batch: Batch, sends: DemoSender, receives: DemoReceiver) -> None:
    """Memory gets places for messages of this size; nothing is in it between two batches."""
    if batch.part == "nothing":
        return
    for end in (sends, receives):
        if isinstance(end, MemoryEnd):
            end.divide(batch.size, batch.window or MOST_PLACES)


def framed(batch: Batch, sends: DemoSender, receives: DemoReceiver) -> tuple[Send, Receive]:
    """Calls that put the length before each message and read it first, as a program does that uses a stream."""
    head = batch.size.to_bytes(LENGTH_BYTES, "big")

    def send(payload: bytes) -> None:
        sends.send(head + payload)

    def receive(size: int) -> bytes:
        return receives.receive(int.from_bytes(receives.receive(LENGTH_BYTES), "big"))

    return send, receive


def insisting(call: Callable[[A], T]) -> Callable[[A], T]:
    """A call that does not sleep, again and again until it has done its work.

    In between others may run: where both halves spin on one CPU, each waits for the end of the other's time slice, and
    a round trip takes milliseconds in place of microseconds (measured with and without, on two CPUs of which one was
    busy).
    """

    def insist(argument: A) -> T:
        while True:
            try:
                return call(argument)
            except BlockingIOError:
                os.sched_yield()

    return insist


def _send(batch: Batch, payload: bytes, send: Send, receive: Receive) -> None:
    for number in range(1, batch.messages + 1):
        send(payload)
        if batch.window and (number % batch.window == 0 or number == batch.messages):
            receive(1)


def _take(batch: Batch, send: Send, receive: Receive) -> None:
    size = batch.size
    for number in range(1, batch.messages + 1):
        check(receive(size), size)
        if batch.window and (number % batch.window == 0 or number == batch.messages):
            send(b"\0")


def _ask(batch: Batch, payload: bytes, send: Send, receive: Receive, times: list[int]) -> None:
    size, now = batch.size, time.monotonic_ns
    for _ in range(batch.messages):
        begun = now()
        send(payload)
        check(receive(size), size)
        times.append(now() - begun)
    times[:] = times[:: -(-len(times) // MOST_TIMES)]


def _reply(batch: Batch, payload: bytes, send: Send, receive: Receive) -> None:
    size = batch.size
    for _ in range(batch.messages):
        check(receive(size), size)
        send(payload)


def _nothing(batch: Batch, payload: bytes, end: Nothing) -> None:
    for _ in range(batch.messages):
        end.send(payload)
        end.receive(batch.size)


def check(received: bytes, size: int) -> None:
    """Raises ValueError where a message is not whole: then nothing that was measured would count."""
    if len(received) != size:
        raise ValueError(f"{len(received)} bytes came in place of {size}")
