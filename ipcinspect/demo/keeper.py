"""The parent of a pair whose channel only fork(2) passes on: `python -m ipcinspect.demo.keeper MECHANISM VARIANT A B`.

It makes the object, forks the sender (with the connection A as its standard input) and the receiver (B), lets go of
the object, and waits until both ended: somebody has to, or they would stay as zombies.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
from collections.abc import Sequence

from ipcinspect.demo import child, protocol
from ipcinspect.demo.protocol import Answer
from ipcinspect.kernel.own_process import set_name
from ipcinspect.mechanisms.demo_part import Calls, Making
from ipcinspect.mechanisms.room import Demo


def main(variant: str, connections: Sequence[int]) -> None:
    """Do it all. What the kernel refuses goes to the runner as the answer."""
    set_name("demo-keeper")
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as connection, connection.makefile("rb") as lines:
        task = protocol.read_task(lines.readline())
        sys.path[:] = task.import_path
        demo: Demo = importlib.import_module(task.room).DEMO
        try:
            handover = demo.create(Making(Calls(), task.args[0], variant))
            pids = [
                _forked(connections, 0, "sender", handover.sender_args),
                _forked(connections, 1, "receiver", handover.receiver_args),
            ]
        except OSError as error:
            connection.sendall(protocol.write_answer(child.refusal(error)))
            return
        for fd in connections:
            os.close(fd)
        handover.let_go()
        connection.sendall(protocol.write_answer(Answer(" ".join(map(str, pids)).encode())))
    for _ in pids:
        os.wait()


def _forked(connections: Sequence[int], own: int, role: str, args: tuple[str, ...]) -> int:
    """The pid of one half. Raises OSError."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.closerange(3, min(connections))
        os.dup2(connections[own], 0)
        for fd in connections:
            os.close(fd)
        child.main(role, args)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[2], [int(sys.argv[3]), int(sys.argv[4])])
