"""Runs one demo pair: makes the object, starts its two processes, and leaves nothing behind."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import socket
import tempfile
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from ipcinspect.demo import protocol
from ipcinspect.demo.process import DemoError, DemoProcess, ForkedProcess, import_path
from ipcinspect.demo.protocol import Question, Task
from ipcinspect.mechanisms import demo_leaving
from ipcinspect.mechanisms.demo_part import Calls, Making
from ipcinspect.mechanisms.room import Demo, Handover, Room

ANSWERS_WITHIN_S = 10.0


class DemoPair:
    """A sender and a receiver in processes of their own over one real object.

    The runner itself holds no end: what it made, it passed on and closed. `end` (or the end of the `with` block, or
    the runner's exit) ends both processes and removes every name, whatever happened before.
    """

    handover: Handover
    """What the two processes were given: ids, names, descriptors."""
    sender: DemoProcess | ForkedProcess
    receiver: DemoProcess | ForkedProcess

    def __init__(self, room: Room, variant: str, answers_within_s: float, below: str | None) -> None:
        """Use `start`, which also makes the object and the processes."""
        self.room = room
        self.variant = variant
        self._answers_within_s = answers_within_s
        self._directory = tempfile.mkdtemp(prefix="ipcinspect-demo-", dir=below)
        self._sizes: deque[int] = deque()
        self._undo = contextlib.ExitStack()
        self._undo.callback(shutil.rmtree, self._directory, ignore_errors=True)
        atexit.register(self.end)

    @classmethod
    def start(
        cls,
        room: Room,
        variant: str | None = None,
        answers_within_s: float = ANSWERS_WITHIN_S,
        below: str | None = None,
    ) -> Self:
        """A pair whose processes are ready and have not opened their ends yet.

        `variant`: the usual one unless given; `below`: where its directory for names is made, the system's place for
        temporary files unless given. Raises OSError where the kernel refuses the object, DemoError where a process
        does not start.
        """
        pair = cls(room, variant or _demo(room).variants[0], answers_within_s, below)
        try:
            pair._make()
        except BaseException:
            pair.end()
            raise
        return pair

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

    def receive(self) -> bytes:
        """What the oldest transfer brought. Raises OSError as the receiver's call did."""
        self.begin_receive(self._sizes.popleft())
        return self.finish_receive()

    def begin_receive(self, size: int) -> None:
        """Have the receiver take `size` bytes or the next message; it sleeps in the channel until there is one."""
        self.receiver.ask(Question(protocol.RECEIVE, size=size))

    def finish_receive(self) -> bytes:
        """Wait for the receiver after `begin_receive`."""
        return self.receiver.answer()

    def close_sender(self) -> None:
        """The sender lets go of its end and lives on."""
        self.sender.ask(Question(protocol.CLOSE))
        self.sender.answer()

    def close_receiver(self) -> None:
        """The receiver lets go of its end and lives on."""
        self.receiver.ask(Question(protocol.CLOSE))
        self.receiver.answer()

    def kill_sender(self) -> None:
        """The sender dies of SIGKILL."""
        self.sender.kill()

    def kill_receiver(self) -> None:
        """The receiver dies of SIGKILL."""
        self.receiver.kill()

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
        if _demo(self.room).only_forks_inherit:
            self._make_by_forks()
            return
        self.handover = handover = _demo(self.room).create(Making(Calls(), self._directory, self.variant))
        for leaving in handover.leaves:
            self._undo.callback(demo_leaving.remove, leaving)
        try:
            self.sender = self._started("sender", handover.sender_fds)
            self.receiver = self._started("receiver", handover.receiver_fds)
        finally:
            _close_all(handover)
        self._give(self.sender, handover.sender_args, handover.sender_fds)
        self._give(self.receiver, handover.receiver_args, handover.receiver_fds)
        self.sender.answer()
        self.receiver.answer()

    def _make_by_forks(self) -> None:
        """A keeper makes the object and forks both, for what no descriptor and no name passes on."""
        self.handover = Handover((), (), (), ())
        pairs = [socket.socketpair() for _ in ("sender", "receiver")]
        self.sender, self.receiver = (
            ForkedProcess(role, ours, self._answers_within_s)
            for role, (ours, _) in zip(("sender", "receiver"), pairs, strict=True)
        )
        theirs = [other.fileno() for _, other in pairs]
        try:
            words = (self.room.NAME, self.variant, *map(str, theirs))
            keeper = DemoProcess("keeper", words, theirs, self._answers_within_s, "keeper")
            self._undo.callback(keeper.end)
        finally:
            for half in (self.sender, self.receiver):
                self._undo.callback(half.end)
            for _, other in pairs:
                other.close()
        self._give(keeper, (self._directory,), ())
        for half, pid in zip((self.sender, self.receiver), keeper.answer().split(), strict=True):
            half.is_forked(int(pid))
        self._give(self.sender, (), ())
        self._give(self.receiver, (), ())
        self.sender.answer()
        self.receiver.answer()

    def _started(self, role: str, fds: Sequence[int]) -> DemoProcess:
        half = DemoProcess(role, (self.room.NAME, self.variant, role), fds, self._answers_within_s)
        self._undo.callback(half.end)
        return half

    def _give(self, half: DemoProcess, args: tuple[str, ...], fds: tuple[int, ...]) -> None:
        room = getattr(self.room, "__name__", "")
        half.give(Task(os.getpid(), room, import_path(), args, fds))


def _close_all(handover: Handover) -> None:
    """The two processes shall be the only ends."""
    for fd in {*handover.sender_fds, *handover.receiver_fds}:
        os.close(fd)


def _demo(room: Room) -> Demo:
    """The room's demo. Raises DemoError for a mechanism that has none."""
    if room.DEMO is None:
        raise DemoError(f"there is no demo of {room.NAME}")
    return room.DEMO
