"""`ipcinspect demo --attach`: what it will do is shown and asked; what is another user's takes --force."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ipcinspect.kernel import sysv
from ipcinspect.model.words import STAGES
from tests.cli.machine import machine
from tests.cli.running import PROGRAM, Runner, environment, run_piped
from tests.cli.test_demo import is_alive
from tests.fakes import FakeSource
from tests.terminal import in_terminal

ROOT = Path(__file__).resolve().parents[2]
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
WITHIN_S = 30.0


@pytest.fixture
def queue() -> Iterator[int]:
    """With one message in it."""
    msqid = sysv.create_queue(0o666)
    sysv.send_message(msqid, b"somebody's", 1)
    yield msqid
    sysv.remove_queue(msqid)


def waiting(msqid: int) -> int:
    depth = sysv.queue_depth(msqid)
    assert depth is not None, "the queue is there"
    return depth.messages


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--attach", "pipe:[123]"], "pipe:[123]: a demo cannot be put on a pipe, which no name leads to"),
        (["--attach", "pipe:[12]"], "no channel 'pipe:[12]', nearest is 'pipe:[123]'"),
        (["--attach", "pipe:[123]", "--variant", "packet"], "--variant has no meaning with --attach"),
        (["--attach", "pipe:[123]", "--lock", "futex"], "--lock has no meaning with --attach"),
        (["--attach", "pipe:[123]", "--respond", "second"], "--respond has no meaning with --attach"),
        (["--attach", "pipe:[123]", "--fault", "full"], "--fault has no meaning with --attach"),
        (["fifo", "--attach", "pipe:[123]"], "pipe:[123] is pipe, not fifo"),
        (["pipe", "--yes"], "--yes has a meaning only with --attach CHANNEL"),
        (["pipe", "--as", "sender"], "--as has a meaning only with --attach CHANNEL"),
        (["pipe", "--at", "0"], "--at has a meaning only with --attach CHANNEL"),
        (["--attach", "pipe:[123]", "--at", "-1"], "not a number of a byte or semaphore: '-1'"),
        (["--attach", "/etc/passwd"], "/etc/passwd is neither FIFO nor socket"),
        (["--attach", "/no/such/fifo"], "no channel '/no/such/fifo'"),
    ],
)
def test_what_does_not_apply_is_one_line(run_with: Runner, words: list[str], told: str) -> None:
    ran = run_with(FakeSource(machine()), "demo", *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert ran.err.count("\n") == 1


def test_without_a_terminal_and_yes_nothing_is_done(queue: int) -> None:
    ran = run_piped("demo", "--attach", f"sysv-msg:{queue}", "--as", "receiver")
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr == b"ipcinspect: there is no terminal to ask at: --yes goes on without asking\n"
    assert waiting(queue) == 1


@pytest.mark.parametrize(("answer", "left"), [(b"n\n", 1), (b"\x04", 1), (b"y\n", 0)], ids=["no", "end", "yes"])
def test_it_asks_and_does_what_the_answer_says(queue: int, answer: bytes, left: int) -> None:
    words = ["demo", "--attach", f"sysv-msg:{queue}", "--as", "receiver", "--messages", "1"]
    with in_terminal([*PROGRAM, *words], columns=80) as terminal:
        terminal.wait_for(b"Go on? [y/N] ", within_s=WITHIN_S)
        assert b"- receive 1 message at most, the first ones, of whatever type" in terminal.received
        assert waiting(queue) == 1
        terminal.press(answer)
        terminal.wait_for(b"nothing was done" if left else b"nothing of the channel was removed", within_s=WITHIN_S)
        assert terminal.process.wait(WITHIN_S) == 0
    assert waiting(queue) == left


def test_yes_skips_the_question_and_json_has_the_stages(queue: int) -> None:
    ran = run_piped("demo", "--attach", f"sysv-msg:{queue}", "--as", "receiver", "--messages", "1", "--yes", "--json")
    assert ran.returncode == 0
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert tuple(dict.fromkeys(line["stage"] for line in told)) == STAGES
    assert {line["schema"] for line in told} == {"ipcinspect/1"}
    assert {line["kernel"]["id"] for line in told if line["kernel"]} == {f"sysv-msg:{queue}"}
    assert "10 bytes: somebody's" in [line["says"] for line in told]
    assert b"A demo receiver will\n" in ran.stderr
    assert b"[y/N]" not in ran.stderr
    assert waiting(queue) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it_at_once_and_the_channel_stays(queue: int, number: signal.Signals) -> None:
    words = ["demo", "--attach", f"sysv-msg:{queue}", "--as", "receiver", "--messages", "2", "--yes", "--json"]
    command = [*PROGRAM, *words, "--within", "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()) as process:
        assert process.stdout is not None
        pids: set[int] = set()
        for line in process.stdout:
            told = json.loads(line)
            pids |= {end["pid"] for end in (told["kernel"] or {"endpoints": []})["endpoints"] if end["pid"]}
            if told["says"] == "10 bytes: somebody's":
                break
        process.send_signal(number)
        process.stdout.close()
        assert process.wait(10) in (-number, 128 + number)
    pids.discard(os.getpid())
    assert pids
    for pid in pids:
        until_gone(pid)
    assert waiting(queue) == 0


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + WITHIN_S
    while is_alive(pid):
        assert time.monotonic() < deadline, pid
        time.sleep(0.01)


@pytest.fixture(scope="module")
def as_nobody() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs the program as an ordinary user, who has to be able to start it again for the demo."""
    if os.geteuid() != 0:
        pytest.skip("needs root: sudo")
    starts = (*NOBODY, "sh", "-c", '"$0" -c "import ipcinspect.cli.demo_attach"')
    runs = [
        one for one in (sys.executable, "/usr/bin/python3") if not subprocess.run([*starts, one], cwd=ROOT).returncode
    ]
    if not runs:
        pytest.skip(f"an ordinary user may not start {sys.executable}, or not read {ROOT}")

    def run(*words: str) -> subprocess.CompletedProcess[bytes]:
        command = [*NOBODY, runs[0], "-m", "ipcinspect", *words]
        return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)

    return run


def test_a_channel_of_another_user_takes_force_and_force_takes_permission(
    queue: int, as_nobody: Callable[..., subprocess.CompletedProcess[bytes]]
) -> None:
    words = ["demo", "--attach", f"sysv-msg:{queue}", "--messages", "1", "--yes"]
    refused = as_nobody(*words)
    assert (refused.returncode, refused.stdout, refused.stderr.count(b"\n")) == (2, b"", 1)
    assert b"belongs to root: --force puts a demo on it all the same" in refused.stderr
    assert waiting(queue) == 1
    forced = as_nobody(*words, "--force")
    assert forced.returncode == 0, forced.stderr
    assert waiting(queue) == 2
    private = sysv.create_queue(0o600)
    try:
        denied = as_nobody("demo", "--attach", f"sysv-msg:{private}", "--yes", "--force")
        assert denied.returncode == 3
        assert b"the walk could not go on: EACCES: Permission denied" in denied.stderr
    finally:
        sysv.remove_queue(private)


def test_root_is_no_exception(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: sudo")
    path = str(tmp_path / "fifo")
    os.mkfifo(path, 0o666)
    os.chown(path, 65534, 65534)
    ran = run_piped("demo", "--attach", path, "--yes")
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"--force puts a demo on it all the same" in ran.stderr
