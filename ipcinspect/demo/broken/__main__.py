"""The parent of a broken scenario: `python -m ipcinspect.demo.broken WORD`.

Its standard input is a connection to whoever started it. It makes a directory for names, starts the scenario in a
process of its own, says where that is, and waits for the end of the connection, which comes also when the other side is
killed. Then it ends everything and cleans up.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import tempfile

from ipcinspect.demo.broken import SCENARIOS
from ipcinspect.demo.broken.scenario import Scenario, become, clean_up, run
from ipcinspect.demo.keeper import PREFIX
from ipcinspect.kernel.own_process import set_name


def main(word: str) -> None:
    """Until the connection ends."""
    set_name("demo-keeper")
    scenario = next(one for one in SCENARIOS if word == one.word)
    directory = tempfile.mkdtemp(prefix=PREFIX)
    try:
        pid = _start(scenario, directory)
        with socket.socket(fileno=os.dup(0)) as connection:
            connection.sendall(json.dumps({"pid": pid, "directory": directory}).encode() + b"\n")
            over = select.poll()
            over.register(connection, select.POLLRDHUP)
            over.poll()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    finally:
        clean_up(directory)


def _start(scenario: Scenario, directory: str) -> int:
    """The process in which it happens, the first of a process group of its own."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        become("broken-first", parent)
        nothing = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(nothing, fd)
        os.close(nothing)
        run(lambda: scenario.begin(directory))
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)  # whichever of us is first
    return pid


if __name__ == "__main__":
    main(sys.argv[1])
