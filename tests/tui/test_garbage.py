"""Garbage collection stops every thread, also the one that answers keys: when it is off, and what it looks through."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import cast

import pytest

from ipcinspect.cli.screen_command import show_screen
from ipcinspect.cli.session import Session
from ipcinspect.collector import no_full_garbage_collection
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from ipcinspect.tui import app
from ipcinspect.tui.options import ScreenOptions


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.unfreeze()
    gc.enable()


def test_no_full_one_comes_until_the_last_of_two_threads_that_want_that_has_come_to_its_end() -> None:
    begun, end = threading.Event(), threading.Event()
    usual = gc.get_threshold()

    def other() -> None:
        with no_full_garbage_collection():
            begun.set()
            assert end.wait(20)

    thread = threading.Thread(target=other)
    with no_full_garbage_collection():
        thread.start()
        assert begun.wait(20)
    assert gc.get_threshold()[:2] == usual[:2], "what is young is looked through as ever"
    assert gc.get_threshold()[2] > 1_000_000
    end.set()
    thread.join(20)
    assert gc.get_threshold() == usual


class _Circle:
    """Only the garbage collector can free it."""

    def __init__(self) -> None:
        self.own = self


def test_circles_that_die_while_a_look_is_made_do_not_add_up() -> None:
    """The screen leaves some behind with every key; what is there at the end of a look is spared for good."""
    with no_full_garbage_collection():
        circles = [weakref.ref(_Circle()) for _ in range(20_000)]
    assert sum(one() is not None for one in circles) < 10_000


def test_it_does_not_look_through_the_program_itself_while_the_screen_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(app, "run_screen", lambda *_: seen.append((gc.isenabled(), gc.get_freeze_count())))
    gc.disable()  # as every command begins

    class Nothing:
        def source(self) -> None:
            """None is needed."""

    show_screen(cast("Session", Nothing()), ScreenOptions())
    ((is_enabled, frozen),) = seen
    assert is_enabled
    assert frozen > 50_000, "Textual alone is more"


LEAVES = """
import gc, sys
from ipcinspect.inspector import Inspector
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
inspector = Inspector(LiveSource(alone=sys.argv[1] == "alone"))
for want in (Want(), Want(True, True, True, True, True, limits=True), Want(waits=True, only_waited=True)):
    inspector.observe(want).findings
    gc.collect(); gc.disable()
    inspector.observe(want).findings
    gc.set_debug(gc.DEBUG_SAVEALL); gc.collect(); gc.enable()
print(sorted({type(one).__name__ for one in gc.garbage if type(one).__module__.startswith("ipcinspect")}))
"""


@pytest.mark.parametrize("word", ["alone", "beside others"])
def test_a_look_leaves_no_circle_behind_for_it_is_spared_and_would_stay(word: str) -> None:
    """What one look read of 100,000 descriptors is 35 MiB: the screen grew by that every three seconds."""
    result = subprocess.run([sys.executable, "-c", LEAVES, word], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_with_another_thread_what_a_look_read_is_freed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once it would hold up a key."""
    freed: list[Scan] = []
    monkeypatch.setattr(Scan, "free", lambda scan: freed.append(scan))
    source = LiveSource(alone=True)
    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    try:
        source.take(Want())
    finally:
        end.set()
        other.join()
    assert len(freed) == 1
