"""What the processes of a demo say stands in the life of the channel that they did it to."""

from __future__ import annotations

from ipcinspect.demo.telling import Cast, Evidence, Told
from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.tui.demo_life import told_events
from tests.fakes import NOON, channel, snapshot

FORTH, BACK = channel(1), channel(2)
CAST = Cast(7000, 7001, 7002)


def _told(stage: str, side: str | None, report: Report | None, back: bool = True) -> list[tuple[int, float, str]]:
    seen = Evidence(snapshot([FORTH, BACK]), FORTH, BACK if back else None)
    events = list(told_events([Told(stage, side, 0.5, report)], CAST, seen, NOON))
    assert all((event.stage, event.certainty) == (stage, "told") for _, event in events)
    return [(key.number, event.at, event.what) for key, event in events]


def test_the_making_of_a_channel_is_told_at_that_channel() -> None:
    pipe2 = Report("pipe2", ("0",), 1.0, 0.0, "[5, 7]", about="forth")
    words = "demo-keeper 7000 made it: pipe2(0) = [5, 7]"
    assert _told("creation", "maker", pipe2) == [(1, NOON + 0.5, words)]
    assert _told("creation", "maker", pipe2._replace(about="back")) == [(2, NOON + 0.5, words)]
    refused = pipe2._replace(result=None, errno="EMFILE")
    assert _told("creation", "maker", refused) == [(1, NOON + 0.5, "demo-keeper 7000: pipe2(0) EMFILE")]


def test_who_was_forked_is_told_at_both() -> None:
    fork = Report("fork", (), 1.0, 0.0, "7001, the sender")
    words = "demo-keeper 7000: fork() = 7001, the sender"
    assert _told("creation", "maker", fork) == [(1, NOON + 0.5, words), (2, NOON + 0.5, words)]
    assert _told("creation", "maker", fork, back=False) == [(1, NOON + 0.5, words)]


def test_a_call_is_told_at_the_channel_it_was_done_to_and_when_it_came_back() -> None:
    close = Report("close", ("8",), 1.0, 0.0, "0", about="back")
    assert _told("termination", "a", close) == [(2, NOON + 0.5, "demo-sender 7001: close(8) = 0")]
    slept = Report("read", ("5", "64"), 1.0, 2.0, "64 bytes", about="forth")
    assert _told("delivery", "b", slept) == [(1, NOON + 2.5, "demo-receiver 7002: read(5, 64) = 64 bytes")]
    packed = Report("json.dumps", ("1",), 1.0, 0.0, "64 bytes")
    assert [key for key, _, _ in _told("preparation", "a", packed)] == [1]
    assert [key for key, _, _ in _told("response", "b", packed)] == [2]


def test_what_is_no_call_of_a_process_is_told_of_no_channel() -> None:
    assert _told("transmission", None, None) == []
    assert _told("transmission", "a", None) == []
