"""How long a thread has slept follows from clocks of processors that nobody tells: never more than is so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ipcinspect.kernel.last_ran import LastRan, asleep_s, last_ran

STAT = (
    "42 (a name) b) S 1 42 42 0 -1 4194560 98 0 0 0 0 0 0 0 20 0 1 0 {starttime} 8445952 511 " + "0 " * 14 + "{cpu} 0 0"
)
SCHED = (
    "python (42, #threads: 1)\n-----\nse.exec_start                                :       {at}\nse.vruntime : 1.0\n"
)


def proc(root: Path, threads: dict[int, tuple[str, int]], starttime: int = 7) -> str:
    """A /proc with process 42; of each thread the moment and the processor."""
    (root / "42").mkdir()
    (root / "42" / "stat").write_text(STAT.format(starttime=starttime, cpu=0))
    for tid, (at, cpu) in threads.items():
        task = root / "42" / "task" / str(tid)
        task.mkdir(parents=True)
        (task / "sched").write_text(SCHED.format(at=at))
        (task / "stat").write_text(STAT.format(starttime=starttime, cpu=cpu))
    return str(root)


def soon() -> float:
    return time.monotonic() + 10


def test_the_moment_and_the_processor_of_each_thread_are_read(tmp_path: Path) -> None:
    root = proc(tmp_path, {42: ("7058364.814825", 1), 43: ("0.000000", 0), 44: ("12.000000", 0)})
    assert last_ran(root, 42, 7, [42, 43, 44, 45], soon()) == {
        42: LastRan(1, pytest.approx(7058.364814825)),  # type: ignore[arg-type]
        44: LastRan(0, pytest.approx(0.012)),  # type: ignore[arg-type]
    }


def test_of_another_process_with_that_number_and_without_time_nothing_is_told(tmp_path: Path) -> None:
    root = proc(tmp_path, {42: ("12.000000", 0)})
    assert last_ran(root, 42, 8, [42], soon()) == {}
    assert last_ran(root, 42, 7, [42], time.monotonic() - 1) == {}
    assert last_ran(root, 41, 7, [41], soon()) == {}


def test_clocks_of_two_processors_are_never_compared() -> None:
    """They differ by all that interrupts and the host took from each: by minutes, after days."""
    sleeping = {"a": LastRan(0, 100.0), "b": LastRan(1, 5.0), "c": LastRan(2, 900.0)}
    others = [LastRan(0, 130.0), LastRan(0, 110.0), LastRan(1, 6.5)]
    assert asleep_s(sleeping, others) == {"a": 30.0, "b": 1.5, "c": 0.0}
