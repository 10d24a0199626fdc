"""A comparison that was written down: what the page Compare shows, with no process and no clock in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from ipcinspect.demo.compare.cases import NONE, ORDER, QUICK, Case
from ipcinspect.demo.compare.contest import QUICKLY, Effort, Progress
from ipcinspect.demo.compare.rows import Results, Row
from tests.demo.compare.made import around, row

_PER_S = {"memory": 90_000.0, "polled": 250_000.0, "other": 200_000.0}
_REASON = "at most 8192 (/proc/sys/kernel/msgmax)"


def measured() -> Results:
    """Every case at every size: memory is slower for small messages, and faster for large ones."""
    rows = [_row(case, size, place) for size in ORDER for place, case in enumerate(QUICK) if size in case.sizes]
    return Results(rows, around(6e-7))


def _row(case: Case, size: int, place: int) -> Row:
    if case.mechanism in ("sysv-msg", "posix-mq") and size > 8192:
        return row(case, size, None, None, reason=_REASON)
    kind = "other" if not case.is_memory else "memory" if case.lock else "polled"
    per_s = _PER_S[kind] * (1 + place / 50) / (1 + size / (60_000 if kind == "other" else 600_000))
    return row(case, size, None if size == NONE else per_s, 3 / per_s, 0.04)


class FrozenComparison:
    """Tells that it has come half of the way, waits until it may go on, and is through."""

    effort: Effort = QUICKLY

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[Progress]:
        yield Progress(0.25, 9.0, "64 bytes, round 1 of 8: pipe", 1)
        yield Progress(0.5, 6.0, "64 bytes, round 2 of 8: pipe", 2)
        while not self.may_go_on.wait(0.02):
            yield Progress(0.5, 6.0, "64 bytes, round 2 of 8: pipe", 2)
        yield Progress(1.0, 0.0, "signals, round 8 of 8: sysv-sem", 8)

    def results(self) -> Results:
        """The same all the time."""
        return measured()

    def close(self) -> None:
        """There is nothing to end."""
        self.closed.set()
