"""What processes told of themselves stands in the lives of their channels, where it belongs."""

from __future__ import annotations

from ipcinspect.lifecycle.life import Event
from ipcinspect.lifecycle.tracker import Tracker
from tests.fakes import NOON, snapshot
from tests.lifecycle.test_lives import KEY, queue, words


def test_what_a_process_told_stands_among_what_was_seen() -> None:
    tracker = Tracker()
    tracker.tell(KEY, Event(NOON + 0.5, "transmission", "wrote 64 bytes", "write(4, 64) = 64", "seen"))
    tracker.advance(snapshot(at=NOON))
    tracker.advance(snapshot([queue(bytes=0)], at=NOON + 1))
    lived = tracker.advance(snapshot([queue(bytes=64)], at=NOON + 2)).life(KEY)
    assert next((event.what, event.certainty) for event in lived.events) == ("wrote 64 bytes", "told")


def test_what_was_told_while_a_look_went_on_stands_in_the_next_one() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([queue(bytes=0)], at=NOON))
    tracker.tell(KEY, Event(NOON + 1.2, "transmission", "wrote 64 bytes", "write(4, 64) = 64", "told"))
    assert "wrote 64 bytes" not in words(tracker.advance(snapshot([queue(bytes=0)], at=NOON + 1)).life(KEY))
    lived = tracker.advance(snapshot([queue(bytes=64)], at=NOON + 2)).life(KEY)
    assert [(event.at, event.what) for event in lived.events if event.certainty == "told"] == [
        (NOON + 1.2, "wrote 64 bytes")
    ]


def test_what_was_told_of_a_channel_that_went_stands_in_its_life() -> None:
    tracker = Tracker()
    tracker.advance(snapshot([queue(bytes=0)], at=NOON))
    tracker.tell(KEY, Event(NOON + 0.5, "termination", "close(4)", "demo-sender 7001 says so", "told"))
    tracker.tell(KEY, Event(NOON + 1.5, "termination", "unlink(/x)", "demo-keeper 7000 says so", "told"))
    assert words(tracker.advance(snapshot(at=NOON + 1)).life(KEY)) == ["first seen", "close(4)", "closed"]
    assert words(tracker.advance(snapshot(at=NOON + 2)).life(KEY)) == ["first seen", "close(4)", "closed", "unlink(/x)"]
