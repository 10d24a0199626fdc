"""`ipcinspect demo`: the walk as text and as JSON lines; what is not possible is one line before anything is made."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ipcinspect.model.words import STAGES

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "ipcinspect", "demo")


def demo(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )


def test_the_text_has_seven_headed_stages_and_fits_80_columns() -> None:
    done = demo("pipe", "--messages", "2", COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line for line in lines if line[:1].isdigit()] == [f"{n} {stage}" for n, stage in enumerate(STAGES, 1)]
    assert max(map(len, lines)) <= 80
    assert any("write(" in line and "= 64" in line for line in lines)
    assert "64 of 65536 bytes queued" in done.stdout
    assert lines[-1].strip().startswith("kernel  no channel pipe:[")


def test_every_json_line_is_a_document_and_the_stages_come_in_order() -> None:
    done = demo("unix", "--variant", "seqpacket", "--format", "struct", "--byte-order", "big", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["schema"] for line in told} == {"ipcinspect/1"}
    assert {"host", "boot_id", "taken_at", "gaps", "stage", "side", "call", "args", "errno", "kernel"} <= set(told[0])
    stages = [line["stage"] for line in told]
    assert tuple(dict.fromkeys(stages)) == STAGES
    assert stages == sorted(stages, key=STAGES.index)
    shown = [line["kernel"] for line in told if line["kernel"] is not None]
    assert {one["mechanism"] for one in shown} == {"unix"}
    assert {end["comm"] for end in shown[0]["endpoints"]} == {"demo-sender", "demo-receiver"}
    assert told[-1]["kernel"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["pip"], "unknown mechanism 'pip', nearest is 'pipe'"),
        (["futex"], "futex has no demo"),
        (["memfd", "--nonblocking"], "memfd cannot be non-blocking"),
        (["pipe", "--size", "3"], "a size of 3 bytes is too small: json needs"),
        (["pipe", "--variant", "x"], "pipe has no variant 'x' (possible: pipe, packet)"),
        (["pipe", "--respond", "same"], "no response 'same'"),
        (["pipe", "--notify", "mq_notify"], "pipe has no notification 'mq_notify'"),
        (["udp", "--size", "1M"], "too big for udp"),
        (["pipe", "--messages", "0"], "0 messages are not possible"),
        (["pipe", "--rate", "-1"], "a rate of -1 messages a second is not possible"),
        (["sysv-sem", "--lock", "futex"], "sysv-sem has no lock 'futex'"),
    ],
)
def test_what_is_not_possible_is_one_line_before_anything_is_made(words: list[str], told: str) -> None:
    done = demo(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_without_a_mechanism_it_lists_what_there_is() -> None:
    done = demo()
    assert done.returncode == 0
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows[0][:3] == ["MECHANISM", "VARIANTS", "TOLD BY"]
    assert {"pipe", "unix", "sysv-msg", "mmap", "pty"} <= {row[0] for row in rows}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_in_the_middle_leaves_no_process_and_no_name(number: signal.Signals, tmp_path: Path) -> None:
    command = [*COMMAND, "fifo", "--reading-time", "30", "--json"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        pids: set[int] = set()
        for line in process.stdout:
            told = json.loads(line)
            pids |= {end["pid"] for end in (told["kernel"] or {"endpoints": []})["endpoints"] if end["pid"]}
            if told["stage"] == "transmission" and pids:
                break
        assert os.listdir(tmp_path)
        process.send_signal(number)
        process.stdout.close()
        code = process.wait(20)
    assert code in (-number, 128 + number)
    deadline = time.monotonic() + 10
    while os.listdir(tmp_path) or any(map(is_alive, pids)):
        assert time.monotonic() < deadline, (os.listdir(tmp_path), pids)
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_reader_that_stops_reading_ends_it() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(COMMAND)} pipe | head -n 1; echo ${{PIPESTATUS[0]}}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "141"
    assert done.stderr == ""
