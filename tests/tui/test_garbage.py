"""Garbage collection stops every thread, also the one that answers keys: when it is off, and what it looks through."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import cast

import pytest

from ipcinspect.cli.screen_command import show_screen
from ipcinspect.cli.session import Session
from ipcinspect.collector import no_garbage_collection
from ipcinspect.tui import app
from ipcinspect.tui.options import ScreenOptions


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.unfreeze()
    gc.enable()


def test_it_is_off_until_the_last_of_two_threads_that_want_that_has_come_to_its_end() -> None:
    begun, end = threading.Event(), threading.Event()

    def other() -> None:
        with no_garbage_collection():
            begun.set()
            assert end.wait(20)

    thread = threading.Thread(target=other)
    with no_garbage_collection():
        thread.start()
        assert begun.wait(20)
    assert not gc.isenabled()
    end.set()
    thread.join(20)
    assert gc.isenabled()


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
