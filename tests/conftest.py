"""How the tests run beside one another, and what the processes that they start inherit.

Nearly all tests make objects of their own and look at nothing else, so a few processes share the whole suite. What
compares the whole machine with what another tool says of it, or times it in parts of a millisecond, is marked `alone`:
while it runs, the other processes wait between two tests.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

MOST_PROCESSES = 3
"""Of the tests; more would wait for each other, for they start processes of their own."""
GATE, ROOM = Path(__file__).with_name("__init__.py"), Path(__file__)
"""Two files to lock; nothing is written into them."""


def pytest_configure() -> None:
    """Let whatever is started keep what it compiled: the start of a program is most of the time of many tests."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process more than there are cores, as half of the time is waiting; for a part of the suite none but this."""
    is_whole = config.args_source is config.ArgsSource.TESTPATHS and not config.option.keyword
    return min(len(os.sched_getaffinity(0)) + 1, MOST_PROCESSES) if is_whole else 0


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Wait until no other process runs a test that this one may not run beside."""
    with _in_the_room(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@contextlib.contextmanager
def _in_the_room(alone: bool) -> Iterator[None]:
    """Who wants the room alone holds the gate while he waits, so that nobody goes past him for ever.

    The unlocking is said: a forked child may still have what was opened here.
    """
    with GATE.open() as gate, ROOM.open() as room:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(room, fcntl.LOCK_UN)


@pytest.fixture(scope="session", autouse=True)
def started_processes_ignore_no_signal() -> Iterator[None]:
    """Under nohup or in the background of a script SIGHUP, SIGINT or SIGQUIT are ignored, also by what is started.

    A handler that does nothing ignores them just as well and ends with the next program.
    """
    ignored = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT}
    before = {each: signal.signal(each, _ignore) for each in ignored if signal.getsignal(each) is signal.SIG_IGN}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


def _ignore(*_: object) -> None:
    """Do nothing."""
