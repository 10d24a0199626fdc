"""The load to measure under, and the C programs that the measurements need."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
PROGRAMS = ("load", "floors", "timed")
READY_WITHIN_S = 60
GONE_WITHIN_S = 60


class Size(NamedTuple):
    """How much the load makes."""

    processes: int = 1000
    descriptors: int = 100
    """For each process."""
    sysv: int = 500
    """Message queues, segments and semaphore sets: as many of each."""


def end_tidily_when_told_to() -> None:
    """Let SIGTERM and SIGHUP end this program as an exception does: what it started is ended too."""

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def compile_programs(directory: Path) -> dict[str, str]:
    """The C programs, compiled into a directory: paths by name. Raises CalledProcessError."""
    built = {name: str(directory / name) for name in PROGRAMS}
    for name, path in built.items():
        subprocess.run(["gcc", "-O2", "-pthread", "-o", path, str(HERE / f"{name}.c")], check=True)
    return built


@contextmanager
def running_load(program: str, size: Size, seconds: int = 3600) -> Iterator[str]:
    """The load, for the time of the block; gives the line in which it says what it made.

    Raises RuntimeError where it cannot be made, and where something of it is left after its end.
    """
    before = _sysv_ids()
    options = ["-p", size.processes, "-f", size.descriptors, "-s", size.sysv, "-t", seconds]
    load = subprocess.Popen([program, *map(str, options)], stdout=subprocess.PIPE, text=True)
    try:
        yield _ready_line(load)
    finally:
        load.send_signal(signal.SIGTERM)
        load.wait(timeout=GONE_WITHIN_S)
        assert load.stdout is not None
        load.stdout.close()
    left = _sysv_ids() - before
    if left:
        raise RuntimeError(f"the load left System V objects behind: {sorted(left)}")


def _ready_line(load: subprocess.Popen[str]) -> str:
    assert load.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(load.stdout, selectors.EVENT_READ)
        if not selector.select(READY_WITHIN_S):
            raise RuntimeError("the load is not ready in time")
    line = load.stdout.readline().strip()
    if not line.startswith("ready"):
        raise RuntimeError("the load could not be made: see its complaint above")
    return line


def _sysv_ids() -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for name in ("msg", "sem", "shm"):
        try:
            rows = Path("/proc/sysvipc", name).read_text().splitlines()[1:]
        except OSError:
            continue
        found.update((name, int(row.split()[1])) for row in rows)
    return found


def descriptors_open() -> int:
    """How many descriptors all processes have open, by the size that the kernel gives /proc/PID/fd."""
    total = 0
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                total += os.stat(f"/proc/{name}/fd").st_size
            except OSError:
                continue
    return total
