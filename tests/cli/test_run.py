"""`ipcinspect run -- CMD`: what it starts is seen, let be, and gone at the end, however that comes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.running import PROGRAM, environment, run_piped
from tests.terminal import in_terminal

WITHIN_S = 30.0
PIPELINE = "import subprocess as s, sys; a = s.Popen(['sleep', '300'], stdout=s.PIPE); s.run(['cat'], stdin=a.stdout)"
DETACHES = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
keep = os.pipe()
os.write(keep[1], b"detached")
time.sleep(300)
"""


def until(condition: Callable[[], object], claim: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"never: {claim}"
        time.sleep(0.01)


@pytest.fixture
def mark() -> Iterator[str]:
    """A word for the arguments of what is started; none of these is left at the end, also where the test fails."""
    word = f"mark-{uuid.uuid4().hex}"
    yield word
    for pid in marked(word):
        os.kill(pid, signal.SIGKILL)


def marked(word: str) -> list[int]:
    """Processes with that word among their arguments that have not ended."""
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            arguments = Path(f"/proc/{name}/cmdline").read_bytes()
            state = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()[0]
        except OSError:
            continue
        if word.encode() in arguments and "run" not in arguments.decode(errors="replace").split("\0")[1:5]:
            found += [int(name)] if state != b"Z" else []
    return found


def python(code: str, mark: str) -> tuple[str, ...]:
    return sys.executable, "-c", code, mark


def test_a_list_has_the_channels_of_what_was_started_and_no_others(mark: str) -> None:
    ours, theirs = os.pipe()
    ran = run_piped("run", "--json", "--end", "--", *python(PIPELINE, mark))
    number = os.fstat(ours).st_ino
    os.close(ours), os.close(theirs)
    told = json.loads(ran.stdout)["channels"]
    assert ran.returncode == 0
    assert [one for one in told if {"sleep", "cat"} <= {end["comm"] for end in one["endpoints"]}]
    assert f"pipe:[{number}]" not in {one["id"] for one in told}
    assert marked(mark) == []


def test_what_the_command_writes_does_not_get_into_the_list(mark: str) -> None:
    code = "import time; print('from the command', flush=True); time.sleep(300)"
    ran = run_piped("run", "--after", "0.5", "--end", "--", *python(code, mark))
    assert b"from the command" not in ran.stdout
    assert ran.stdout.startswith(b"ID\t")
    assert b"from the command" in ran.stderr


def test_its_standard_input_is_ours() -> None:
    ran = subprocess.run(
        [*PROGRAM, "run", "--after", "0", "--", "sh", "-c", "sleep 1; cat"],
        env=environment(), input=b"through and through", capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert b"through and through" in ran.stderr


def test_what_detaches_is_followed_and_does_not_outlive_us(mark: str) -> None:
    ran = run_piped("run", "--json", "--end", "--after", "2", "--", *python(DETACHES, mark))
    told = json.loads(ran.stdout)["channels"]
    assert ("holding", len("detached")) in {(one["state"], one["queued_bytes"]) for one in told}
    assert marked(mark) == []


def test_the_command_is_not_traced_and_has_no_terminal(mark: str) -> None:
    code = """
import time; time.sleep(1.5)
print(next(line for line in open("/proc/self/status") if line.startswith("TracerPid")).split(), flush=True)
try: open("/dev/tty")
except OSError as error: print(error.strerror)
"""
    ran = run_piped("run", "--watch", "--interval", "0.2", "--", *python(code, mark))
    assert b"['TracerPid:', '0']" in ran.stderr
    assert b"No such device or address" in ran.stderr


def test_watching_tells_what_opens_and_closes_and_ends_with_the_last_of_them() -> None:
    ran = run_piped("run", "--watch", "--interval", "0.2", "--", "sh", "-c", "sleep 0.5; sleep 1 | cat; exit 3")
    events = [line.split("\t")[1] for line in ran.stdout.decode().splitlines()]
    assert ran.returncode == 0
    assert events[0] == "EVENT"
    assert {"opened", "closed"} <= set(events[1:])
    assert re.search(rb"ipcinspect: sh \d+ ended with 3\n\Z", ran.stderr)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--", "no-such-command"), 2, "no command 'no-such-command'"),
        (("--", "/etc/passwd"), 3, "cannot start '/etc/passwd': Permission denied"),
        (("--", "/etc"), 3, "cannot start '/etc': Permission denied"),
        ((), 2, "run what? ipcinspect run -- CMD [ARG...]"),
        (("--json", "--"), 2, "run what?"),
        (("--watch", "--after", "3", "--", "true"), 2, "--watch looks all the time"),
        (("--after", "-1", "--", "true"), 2, "not a number of seconds"),
        (("--after", "nan", "--", "true"), 2, "not a number of seconds"),
        (("--sort", "sise", "--", "true"), 2, "unknown order 'sise', nearest is"),
        (("--columns", "sise", "--", "true"), 2, "unknown column 'sise', nearest is"),
        (("true",), 3, "ended with 0 before it was looked at"),
        (("sh", "-c", "kill -9 $$"), 3, "was ended by SIGKILL before it was looked at"),
    ],
)
def test_what_cannot_be_is_one_line(words: tuple[str, ...], code: int, said: str) -> None:
    ran = run_piped("run", *words)
    assert (ran.returncode, ran.stdout) == (code, b"")
    assert said in ran.stderr.decode()
    assert ran.stderr.count(b"\n") == 1


def test_options_of_the_command_are_its_own(mark: str) -> None:
    code = "import sys, time; print(sys.argv[2:], flush=True); time.sleep(300)"
    for separator in (("--",), ()):
        ran = run_piped("run", "--end", "--after", "0.5", *separator, *python(code, mark), "--json", "--", "--watch")
        assert b"['--json', '--', '--watch']" in ran.stderr
        assert ran.stdout.startswith(b"ID\t")


ENDS = """
import os, signal, sys, time
def end(number, frame):
    os.write(1, b"got %d\\n" % number); os._exit(0)  # print may be at work already
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(number, end)
if not os.fork(): os.setsid(); os.write(1, b"ready\\n")
time.sleep(300)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_everything_and_leaves_nothing(number: signal.Signals, mark: str) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "run", "--after", "100", "--", *python(ENDS, mark)],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
    )  # fmt: skip
    with process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"ready\n"
        process.send_signal(number)
        said = process.stderr.read().decode()
    assert process.returncode in (-number, 128 + number)
    assert said.count(f"got {int(number)}") == 2
    assert marked(mark) == []


def test_what_does_not_listen_is_killed(mark: str) -> None:
    code = "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; time.sleep(300)"
    start = time.monotonic()
    ran = run_piped("run", "--after", "0.5", "--end", "--", *python(code, mark))
    assert ran.returncode == 0
    assert time.monotonic() - start < WITHIN_S
    assert marked(mark) == []


def test_if_we_are_killed_the_command_ends(mark: str) -> None:
    code = "import time; print('ready', flush=True); time.sleep(300)"
    process = subprocess.Popen(
        [*PROGRAM, "run", "--after", "100", "--", *python(code, mark)], env=environment(), stderr=subprocess.PIPE
    )
    with process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"ready\n"
        process.kill()
    until(lambda: not marked(mark), "the command has ended")


def test_a_reader_that_goes_ends_the_command(mark: str) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "run", "--watch", "--interval", "0.2", "--json", "--", *python(PIPELINE, mark)],
        env=environment(), stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(WITHIN_S) == -signal.SIGPIPE
    assert marked(mark) == []


WRITES = "import os, time; print('spoken \\x1b]0;owned\\x07', flush=True); keep = os.pipe(); time.sleep(300)"


def test_on_a_terminal_the_screen_opens_on_it_and_asks_before_it_ends_it(mark: str) -> None:
    with in_terminal([*PROGRAM, "run", "--", *python(WRITES, mark)], 80, 24) as terminal:
        terminal.wait_for(b"only", within_s=WITHIN_S)
        terminal.wait_for(b"1 channel", within_s=WITHIN_S)
        assert marked(mark)
        terminal.press(b"q")
        terminal.wait_for(b"still runs: q again ends it", within_s=WITHIN_S)
        assert terminal.process.poll() is None
        assert b"spoken" not in terminal.received
        terminal.press(b"q")
        terminal.wait_for(b"spoken \\x1b]0;owned\\x07", within_s=WITHIN_S)
        assert b"\x1b]0;owned" not in terminal.received
        assert terminal.process.wait(WITHIN_S) == 0
    assert marked(mark) == []


def test_the_screen_stays_when_the_command_ends_and_says_how(mark: str) -> None:
    with in_terminal([*PROGRAM, "run", "--", *python("import time; time.sleep(2); exit(7)", mark)], 80, 24) as terminal:
        terminal.wait_for(b"ended with 7", within_s=WITHIN_S)
        terminal.press(b"q")
        assert terminal.process.wait(WITHIN_S) == 0


def test_a_terminal_that_goes_away_takes_the_command_with_it(mark: str) -> None:
    with in_terminal([*PROGRAM, "run", "--", *python(WRITES, mark)], 80, 24) as terminal:
        terminal.wait_for(b"1 channel", within_s=WITHIN_S)
        terminal.process.send_signal(signal.SIGHUP)
        assert terminal.process.wait(WITHIN_S) == 128 + signal.SIGHUP
    assert marked(mark) == []
