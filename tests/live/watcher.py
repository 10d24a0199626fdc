"""A program that looks again and again, if wanted while a pure-Python thread keeps the interpreter busy.

`python watcher.py SECONDS-BETWEEN BUSY COUNTER` looks until its standard input ends and writes after each look into
the file COUNTER, an inherited descriptor, how often it has. It watches the pipes of the test and of the processes that
the test started, and after every third look it looks into every channel of them. Then it prints one JSON line: how
often, its own descriptors at the start and at the end, and how long descriptors were borrowed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

from ipcinspect.kernel import borrow
from ipcinspect.kernel.gate import hold_signals
from ipcinspect.mechanisms.lights import MOST
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.sources.live import LiveSource

EVERY = 3


class Stopwatch:
    """Stands at the seam where descriptors are borrowed, and times each loan."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = 0.0
        self._take, self._give_back = borrow.pidfd_getfd, borrow.close
        borrow.pidfd_getfd, borrow.close = self.take, self.give_back

    def take(self, pidfd: int, fd: int) -> int:
        """As pidfd_getfd; the clock runs from before the call."""
        self._start = time.perf_counter()
        return self._take(pidfd, fd)

    def give_back(self, fd: int) -> None:
        """As close; the clock stops after the call."""
        self._give_back(fd)
        self.seconds.append(time.perf_counter() - self._start)


def busy(over: threading.Event) -> None:
    """What the thread of a screen does at worst: Python code without a pause."""
    while not over.is_set():
        sum(number * number for number in range(1000))


def of_the_test(seen: Snapshot) -> list[Channel]:
    """Every channel that our parent or one of its other children has an end of."""
    found = []
    for channel in seen.channels:
        holders = [end.process for end in channel.endpoints if end.process is not None]
        if any(os.getppid() in (holder.pid, holder.ppid) and holder.pid != os.getpid() for holder in holders):
            found.append(channel)
    return found


def look_into(source: LiveSource, channels: list[Channel]) -> int:
    """How many of the channels answered."""
    contents = [source.peek(channel.key, 4096) for channel in channels]
    return sum(each is not None and each.refusal is None for each in contents)


def main() -> None:
    """Look until told to end."""
    interval_s, is_busy, counter = float(sys.argv[1]), sys.argv[2] == "busy", int(sys.argv[3])
    stopwatch = Stopwatch()
    over = threading.Event()
    with hold_signals():
        threading.Thread(target=_wait_for_the_end, args=(over,), daemon=True).start()
        if is_busy:
            threading.Thread(target=busy, args=(over,), daemon=True).start()
    source = LiveSource()
    pipes = tuple(each.key for each in of_the_test(source.take(Want())) if each.mechanism == "pipe")
    source.take(Want(descriptors=True, lights=pipes[:MOST]))
    descriptors = len(os.listdir("/proc/self/fd"))
    looks = answered = lights = 0
    print("looking", flush=True)
    while not over.is_set():
        seen = source.take(Want(descriptors=True, lights=pipes[:MOST]))
        lights += len(seen.lights)
        theirs = of_the_test(seen)
        pipes = tuple(channel.key for channel in theirs if channel.mechanism == "pipe")
        answered += look_into(source, theirs) if looks % EVERY == 0 else 0
        looks += 1
        os.pwrite(counter, looks.to_bytes(8, "little"), 0)
        over.wait(interval_s)
    loans = sorted(stopwatch.seconds)
    print(
        json.dumps(
            {
                "looks": looks,
                "looks_into": answered,
                "lights": lights,
                "descriptors": [descriptors, len(os.listdir("/proc/self/fd"))],
                "loans": len(loans),
                "p99_s": loans[int(len(loans) * 0.99)] if loans else None,
                "longest_s": loans[-1] if loans else None,
            }
        ),
        flush=True,
    )


def _wait_for_the_end(over: threading.Event) -> None:
    sys.stdin.read()
    over.set()


if __name__ == "__main__":
    main()
