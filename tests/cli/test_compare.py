"""`ipcinspect compare`: for eyes, for programs, as JSON; broken off by a signal it leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ipcinspect.demo.compare.cases import QUICK, chosen
from ipcinspect.demo.compare.rules import RULES
from tests.cli.running import run_on_terminal, run_piped
from tests.demo.test_nothing_is_left import assert_ended
from tests.terminal import in_terminal

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "ipcinspect", "compare", "--quick")
WITHIN_S = 20.0
INTERRUPTED = ("fifo", "sysv-msg", "posix-shm", "posix-mq", "mmap")


def test_json_has_every_case_and_size_with_the_figures_or_the_reason() -> None:
    done = run_piped("compare", "--quick", "--json", "sysv-msg", "eventfd")
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    assert told["schema"] == "ipcinspect/1"
    assert {"host", "boot_id", "taken_at", "gaps", "compare", "answers", "measured"} <= set(told)
    assert told["measured"]["complete"] is True
    rows = {(row["mechanism"], row["size_bytes"]): row for row in told["compare"]}
    assert set(rows) == {("sysv-msg", size) for size in (64, 4096, 65536, 1 << 20)} | {("eventfd", None)}
    small, large, signals = rows["sysv-msg", 64], rows["sysv-msg", 1 << 20], rows["eventfd", None]
    flow, trip = small["one_way"], small["round_trip"]
    assert flow["spread"]["low_messages_per_s"] <= flow["messages_per_s"] <= flow["spread"]["high_messages_per_s"]
    assert flow["bytes_per_s"] == pytest.approx(64 * flow["messages_per_s"], rel=1e-4)
    assert trip["spread"]["low_s"] <= trip["median_s"] <= trip["spread"]["high_s"]
    assert min(flow["sender_cpu_s"], flow["receiver_cpu_s"], trip["sender_cpu_s"], trip["receiver_cpu_s"]) > 0
    assert small["copies"] == 2
    assert small["reason"] is None
    assert large["one_way"] is large["round_trip"] is None
    assert re.fullmatch(r"at most \d+ \(/proc/sys/kernel/msgmax\)", large["reason"])
    assert signals["one_way"] is None
    assert signals["round_trip"]["median_s"] > 0
    assert signals["copies"] is None
    assert {answer["rule"] for answer in told["answers"]} <= {rule.name for rule in RULES}
    assert [answer for answer in told["answers"] if answer["rule"] == "harness"]


def test_programs_get_one_table_of_exact_numbers_and_each_sentence_on_a_line() -> None:
    done = run_piped("compare", "--quick", "posix-sem", "eventfd")
    assert (done.returncode, done.stderr) == (0, b"")
    head, *rest = done.stdout.decode().splitlines()
    titles = head.split("\t")
    rows = [line.split("\t") for line in rest if "\t" in line]
    assert {len(row) for row in rows} == {len(titles)}
    assert [row[0] for row in rows] == ["eventfd", "posix-sem"]
    trip = titles.index("ROUND_TRIP_S")
    assert all(float(row[trip]) > 0 for row in rows)
    assert "WHICH SIGNAL?" in rest
    assert any(line.startswith("Between eventfd and posix-sem: ") for line in rest)


def test_on_a_terminal_it_fits_and_shows_how_long_it_takes() -> None:
    done = run_on_terminal("compare", "--quick", "pipe")
    assert done.code == 0
    text = re.sub(r"\x1b\[[0-9;]*[mK]", "", done.received.decode())
    drawn = text.replace("\r\n", "\n").split("\n")
    shown = [line.rpartition("\r")[2] for line in drawn]
    assert max(map(len, shown)) <= 80
    assert "Messages of 64 B" in shown
    assert re.search(r"\r\[=* *\] +\d+% [\dm]+s left  \d+ bytes, round \d of 8: pipe", text)
    assert [line for line in shown if re.match(r"pipe +[━╸┈]+ +[\d.]+[KMG]/s +±\d+%", line)]
    assert "What changes with polling?" in shown


def test_ascii_is_enough() -> None:
    done = run_on_terminal("compare", "--quick", "--ascii", "eventfd")
    assert done.code == 0
    assert done.received.isascii()


@pytest.mark.parametrize(
    ("word", "code", "told"),
    [
        ("pip", 2, "unknown mechanism 'pip', nearest is 'pipe'"),
        ("netlink", 3, "netlink has no demo pair that could be measured: the program only looks at it"),
    ],
)
def test_a_word_that_cannot_be_measured_is_one_line_with_the_reason(word: str, code: int, told: str) -> None:
    done = run_piped("compare", word)
    assert done.returncode == code
    assert told in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert done.stdout == b""


def test_ctrl_c_prints_what_was_measured_so_far_and_ends_as_the_signal_does() -> None:
    with in_terminal([*COMMAND, "pipe", "unix", "tcp"]) as terminal:
        terminal.wait_for(b"round 3 of 8", within_s=WITHIN_S)
        terminal.press(b"\x03")
        terminal.wait_for(b"interrupted: this is what was measured until then", within_s=WITHIN_S)
        assert terminal.process.wait(timeout=WITHIN_S) == -signal.SIGINT
        assert b"Messages of 1 MiB" in terminal.received
        assert b"2 to 3 of 8 rounds" in terminal.received or b"2 of 8 rounds" in terminal.received


class Trace(NamedTuple):
    """What a running comparison has made."""

    pids: frozenset[int]
    """Keepers and halves."""
    paths: frozenset[str]
    """Names of memory that they have mapped."""
    queues: frozenset[str]
    """Numbers of System V queues that they have used."""


def trace(pid: int) -> Trace:
    keepers = children(pid)
    halves = {half for keeper in keepers for half in children(keeper)}
    paths = {path for half in halves for path in mapped(half)}
    users = {str(half) for half in halves}
    rows = [row.split() for row in Path("/proc/sysvipc/msg").read_text().splitlines()[1:]]
    queues = {row[1] for row in rows if users & {row[5], row[6]}}
    return Trace(frozenset(keepers | halves), frozenset(paths), frozenset(queues))


def children(pid: int) -> set[int]:
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == pid:
                found.add(int(entry.name))
    return found


def mapped(pid: int) -> set[str]:
    try:
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return set()
    places = [line.split(None, 5)[5] for line in lines if len(line.split(None, 5)) == 6 and " rw-s " in line]
    return {place for place in places if place.startswith("/dev/shm/")}


def until(condition: Callable[[], bool], claim: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"never: {claim}"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_in_the_middle_leaves_no_process_and_no_name(number: signal.Signals, tmp_path: Path) -> None:
    cases = chosen(QUICK, INTERRUPTED)
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [*COMMAND, *INTERRUPTED]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        until(lambda: len(trace(process.pid).pids) == 3 * len(cases), "all pairs are there")
        until(lambda: bool(trace(process.pid).paths) and bool(trace(process.pid).queues), "they have their objects")
        made = trace(process.pid)
        assert os.listdir(tmp_path)
        process.send_signal(number)
        assert process.stdout is not None
        process.stdout.read()
        code = process.wait(WITHIN_S)
    assert code in (-number, 128 + number)
    assert_ended(*made.pids)
    until(lambda: not os.listdir(tmp_path), f"{tmp_path} empty")
    until(lambda: not any(map(os.path.lexists, made.paths)), f"{made.paths} gone")
    rows = [row.split() for row in Path("/proc/sysvipc/msg").read_text().splitlines()[1:]]
    assert not made.queues & {row[1] for row in rows}
