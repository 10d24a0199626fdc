"""The program of a demo process: `python -m ipcinspect.demo.child MECHANISM VARIANT sender|receiver`.

The words are for those who look at the process; what to do comes over the connection on standard input. It ends when
that connection ends or its runner is gone, also while it sleeps in the channel.
"""

from __future__ import annotations

import errno
import importlib
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable

from ipcinspect.demo import protocol
from ipcinspect.demo.protocol import Answer, Question, Task
from ipcinspect.kernel.own_process import set_name
from ipcinspect.mechanisms.demo_part import Calls, Part, Terms
from ipcinspect.mechanisms.room import Demo

Act = Callable[[Question], "bytes | None"]


def main(role: str, inherited: tuple[str, ...] = ()) -> None:
    """Do what comes over the connection until it ends. `inherited`: arguments from the process that forked this one."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    set_name(f"demo-{role}")
    with socket.socket(fileno=sys.stdin.fileno()) as connection, connection.makefile("rb") as lines:
        task = protocol.read_task(lines.readline())
        task = task._replace(args=inherited or task.args)
        _end_with_runner(connection, task.runner_pid)
        acts = _acts(task, role)
        connection.sendall(protocol.write_answer(Answer()))
        for line in lines:
            question = protocol.read_question(line)
            connection.sendall(protocol.write_answer(_answer(acts[question.call], question)))


def _end_with_runner(connection: socket.socket, runner_pid: int) -> None:
    """End this process when the connection's other end or the runner is gone, whatever it is doing then.

    Not by PR_SET_PDEATHSIG: that signal comes already when the runner's *thread* ends that started this process.
    """
    gone = select.poll()
    gone.register(connection, select.POLLRDHUP)
    try:
        gone.register(os.pidfd_open(runner_pid), select.POLLIN)
    except ProcessLookupError:
        os._exit(0)

    def wait() -> None:
        gone.poll()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def _acts(task: Task, role: str) -> dict[str, Act]:
    """What this half can be told to do."""
    sys.path[:] = task.import_path
    demo: Demo = importlib.import_module(task.room).DEMO
    part = Part(Calls(), Terms(), task.args, task.fds)
    if role == "sender":
        sender = demo.sender(part)
        return {
            protocol.OPEN: lambda question: sender.open(),
            protocol.SEND: lambda question: sender.send(question.payload),
            protocol.CLOSE: lambda question: sender.close(),
        }
    receiver = demo.receiver(part)
    return {
        protocol.OPEN: lambda question: receiver.open(),
        protocol.RECEIVE: lambda question: receiver.receive(question.size),
        protocol.CLOSE: lambda question: receiver.close(),
    }


def _answer(act: Act, question: Question) -> Answer:
    try:
        return Answer(act(question) or b"")
    except OSError as error:
        return refusal(error)
    except Exception as error:  # noqa: BLE001 (told to the runner, who raises it there)
        return Answer(message=f"{type(error).__name__}: {error}")


def refusal(error: OSError) -> Answer:
    """What the kernel refused, for the runner."""
    return Answer(error=errno.errorcode.get(error.errno or 0, "EIO"), message=error.strerror or str(error))


if __name__ == "__main__":
    main(sys.argv[3])
