"""Names that try to write to the terminal, forge rows or break parsers: real processes, real sockets, real bytes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.running import environment, run_on_terminal, run_piped

COMM = b"\x1b]0;p\x07\n[/x]\xff\xe2\x80\xae"
"""The title of the terminal, a forged line, markup, a byte that is no text, a bidi override: 14 of at most 15 bytes."""
ABSTRACT = b"ipcinspect-test-\x1b[31m\n\t[/red][bold]\xff\xe2\x80\xae"
FOLDER, FILE = b"\x1b[2J\n[", b"red]\xff.sock"

SUBJECT = """
import os, socket, sys
abstract, folder, comm = (bytes.fromhex(word) for word in sys.argv[1:])
os.chdir(folder)
held = []
for address in (b"\\0" + abstract, b"%s"):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(1)
    client = socket.socket(socket.AF_UNIX)
    client.connect(address)
    held += [listener, client, listener.accept()[0]]
reading, writing = os.pipe()
with open("/proc/self/comm", "wb") as name:
    name.write(comm)
print("ready", flush=True)
sys.stdin.read()
"""


class Subject(NamedTuple):
    """A process with hostile names, and the names as Python has them."""

    pid: int
    comm: str
    abstract: str
    path: str


@pytest.fixture
def subject() -> Iterator[Subject]:
    """A process that holds two listeners, their connections and a pipe, all of hostile names."""
    with tempfile.TemporaryDirectory() as short:  # the address of a socket holds 108 bytes
        folder = os.path.join(os.fsencode(short), FOLDER)
        os.mkdir(folder)
        yield from _running(folder)


def _running(folder: bytes) -> Iterator[Subject]:
    path = os.path.join(folder, FILE)
    abstract = ABSTRACT + os.urandom(4).hex().encode()
    program = SUBJECT.replace('b"%s"', repr(path))
    with subprocess.Popen(
        [sys.executable, "-c", program, abstract.hex(), folder.hex(), COMM.hex()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield Subject(process.pid, os.fsdecode(COMM), "@" + os.fsdecode(abstract), os.fsdecode(path))
        process.stdin.close()


def commands(subject: Subject) -> list[list[str]]:
    """Every command that shows the subject's names."""
    return [
        ["list", f"pid:{subject.pid}"],
        ["ps", str(subject.pid)],
        ["show", subject.abstract],
        ["show", subject.path],
        ["show", f"{subject.pid}/3"],
    ]


def test_into_a_pipe_names_are_visible_and_forge_neither_field_nor_line(subject: Subject) -> None:
    for words in commands(subject):
        ran = run_piped(*words)
        text = ran.stdout.decode("utf-8")
        assert ran.returncode == 0, words
        assert "\\x1b" in text
        assert "\\u202e" in text
        assert "\\xff" in text
        assert text.replace("\n", "").replace("\t", "").isprintable()
        for line in text.splitlines():
            assert not line.startswith(("[/x]", "[/red]"))
        assert ran.stderr.decode("utf-8").replace("\n", "").isprintable()


def test_the_table_has_as_many_fields_in_every_row(subject: Subject) -> None:
    rows = [line.split("\t") for line in run_piped("list", f"pid:{subject.pid}").stdout.decode().splitlines()]
    assert len(rows) >= 6
    assert {len(row) for row in rows} == {len(rows[0])}


def test_no_byte_of_a_name_commands_the_terminal(subject: Subject) -> None:
    for words in commands(subject):
        ran = run_on_terminal(*words, "--no-color", columns=120)
        assert ran.code == 0, words
        assert b"\x1b" not in ran.received
        assert b"\x07" not in ran.received
        assert all(line.isprintable() for line in ran.lines)


def test_markup_in_a_name_is_text_and_colours_are_our_own(subject: Subject) -> None:
    shown = run_on_terminal("show", subject.path, columns=200).received.decode()
    assert "[/red]" in shown
    allowed = {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[33m", "\x1b[32m", "\x1b[36m"}
    pieces = shown.split("\x1b")[1:]
    assert {"\x1b" + piece[: piece.index("m") + 1] for piece in pieces} <= allowed


def test_json_has_the_exact_names_escaped(subject: Subject) -> None:
    ran = run_piped("list", "--json", f"pid:{subject.pid}")
    assert ran.stdout.isascii()
    assert ran.stdout.count(b"\n") == 1
    channels = json.loads(ran.stdout)["channels"]
    assert {subject.abstract, subject.path} <= {one["name"] for one in channels}
    comms = {end["comm"] for one in channels for end in one["endpoints"] if end["pid"] == subject.pid}
    assert comms == {subject.comm}
    listeners = json.loads(run_piped("show", "--json", subject.abstract).stdout)["channels"]
    assert len(listeners) == 2  # the listener, and the connection that came in through it


def test_a_name_is_found_as_it_is_and_as_it_is_shown(subject: Subject) -> None:
    first = run_piped("show", subject.abstract)
    shown = next(line for line in first.stdout.decode().splitlines() if line.startswith("name\t")).partition("\t")[2]
    assert shown.isprintable()
    again = run_piped("show", shown)
    assert again.returncode == 0
    assert again.stdout == first.stdout


def test_an_unknown_hostile_address_is_one_printable_line(subject: Subject) -> None:
    ran = run_piped("show", subject.path + "x")
    assert ran.returncode == 2
    assert ran.stderr.count(b"\n") == 1
    assert ran.stderr.decode().rstrip("\n").isprintable()


def test_the_kernel_keeps_such_names_as_they_are(subject: Subject) -> None:
    assert Path(f"/proc/{subject.pid}/comm").read_bytes() == COMM + b"\n"
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        client.connect(b"\0" + os.fsencode(subject.abstract[1:]))
