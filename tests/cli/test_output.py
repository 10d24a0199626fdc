"""Where output cannot go, the program ends in order: no traceback, the exit code that a shell expects."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.cli.running import PROGRAM, environment, run_piped


def test_a_reader_that_stops_ends_the_list_silently_by_sigpipe() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [*PROGRAM, "list", "--json"],
            env=environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writing)
    assert ran.returncode == -signal.SIGPIPE
    assert ran.stderr == b""


def test_a_shell_sees_141_and_head_gets_its_line() -> None:
    script = 'for i in $(seq 400); do exec {fd}<>/dev/null; done; "$@" list | head -n 1; echo "${PIPESTATUS[0]}"'
    ran = subprocess.run(
        ["bash", "-c", script, "bash", *PROGRAM],
        env=environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    head, code = ran.stdout.splitlines()
    assert head.startswith("ID\tKIND\t")
    assert code in {"0", "141"}  # a short list is written before head goes
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["ps"], ["doctor"], ["--help"]])
def test_a_full_disk_is_one_line_and_code_3(words: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            [*PROGRAM, *words],
            env=environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert ran.returncode == 3
    assert ran.stderr.startswith("ipcinspect: cannot write to standard output: No space left")
    assert ran.stderr.count("\n") == 1


def test_a_closed_standard_output_is_one_line_and_code_3() -> None:
    ran = subprocess.run(
        ["bash", "-c", '"$@" doctor >&-', "bash", *PROGRAM],
        env=environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 3
    assert ran.stderr.startswith("ipcinspect: cannot write to standard output")
    assert ran.stderr.count("\n") == 1


def test_a_closed_standard_error_changes_nothing() -> None:
    ran = subprocess.run(
        ["bash", "-c", '"$@" list kind:pip 2>&-', "bash", *PROGRAM],
        env=environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout) == (2, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_end_a_watch_as_signals_do(number: signal.Signals) -> None:
    with subprocess.Popen(
        [*PROGRAM, "list", "--watch", "--interval", "60"],
        env=environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        watching.send_signal(number)
        assert watching.wait(30) == -number


def test_a_missing_working_directory_is_no_obstacle() -> None:
    script = 'd=$(mktemp -d) && cd "$d" && rmdir "$d" && exec "$@" show ./nothing'
    ran = subprocess.run(
        ["bash", "-c", script, "bash", *PROGRAM],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("ipcinspect: no channel './nothing'")


def test_an_ordinary_user_sees_what_can_be_seen_and_is_told_the_rest() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    ran = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *PROGRAM, "list"],
        env=environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "Permission denied" in ran.stderr:
        pytest.skip("this checkout cannot be read by other users")
    assert ran.returncode == 0
    assert ran.stdout.startswith("ID\tKIND\t")
    assert "processes hidden: run as root" in ran.stderr


def test_a_relative_path_is_meant_from_where_the_user_stands(tmp_path: object) -> None:
    fifo = os.path.join(str(tmp_path), "queue")
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDWR)
    try:
        ran = run_piped("show", "./queue", cwd=str(tmp_path))
    finally:
        os.close(held)
    assert ran.returncode == 0
    assert f"name\t{fifo}\n".encode() in ran.stdout
