"""`ipcinspect list --watch`: first what is there, then what changes."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Mapping

import pytest

from ipcinspect.cli.columns import OFFERS, with_stages
from ipcinspect.cli.output import Output, ReaderGone
from ipcinspect.cli.plain import PlainStyle
from ipcinspect.cli.watch import Event, events
from ipcinspect.inspector import Inspector, Observation
from ipcinspect.model.channel import Channel, Queue
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.snapshot import Snapshot
from tests.cli.running import PROGRAM, Runner, environment
from tests.fakes import NOON, FakeSource, channel, pipe, process, snapshot

A, B = process(1, "a"), process(2, "b")
FIRST, SECOND, THIRD = pipe(1, A, B), pipe(2, A, B), pipe(3, A, B)
FULL = FIRST._replace(state="full")


class Patience:
    """Lets a watch look a number of times, then its reader goes."""

    def __init__(self, looks: int) -> None:
        self.left = looks
        self.rests: list[float] = []

    def __call__(self, output: Output, seconds: float) -> None:
        """Stands for `Output.wait`."""
        output.flush()
        self.rests.append(seconds)
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    """Three looks without any rest between them."""
    three = Patience(3)
    monkeypatch.setattr(Output, "wait", lambda output, seconds: three(output, seconds))
    monkeypatch.setattr("ipcinspect.cli.end_by_signal", lambda number: 128 + number)
    return three


def test_each_change_is_a_line_with_its_time(run_with: Runner, patience: Patience) -> None:
    looks = [
        snapshot([FIRST, SECOND], at=NOON),
        snapshot([FULL, SECOND], at=NOON + 1),
        snapshot([FULL, THIRD], at=NOON + 2),
    ]
    ran = run_with(FakeSource(*looks), "list", "--watch", "--columns", "id,state")
    assert ran.code == 130
    assert ran.rows == [
        ["TIME", "EVENT", "ID", "STATE"],
        ["2025-06-15T15:06:40.000Z", "there", "pipe:[1]", "idle"],
        ["2025-06-15T15:06:40.000Z", "there", "pipe:[2]", "idle"],
        ["2025-06-15T15:06:41.000Z", "changes", "pipe:[1]", "full"],
        ["2025-06-15T15:06:42.000Z", "closed", "pipe:[2]", "idle"],
        ["2025-06-15T15:06:42.000Z", "opened", "pipe:[3]", "idle"],
    ]
    assert patience.rests == [1.0, 1.0, 1.0]


def test_a_channel_enters_and_leaves_what_the_filter_asks_for(run_with: Runner, patience: Patience) -> None:
    looks = [snapshot([FIRST], at=NOON), snapshot([FULL], at=NOON + 1), snapshot([FIRST], at=NOON + 2)]
    ran = run_with(FakeSource(*looks), "list", "--watch", "state:full", "--columns", "id")
    assert [row[1:] for row in ran.rows] == [["EVENT", "ID"], ["enters", "pipe:[1]"], ["leaves", "pipe:[1]"]]


def test_idle_counts_from_the_first_look(run_with: Runner, patience: Patience) -> None:
    looks = [snapshot([FIRST], at=NOON + seconds) for seconds in (0, 3, 6)]
    ran = run_with(FakeSource(*looks), "list", "--watch", "idle:+5", "--columns", "id")
    assert [row[1:] for row in ran.rows[1:]] == [["enters", "pipe:[1]"]]


def _moving(*figures: tuple[int, int]) -> list[Snapshot]:
    """Looks at a connection whose directions moved so many bytes in all."""
    return [
        snapshot([channel(1, "tcp", queues=[Queue("b", 0, moved_bytes=there), Queue("a", 0, moved_bytes=back)])], at=at)
        for at, (there, back) in enumerate(figures, int(NOON))
    ]


def test_idle_counts_from_the_last_movement(run_with: Runner, patience: Patience) -> None:
    looks = [
        snapshot([channel(1, state="full", queued=queued)], at=NOON + at) for at, queued in ((0, 9), (4, 5), (8, 5))
    ]
    ran = run_with(FakeSource(*looks), "list", "--watch", "idle:+5", "--columns", "id")
    assert ran.rows[1:] == []
    patience.left = 3
    ran = run_with(FakeSource(*looks), "list", "--watch", "idle:+3", "--columns", "id")
    assert [row[1:] for row in ran.rows[1:]] == [["enters", "pipe:[1]"]]


def test_an_answer_is_of_the_stage_response(run_with: Runner, patience: Patience) -> None:
    ran = run_with(FakeSource(*_moving((0, 0), (5, 0), (5, 5))), "list", "--watch", "--json")
    documents = [json.loads(line) for line in ran.out.splitlines()]
    assert [one["channels"][0]["stage"] for one in documents] == [None, "reception", "response"]


def test_the_column_stage_tells_an_answer_too() -> None:
    stage = next(offer for offer in OFFERS if offer.word == "stage")
    idle = snapshot([FIRST], at=NOON)
    (told,) = with_stages([stage], lambda channel: "response")
    assert told.draw(FIRST, idle, PlainStyle()).text == "response"


def test_json_is_a_document_a_line(run_with: Runner, patience: Patience) -> None:
    looks = [snapshot([FIRST], at=NOON + seconds) for seconds in range(3)]
    ran = run_with(FakeSource(*looks), "list", "--watch", "--json", "--interval", "0.5")
    documents = [json.loads(line) for line in ran.out.splitlines()]
    assert [one["taken_at"][-6:] for one in documents] == ["0.000Z", "1.000Z", "2.000Z"]
    assert patience.rests == [0.5] * 3


def test_a_large_machine_is_looked_at_every_two_seconds(run_with: Runner, patience: Patience) -> None:
    crowd = channel(1, ends=[end for end in FIRST.endpoints for _ in range(25_001)])
    run_with(FakeSource(snapshot([crowd])), "list", "--watch", "--json")
    assert patience.rests == [2.0] * 3


def test_a_closed_channel_is_told_as_it_was() -> None:
    before: Mapping[ChannelKey, Channel] = {FULL.key: FULL}
    assert list(events(before, {}, _observed())) == [Event("closed", FULL)]


def test_rest_ends_at_once_when_the_reader_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    saved = os.dup(1)
    os.dup2(writing, 1)
    os.close(reading)
    try:
        with pytest.raises(ReaderGone):
            Output().wait(30)
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(writing)


def test_a_real_watch_ends_by_ctrl_c_as_a_shell_expects() -> None:
    with subprocess.Popen(
        [*PROGRAM, "list", "--watch", "--json", "--interval", "60"],
        env=environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        assert select.select([watching.stdout], [], [], 30)[0]
        json.loads(watching.stdout.readline())
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == -signal.SIGINT
        assert watching.stderr.read() == b""


def test_a_real_watch_ends_when_its_reader_goes() -> None:
    with subprocess.Popen(
        [*PROGRAM, "list", "--watch", "--json", "--interval", "60"],
        env=environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        watching.stdout.readline()
        watching.stdout.close()
        assert watching.wait(30) == -signal.SIGPIPE
        assert watching.stderr.read() == b""


def _observed() -> Observation:
    return Inspector(FakeSource(snapshot([]))).observe()
