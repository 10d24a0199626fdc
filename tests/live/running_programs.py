"""Runs many small programs at once, each in a session of its own, and ends them with all that they have made."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from ipcinspect.kernel import sysv
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.stuck_programs import PRELUDE
from tests.live.subjects import WITHIN_S


class Programs:
    """All of them; of the session that each leads one knows which one a process belongs to."""

    def __init__(self, codes: Mapping[str, str], directory: str, command: Sequence[str] = ()) -> None:
        """`directory`: for their files, which they do not remove; `command` is put in front (`setpriv ...`)."""
        self.started = {
            name: subprocess.Popen(
                [*command, sys.executable, "-S", "-c", PRELUDE + code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "TMPDIR": directory},
            )
            for name, code in codes.items()
        }

    def wait(self) -> None:
        """Until each stands where it stays."""
        for name, process in self.started.items():
            assert process.stdout is not None
            assert select.select([process.stdout], [], [], WITHIN_S)[0], f"{name}: not ready in time"
            assert process.stdout.readline() == b"ready\n", name

    def name_of(self, pid: int) -> str | None:
        """The program that a process belongs to."""
        try:
            session = os.getsid(pid)
        except OSError:
            return None
        return next((name for name, process in self.started.items() if process.pid == session), None)

    def runs(self, name: str) -> bool:
        """Whether it is there: of one that failed nothing is proved."""
        return self.started[name].poll() is None

    def end(self) -> None:
        """Gone, all of them."""
        for process in self.started.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            process.wait()


@contextlib.contextmanager
def running(codes: Mapping[str, str], directory: str, command: Sequence[str] = ()) -> Iterator[Programs]:
    """Programs, ready; after the block they and their semaphores are gone."""
    made = Programs(codes, directory, command)
    try:
        made.wait()
        yield made
    finally:
        used = {
            channel.key.number
            for channel in LiveSource().take(Want()).channels
            if channel.mechanism == "sysv-sem"
            and any(end.process is not None and made.name_of(end.process.pid) for end in channel.endpoints)
        }
        made.end()
        for semid in used & _semaphore_sets():
            sysv.remove_semaphores(semid)


def _semaphore_sets() -> set[int]:
    with open("/proc/sysvipc/sem", encoding="ascii") as table:
        return {int(line.split()[1]) for line in table.readlines()[1:]}
