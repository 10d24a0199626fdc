"""The parent of a demo pair: `python -m ipcinspect.demo.keeper A B MECHANISM VARIANT`.

It makes the object, forks the sender (with the connection A as its standard input) and the receiver (B), and lets go
of the object. Then it waits for the end of its own connection, which comes also when the runner is killed; ends both,
and takes out of the system what the demo left in it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from ipcinspect.demo import half, hindrance, protocol
from ipcinspect.demo.half import Place
from ipcinspect.demo.protocol import Answer, Given, Joins, Left, Made, Task
from ipcinspect.kernel import maps, procfs
from ipcinspect.kernel.own_process import set_name
from ipcinspect.mechanisms import demo_leaving
from ipcinspect.mechanisms.demo_part import WAYS, Calls, Leaving, Making, Report
from ipcinspect.mechanisms.room import Demo, Handover

_ENDS_WITHIN_S = 1.0
_MODE = 0o600
"""Of what is made: for its owner alone."""
PREFIX = "ipcinspect-demo-"


class _Channels(NamedTuple):
    """What was made: one channel, or one for each direction."""

    forth: Handover
    back: Handover | None

    @property
    def all(self) -> list[Handover]:
        return [one for one in self if one is not None]

    @property
    def leaves(self) -> tuple[Leaving, ...]:
        return tuple(leaving for one in self.all for leaving in one.leaves)


def main(connections: Sequence[int]) -> None:
    """Do it all. What the kernel refuses goes to the runner as the answer."""
    set_name("demo-keeper")
    half.reset_signals()
    signal.signal(signal.SIGTERM, _leave)
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as connection, connection.makefile("rb") as lines:
        task = protocol.read_task(lines.readline())
        sys.path[:] = task.import_path

        def tell(line: bytes) -> None:
            """A runner that is gone hears nothing; that must not stop a call in the middle: it would be lost."""
            with contextlib.suppress(OSError):
                connection.sendall(line)

        calls = Calls(lambda report: tell(protocol.write_report(report)))
        with contextlib.ExitStack() as undo:
            directory = "" if task.joins is not None else tempfile.mkdtemp(prefix=PREFIX, dir=task.below)
            if directory:
                undo.callback(shutil.rmtree, directory, ignore_errors=True)
                tell(protocol.write_left(Left(directory)))
            try:
                pids, made = _make(task, calls, directory, connections, connection, tell, undo)
            except OSError as error:
                connection.sendall(protocol.write_answer(half.refusal(error)))
                return
            connection.sendall(protocol.write_answer(Answer(value=made)))
            _wait(connection, task.runner_pid, pids)


def _make(
    task: Task,
    calls: Calls,
    directory: str,
    connections: Sequence[int],
    connection: socket.socket,
    tell: Callable[[bytes], None],
    undo: contextlib.ExitStack,
) -> tuple[list[int], Made]:
    """Both halves, forked, and what was made for them. Raises OSError."""
    demo: Demo = importlib.import_module(task.room).DEMO
    if task.joins is not None:
        demo, channels = _joined(demo, task.joins)
    else:
        with hindrance.while_making(task.fault, demo.limited_by, calls, task.proc):
            channels = _create(demo, task, calls, directory, tell, undo)
    forth, back = channels
    sender = Place(forth.sender_args, forth.sender_fds), back and Place(back.receiver_args, back.receiver_fds)
    receiver = Place(forth.receiver_args, forth.receiver_fds), back and Place(back.sender_args, back.sender_fds)
    fds = {fd for one in channels.all for fd in (*one.sender_fds, *one.receiver_fds)}
    strange = {*connections, *fds, connection.fileno()}
    pids: list[int] = []
    found = {"sender": 0, "receiver": 0}
    undo.callback(_end, pids)
    for place, (role, places) in enumerate((("sender", sender), ("receiver", receiver))):
        if task.joins is not None and role not in task.joins.roles:
            continue
        own = {fd for one in places if one is not None for fd in one.fds}
        begun = time.monotonic()
        pid = os.fork()
        if pid == 0:
            _become(role, task, demo, connections[place], strange - own, places)
        pids.append(pid)
        found[role] = pid
        calls.tell(Report("fork", (), begun, time.monotonic() - begun, f"{pid}, the {role}"))
    given = _given(forth, task.proc), None if back is None else _given(back, task.proc)
    for fd in {*connections, *fds}:
        os.close(fd)
    for one in channels.all:
        one.let_go()
    made = Made(found["sender"], found["receiver"], channels.leaves, *given, forth.most_bytes, forth.limit_told_by)
    return pids, made


def _given(handover: Handover, proc: str) -> Given:
    """What both get, and the files that were made: behind descriptors, names, or where memory is mapped."""
    fds = (*handover.sender_fds, *handover.receiver_fds)
    paths = [leaving.what for leaving in handover.leaves if leaving.how == "path"]
    found = [*map(os.fstat, fds), *map(os.stat, paths)]
    files = {(one.st_dev, one.st_ino) for one in found}
    if handover.address is not None:
        text = procfs.read_table(f"{proc}/self/maps", maps.LIMIT)
        files |= {(m.device, m.inode) for m in maps.parse_shared(text) if m.start == handover.address}
    return Given(*handover[:4], tuple(files))


def _create(
    demo: Demo, task: Task, calls: Calls, directory: str, tell: Callable[[bytes], None], undo: contextlib.ExitStack
) -> _Channels:
    """The object, and a second one where answers take one. Raises OSError."""
    made: list[Handover] = []
    for name in WAYS if task.second else WAYS[:1]:
        place = os.path.join(directory, name)
        os.mkdir(place)
        mode = hindrance.mode_of(task.fault, _MODE)
        handover = demo.create(Making(calls.about(name), place, task.variant, task.terms, mode))
        for leaving in handover.leaves:
            undo.callback(_remove, leaving)
        made.append(handover)
        tell(protocol.write_left(Left(directory, tuple(leaving for one in made for leaving in one.leaves))))
    return _Channels(made[0], made[1] if task.second else None)


def _joined(demo: Demo, joins: Joins) -> tuple[Demo, _Channels]:
    """The demo with the halves that work on what is there already, and what they are given of it."""
    assert demo.attach is not None, "the runner asks for nothing else"
    receiver = demo.attach.receiver or demo.receiver
    given = Handover(joins.sender_args, (), joins.receiver_args, ())
    given = given._replace(most_bytes=joins.most_bytes, limit_told_by=joins.limit_told_by)
    return demo._replace(sender=demo.attach.sender, receiver=receiver), _Channels(given, None)


def _remove(leaving: Leaving) -> None:
    with contextlib.suppress(OSError):
        demo_leaving.remove(leaving)


def _become(
    role: str, task: Task, demo: Demo, connection: int, strange: set[int], places: tuple[Place, Place | None]
) -> NoReturn:
    """The life of a half, from the fork to its end; nothing of the keeper's is left to it."""
    try:
        half.reset_signals()
        os.dup2(connection, 0)
        for fd in strange:
            os.close(fd)
        half.main(role, task, demo, *places)
    finally:
        os._exit(0)


def _wait(connection: socket.socket, runner_pid: int, pids: Sequence[int]) -> None:
    """Until the runner lets go or is gone; a half that ends before is taken note of, or it would stay a zombie."""
    gone = select.poll()
    gone.register(connection, select.POLLRDHUP)
    with contextlib.suppress(ProcessLookupError):
        gone.register(os.pidfd_open(runner_pid), select.POLLIN)
        halves = {os.pidfd_open(pid): pid for pid in pids}
        for fd in halves:
            gone.register(fd, select.POLLIN)
        while True:
            for fd, _ in gone.poll():
                if fd not in halves:
                    return
                gone.unregister(fd)
                _take_note(halves[fd])


def _end(pids: Sequence[int]) -> None:
    """They end by themselves when they see that all is over; one that is stopped or hangs is killed."""
    deadline = time.monotonic() + _ENDS_WITHIN_S
    for pid in pids:
        while not _take_note(pid) and time.monotonic() < deadline:
            time.sleep(0.005)
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _take_note(pid: int) -> bool:
    """Whether it has ended; then it is no zombie any more."""
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main([int(sys.argv[1]), int(sys.argv[2])])
