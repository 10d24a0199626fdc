"""Measures the screen in a pseudo-terminal: first frame, keys while scanning, what an idle screen costs.

Key latency is the time from the key being written to the terminal until the program writes anything back.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.workload import Size, compile_programs, end_tidily_when_told_to, running_load
from tests.terminal import Terminal, in_terminal

COMMAND = [sys.executable, "-m", "ipcinspect"]
ALTERNATE_SCREEN = b"\x1b[?1049h"
DOWN, UP = b"\x1b[B", b"\x1b[A"
FRAME_BYTES = 500
"""A frame of an empty screen is longer than the switches that come before it."""
DEMO_RUNS = 3
START_WITHIN_S = 60.0
ANSWER_WITHIN_S = 5.0


def first_frame_ms(terminal: Terminal) -> float:
    """Until a whole frame was drawn, with or without channels in it."""
    terminal.wait_for(ALTERNATE_SCREEN, within_s=START_WITHIN_S)
    start = terminal.received.index(ALTERNATE_SCREEN)
    while len(terminal.received) - start < FRAME_BYTES:
        terminal.read(START_WITHIN_S)
    return (time.perf_counter() - terminal.started_at) * 1e3


def key_latencies_ms(terminal: Terminal, seconds: float) -> list[float]:
    """Cursor keys at irregular moments for that time, so that they fall into all phases of a scan."""
    found = []
    deadline = time.perf_counter() + seconds
    number = 0
    while time.perf_counter() < deadline:
        terminal.read_for(random.uniform(0.03, 0.12))
        start = time.perf_counter()
        terminal.press(UP if number % 2 else DOWN)
        number += 1
        if not terminal.read(ANSWER_WITHIN_S):
            raise TimeoutError("a key was never answered")
        found.append((time.perf_counter() - start) * 1e3)
    return found


def demo_latencies_ms(terminal: Terminal, runs: int) -> list[float]:
    """Keys while a demo pair runs, whose lines are drawn as they come: from a key to the words that it brings."""
    found = []
    terminal.press(b"5")
    for number in range(runs * _KEYS_IN_A_RUN):
        if number % _KEYS_IN_A_RUN == 0:
            terminal.press(b"R")
        terminal.read_for(random.uniform(0.03, 0.2))
        before, start = len(terminal.received), time.perf_counter()
        terminal.press(b" ")
        while (b"live" if number % 2 else b"paused") not in terminal.received[before:]:
            if not terminal.read(ANSWER_WITHIN_S):
                raise TimeoutError("a key was never answered")
        found.append((time.perf_counter() - start) * 1e3)
    terminal.press(b"1")
    return found


_KEYS_IN_A_RUN = 50
"""About as long as a run of the usual plan takes."""


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident memory of a process now, and at its peak."""
    rows = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(rows["VmRSS"].split()[0]) / 1024, int(rows["VmHWM"].split()[0]) / 1024


def show(title: str, keys_s: float, idle_s: float, columns: int, rows: int) -> None:
    """Start the screen once, measure, and print."""
    with in_terminal(COMMAND, columns, rows) as terminal:
        print(f"\n{title}, {columns}x{rows}\n")
        print(f"first frame             {first_frame_ms(terminal):.0f} ms")
        seen = terminal.wait_for(b"pipe", b"unix", b"tcp", within_s=START_WITHIN_S)
        print(f"first channels          {seen * 1e3:.0f} ms")
        print(f"keys while scanning     {_spread(key_latencies_ms(terminal, keys_s))}")
        print(f"keys while a demo runs  {_spread(demo_latencies_ms(terminal, DEMO_RUNS))}")
        terminal.read_for(2)
        pid = terminal.process.pid
        cpu_before, start = cpu_seconds(pid), time.perf_counter()
        count = terminal.read_for(idle_s)
        elapsed = time.perf_counter() - start
        busy = (cpu_seconds(pid) - cpu_before) / elapsed
        print(f"idle screen             {count / elapsed:.0f} bytes/s, {busy:.1%} CPU")
        now, peak = memory_mib(pid)
        print(f"memory                  {now:.0f} MiB, peak {peak:.0f} MiB", flush=True)


def _spread(times: Sequence[float]) -> str:
    p99 = statistics.quantiles(times, n=100)[98]
    return f"p50 {statistics.median(times):.1f} ms, p99 {p99:.1f} ms, max {max(times):.1f} ms, {len(times)} keys"


def main() -> None:
    """Measure under load and idle, and print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-p", "--processes", type=int, default=Size().processes)
    parser.add_argument("-f", "--descriptors", type=int, default=Size().descriptors, help="of each process")
    parser.add_argument("-s", "--sysv", type=int, default=Size().sysv, help="System V objects of each kind")
    parser.add_argument("--keys-seconds", type=float, default=20)
    parser.add_argument("--idle-seconds", type=float, default=20)
    parser.add_argument("--columns", type=int, default=120)
    parser.add_argument("--rows", type=int, default=40)
    options = parser.parse_args()
    end_tidily_when_told_to()
    measured = (options.keys_seconds, options.idle_seconds, options.columns, options.rows)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        programs = compile_programs(Path(name))
        show("Idle machine", *measured)
        size = Size(options.processes, options.descriptors, options.sysv)
        ready = stack.enter_context(running_load(programs["load"], size))
        show(f"Under load: {ready}", *measured)


if __name__ == "__main__":
    main()
