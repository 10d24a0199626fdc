"""`ipcinspect follow CHANNEL`: what it is, what happens to it, and how it ended."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ipcinspect.cli.output import Output
from ipcinspect.model.channel import Channel
from ipcinspect.model.words import CERTAINTIES, STAGES
from tests.cli.running import PROGRAM, Runner, environment
from tests.fakes import HOSTILE_NAMES, NOON, FakeSource, channel, endpoint, pipe, process, snapshot

MAKE, TEE = process(2211, "make"), process(2212, "tee")
WITHIN_S = 30.0


@pytest.fixture(autouse=True)
def rests(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> list[float]:
    """The fakes are looked at again at once."""
    made: list[float] = []
    if "run_with" in request.fixturenames:
        monkeypatch.setattr(Output, "wait", lambda output, seconds: made.append(seconds))
    return made


def life_of(*looks: Channel) -> FakeSource:
    """These sightings of one channel, ten seconds apart, and then none."""
    taken = [snapshot([one], at=NOON + 10 * number) for number, one in enumerate(looks)]
    return FakeSource(*taken, snapshot([], [MAKE, TEE], at=NOON + 10 * len(looks)))


def test_it_tells_what_the_channel_is_and_ends_with_its_end(run_with: Runner, rests: list[float]) -> None:
    full, idle = pipe(7, MAKE, TEE, "full", 65536), pipe(7, MAKE, TEE)
    ran = run_with(life_of(idle, full, idle), "follow", "pipe:[7]", "--interval", "0.5")
    assert ran.code == 0
    assert ran.err == ""
    facts, _, events = ran.out.partition("\n\n")
    assert ["id", "pipe:[7]"] in [line.split("\t") for line in facts.splitlines()]
    assert "make 2211/1" in facts
    head, *rows = [line.split("\t") for line in events.splitlines()]
    assert head == ["TIME", "STAGE", "CERTAINTY", "EVENT", "EVIDENCE"]
    assert all(row[1] in (*STAGES, "-") and row[2] in CERTAINTIES for row in rows)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert any("full" in row[3] for row in rows)
    assert rows[-1][1] == "termination"
    assert set(rests) == {0.5}


def test_no_event_is_told_twice(run_with: Runner) -> None:
    full, idle = pipe(7, MAKE, TEE, "full", 65536), pipe(7, MAKE, TEE)
    ran = run_with(life_of(idle, full, full, full, idle, idle), "follow", "pipe:[7]")
    lines = ran.out.splitlines()
    assert len(lines) == len(set(lines))


def test_no_event_is_told_twice_when_the_clock_goes_back(run_with: Runner) -> None:
    full, idle = pipe(7, MAKE, TEE, "full", 65536), pipe(7, MAKE, TEE)
    times = (NOON, NOON + 1, NOON - 100, NOON - 99)
    looks = [snapshot([one], at=at) for one, at in zip((idle, full, full, full), times, strict=True)]
    ran = run_with(FakeSource(*looks, snapshot([], [MAKE, TEE], at=NOON - 98)), "follow", "pipe:[7]", "--json")
    told = [json.loads(line)["event"] for line in ran.out.splitlines()]
    assert [event["what"] for event in told if event] == [
        "first seen",
        "buffer full: a write of make 2211 would wait",
        "closed",
    ]
    assert ran.err == (
        "ipcinspect: the clock was set back by at least 1m41: from here on times are those of the new clock\n"
    )


def test_json_is_a_document_a_line(run_with: Runner) -> None:
    full, idle = pipe(7, MAKE, TEE, "full", 65536), pipe(7, MAKE, TEE)
    first, *others = documents(run_with(life_of(idle, full), "follow", "pipe:[7]", "--json").out)
    assert first["event"] is None
    assert first["channels"][0]["id"] == "pipe:[7]"
    assert others[-1]["event"]["stage"] == "termination"
    assert others[-1]["channel"] == {"id": "pipe:[7]", "state": "closed", "stage": "termination"}
    for one in (first, *others):
        assert {"schema", "host", "boot_id", "taken_at", "gaps", "channel", "event"} <= set(one)
    for one in others:
        assert set(one["event"]) >= {"at", "stage", "what", "evidence", "certainty"}
        assert one["event"]["certainty"] in CERTAINTIES


def test_reads_and_writes_are_noticed_of_pipes_alone(run_with: Runner) -> None:
    source = life_of(pipe(7, MAKE, TEE), pipe(7, MAKE, TEE))
    run_with(source, "follow", "pipe:[7]")
    assert [want.lights for want in source.wants] == [(), (pipe(7, MAKE, TEE).key,), (pipe(7, MAKE, TEE).key,)]
    connection = channel(9, "unix", ends=[endpoint("a", "client", MAKE, 3), endpoint("b", "server", TEE, 4)])
    source = life_of(connection, connection)
    run_with(source, "follow", "socket:[9]")
    assert [want.lights for want in source.wants] == [(), (), ()]


def test_a_channel_that_takes_another_key_stays_the_same_one(run_with: Runner) -> None:
    before = channel(9, "unix", "idle", [endpoint("a", "client", MAKE, 3)], aliases=["socket:[10]"])
    after = channel(10, "unix", "idle", [endpoint("a", "client", MAKE, 3)], aliases=["socket:[9]"])
    source = life_of(before, after, after)
    assert run_with(source, "follow", "socket:[9]").code == 0
    assert len(source.wants) == 4


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_visible_and_exact_in_json(run_with: Runner, name: str) -> None:
    writer = process(2211, name)
    full, idle = pipe(7, writer, TEE, "full", 65536), pipe(7, writer, TEE)
    out = run_with(life_of(idle, full, idle), "follow", "pipe:[7]").out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert all(line.count("\t") in (0, 1, 4) for line in out.splitlines())
    first, *others = documents(run_with(life_of(idle, full, idle), "follow", "pipe:[7]", "--json").out)
    assert first["channels"][0]["endpoints"][0]["comm"] == name
    assert any(name in one["event"]["what"] for one in others)


def test_what_is_not_there_is_told_as_of_every_command(run_with: Runner) -> None:
    absent = run_with(FakeSource(snapshot([], [MAKE])), "follow", "pipe:[8]")
    assert (absent.code, absent.out, absent.err.count("\n")) == (2, "", 1)
    hidden = run_with(FakeSource(snapshot([], [process(5, "secret", readable=False)])), "follow", "5/3")
    assert (hidden.code, hidden.out, hidden.err.count("\n")) == (3, "", 1)


@contextmanager
def following(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """The program as it follows; it is ended at the end of the block if it still does."""
    with subprocess.Popen(
        [*PROGRAM, "follow", *words, "--interval", "0.1"],
        env=environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()


def read_until(running: subprocess.Popen[bytes], holds: Callable[[str], bool]) -> list[str]:
    """The lines up to one of which that is true."""
    assert running.stdout is not None
    lines: list[str] = []
    deadline = time.monotonic() + WITHIN_S
    while not lines or not holds(lines[-1]):
        assert select.select([running.stdout], [], [], max(deadline - time.monotonic(), 0))[0], lines
        line = running.stdout.readline().decode()
        assert line, lines
        lines.append(line.rstrip("\n"))
    return lines


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


class Pipe:
    """A pipe of this process."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        self.reader = open(reading, "rb", buffering=0)  # noqa: SIM115 (closed by `close`)
        self.writer = open(writing, "wb", buffering=0)  # noqa: SIM115
        self.address = f"{os.getpid()}/{reading}"

    def fill(self) -> None:
        os.set_blocking(self.writer.fileno(), False)
        while self.writer.write(b"x" * 4096):
            pass

    def close(self) -> None:
        self.writer.close()
        self.reader.close()


@pytest.fixture
def own_pipe() -> Iterator[Pipe]:
    """Closed at the end."""
    made = Pipe()
    yield made
    made.close()


def test_a_real_pipe_is_told_from_filling_to_its_end(own_pipe: Pipe) -> None:
    with following(own_pipe.address, "--json") as running:
        first = json.loads(next_line(running))
        assert first["channels"][0]["mechanism"] == "pipe"
        own_pipe.fill()
        full = json.loads(read_until(running, lambda line: json.loads(line)["channel"]["state"] == "full")[-1])
        assert full["event"]["stage"] == "transmission"
        own_pipe.reader.read(1 << 20)
        read_until(running, lambda line: json.loads(line)["channel"]["state"] != "full")
        own_pipe.close()
        assert running.stdout is not None
        last = documents(running.stdout.read().decode())[-1]
        assert last["channel"]["state"] == "closed"
        assert last["event"]["stage"] == "termination"
        assert running.wait(WITHIN_S) == 0


def test_a_real_pipe_is_told_in_lines(own_pipe: Pipe) -> None:
    with following(own_pipe.address) as running:
        read_until(running, lambda line: line.startswith("TIME\t"))
        own_pipe.fill()
        assert "transmission" in read_until(running, lambda line: "full" in line)[-1]
        own_pipe.close()
        assert running.stdout is not None
        assert running.stdout.read().decode().splitlines()[-1].split("\t")[1] == "termination"
        assert running.wait(WITHIN_S) == 0


def test_ctrl_c_ends_it_as_a_shell_expects(own_pipe: Pipe) -> None:
    with following(own_pipe.address, "--json") as running:
        next_line(running)
        running.send_signal(signal.SIGINT)
        assert running.wait(WITHIN_S) == -signal.SIGINT
        assert running.stderr is not None
        assert running.stderr.read() == b""


def test_a_reader_that_has_seen_enough_ends_it(own_pipe: Pipe) -> None:
    words = " ".join([*PROGRAM, "follow", own_pipe.address, "--interval", "0.1"])
    done = subprocess.run(
        ["sh", "-c", f"{words} | head -1"],
        env=environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=WITHIN_S,
        check=True,
    )
    assert done.stdout.decode().split("\t")[0] == "id"


def next_line(running: subprocess.Popen[bytes]) -> str:
    return read_until(running, lambda line: True)[-1]
