"""`ipcinspect peek` on this kernel: every byte is shown, and every byte is still there."""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Iterator

import pytest

from tests.cli.running import run_on_terminal, run_piped

SENT = b'{"job": 1, "job": 1e999}\n' + bytes(range(256)) + b"\x1b]0;owned\x07"


@pytest.fixture
def pipe_with_data() -> Iterator[tuple[int, int]]:
    """A pipe of this process in which SENT waits: its reading and its writing end."""
    reading, writing = os.pipe()
    os.write(writing, SENT)
    yield reading, writing
    os.close(reading)
    os.close(writing)


def test_raw_is_what_the_reader_gets_afterwards(pipe_with_data: tuple[int, int]) -> None:
    address = f"{os.getpid()}/{pipe_with_data[0]}"
    for _ in range(3):
        ran = run_piped("peek", address, "--raw")
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, SENT, b"")
    assert os.read(pipe_with_data[0], 1 << 16) == SENT


def test_the_limit_leaves_out_and_says_so(pipe_with_data: tuple[int, int]) -> None:
    ran = run_piped("peek", f"{os.getpid()}/{pipe_with_data[1]}", "--max-bytes", "10", "--hex")
    assert ran.returncode == 0
    assert f"shown 10 B of {len(SENT)} B, {len(SENT) - 10} B more" in ran.stdout.decode()
    assert os.read(pipe_with_data[0], 1 << 16) == SENT


def test_json_has_every_byte(pipe_with_data: tuple[int, int]) -> None:
    ran = run_piped("peek", f"{os.getpid()}/{pipe_with_data[0]}", "--json")
    contents = json.loads(ran.stdout)["contents"]
    assert b"".join(base64.b64decode(piece["base64"]) for piece in contents["pieces"]) == SENT
    assert contents["total_bytes"] == len(SENT)
    assert str(os.getpid()) in contents["by"]


@pytest.mark.parametrize("words", [(), ("--text",), ("--hex",)])
def test_on_a_terminal_nothing_that_was_sent_commands_it(
    pipe_with_data: tuple[int, int], words: tuple[str, ...]
) -> None:
    ran = run_on_terminal("peek", f"{os.getpid()}/{pipe_with_data[0]}", "--no-color", *words)
    assert ran.code == 0
    assert b"\x1b" not in ran.received
    assert all(line.isprintable() for line in ran.lines)
    assert os.read(pipe_with_data[0], 1 << 16) == SENT


def test_what_is_empty_says_so_and_stays_open() -> None:
    reading, writing = os.pipe()
    try:
        ran = run_piped("peek", f"{os.getpid()}/{reading}")
        assert ran.returncode == 0
        assert b"It is empty" in ran.stdout
        os.write(writing, b"x")
        assert os.read(reading, 1) == b"x"
    finally:
        os.close(reading)
        os.close(writing)


def test_both_directions_of_a_pair_are_shown_and_stay() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.send(b"question")
        theirs.send(b"answer")
        ran = run_piped("peek", f"{os.getpid()}/{ours.fileno()}")
        assert ran.returncode == 0, ran.stderr
        assert {b"question", b"answer"} <= set(ran.stdout.splitlines())
        assert (theirs.recv(100), ours.recv(100)) == (b"question", b"answer")


def test_the_address_of_a_listener_means_the_connection_that_came_in_through_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        assert run_piped("peek", address).returncode == 3
        with socket.create_connection(listener.getsockname()) as client, listener.accept()[0]:
            client.sendall(SENT)
            assert run_piped("peek", address, "--raw").stdout == SENT
