"""A command of the user as a child of ours: started, followed with all that it starts, and ended with us.

It is the only place that starts a process for the user. The child gets a session of its own: no terminal, so that it
neither reads keys that are meant for the screen nor draws on it, and is not stopped or interrupted by the terminal.
We adopt what it leaves behind when it detaches, so that everything it started stays below us until the end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence

from ipcinspect.cli.complaints import Unable, Usage
from ipcinspect.cli.kept_output import KeptOutput
from ipcinspect.kernel import procfs
from ipcinspect.kernel.libc import die_with_parent
from ipcinspect.kernel.own_process import adopt_orphans
from ipcinspect.model.text import visible

PATIENCE_S = 2.0
"""How long what was asked to end may take to do so before it is killed."""
_STEP_S = 0.01
_NAME_SHOWN = 40


class Started:
    """The running command. Only for a program without other children: it takes the status of every child."""

    def __init__(self, command: Sequence[str], output: KeptOutput | None) -> None:
        """Start it. Its standard input is ours unless that is a terminal.

        What it writes goes to `output`, else to our standard error: standard output is for what we say. Raises Usage
        where there is no such command, Unable where it cannot be started.
        """
        self.status: int | None = None
        """What it ended with: its exit code, or the number of a signal below zero; None while it runs."""
        self.ended_by_us = False
        """Whether it ran until `end`."""
        adopt_orphans()
        sink = 2 if output is None else output.sink
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL if _is_terminal(0) else None,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(signal.SIGTERM),
            )
        except FileNotFoundError as error:
            raise Usage(f"no command '{command[0]}'") from error
        except (OSError, ValueError) as error:
            raise Unable(f"cannot start '{command[0]}': {getattr(error, 'strerror', None) or error}") from error
        finally:
            if output is not None:
                output.begin()
        self.pid = self._process.pid
        self.name = f"{visible(os.path.basename(command[0]), _NAME_SHOWN)} {self.pid}"

    def is_over(self) -> bool:
        """Whether it and everything it started have ended; takes the status of those that have."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return False
                self._note(pid, status)
        except ChildProcessError:
            return True

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until all of them have ended, at most so long; whether they have."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self.is_over():
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(_STEP_S)
        return True

    def end(self, number: int = signal.SIGTERM) -> None:
        """End all of them: by that signal, and by SIGKILL those that are still there a while later."""
        told: set[tuple[int, int]] = set()
        self.ended_by_us = not self.is_over() and self.status is None
        for wanted in (number, signal.SIGKILL):
            deadline = time.monotonic() + PATIENCE_S
            while not self.is_over() and time.monotonic() < deadline:
                for pid, starttime in _below_us():
                    if wanted == signal.SIGKILL or (pid, starttime) not in told:
                        told.add((pid, starttime))
                        _send(pid, starttime, wanted)
                time.sleep(_STEP_S)

    def fate(self) -> str:
        """What has become of it: `make 2211`, `make 2211 ended with 2`."""
        if self.status is None:
            return self.name
        if self.status < 0:
            return f"{self.name} was ended by {_signal_name(-self.status)}"
        return f"{self.name} ended with {self.status}"

    def _note(self, pid: int, status: int) -> None:
        if pid == self.pid:
            self.status = self._process.returncode = os.waitstatus_to_exitcode(status)


def _below_us() -> list[tuple[int, int]]:
    """(pid, start time) of our descendants."""
    parents: dict[int, tuple[int, int]] = {}
    for pid in procfs.list_pids("/proc"):
        try:
            process = procfs.open_process("/proc", pid)
        except OSError:
            continue
        try:
            row = procfs.parse_stat(procfs.read_file(process, "stat"))
            parents[pid] = (row.ppid, row.starttime)
        except (OSError, ValueError):
            continue
        finally:
            os.close(process)
    return [(pid, parents[pid][1]) for pid in parents if _is_below(pid, os.getpid(), parents)]


def _is_below(pid: int, ancestor: int, parents: dict[int, tuple[int, int]]) -> bool:
    for _ in range(len(parents)):
        pid = parents[pid][0]
        if pid == ancestor:
            return True
        if pid not in parents:
            return False
    return False


def _send(pid: int, starttime: int, number: int) -> None:
    """A signal to the process that started then, stopped or not; to no other that has its pid by now."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        procfs.read_of("/proc", pid, starttime, "stat")
        signal.pidfd_send_signal(handle, number)
        signal.pidfd_send_signal(handle, signal.SIGCONT)
    except OSError:
        return  # it has ended, or is another user's by now
    finally:
        os.close(handle)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False
