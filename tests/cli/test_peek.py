"""`ipcinspect peek`: what is in one channel, for eyes, for programs, and byte by byte."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys

import pytest

from ipcinspect.model.contents import Contents, Piece, refused
from tests.cli.machine import FULL, machine
from tests.cli.running import Ran, Runner, run_on_terminal
from tests.fakes import HOSTILE_NAMES, FakeSource

BY = "tee(2) through descriptor 0 of tee 2212"


def source(contents: Contents | None) -> FakeSource:
    return FakeSource(machine(), contents={} if contents is None else {FULL.key: contents})


def peeked(run_with: Runner, contents: Contents | None, *words: str) -> Ran:
    return run_with(source(contents), "peek", "pipe:[123]", *words)


def of(*data: bytes, total: int | None = None) -> Contents:
    pieces = tuple(Piece(each, len(each)) for each in data)
    return Contents(pieces, BY, sum(map(len, data)) if total is None else total)


def test_text_is_told_as_text_with_how_it_was_copied_and_how_much_is_left(run_with: Runner) -> None:
    ran = peeked(run_with, of(b"one\ntwo\n", total=65536))
    assert ran.code == 0
    assert ran.out.splitlines() == [
        f"pipe:[123]  copied by {BY}, nothing taken out",
        "",
        "8 B, text",
        "one",
        "two",
        "",
        "shown 8 B of 65536 B, 65528 B more",
    ]
    assert ran.err == ""


def test_it_asks_once_and_for_64_kib(run_with: Runner) -> None:
    machine_of_it = source(of(b"x"))
    run_with(machine_of_it, "peek", "2212/0")
    assert machine_of_it.peeked == [(FULL.key, 65536)]


@pytest.mark.parametrize(("word", "most"), [("1", 1), ("4K", 4096), ("2m", 2 << 20), ("1G", 1 << 30)])
def test_the_limit_is_what_was_typed(run_with: Runner, word: str, most: int) -> None:
    machine_of_it = source(of(b"x"))
    assert run_with(machine_of_it, "peek", "pipe:[123]", "--max-bytes", word).code == 0
    assert machine_of_it.peeked == [(FULL.key, most)]


def test_where_the_limit_left_something_out_it_is_said_how_to_see_more(run_with: Runner) -> None:
    assert "(--max-bytes N copies more)" in peeked(run_with, of(b"abcd", total=9), "--max-bytes", "4").out


@pytest.mark.parametrize("word", ["0", "-1", "+4K", "2G", "1T", "four", "", "9" * 5000, "1\x1b[2J"])
def test_a_limit_that_makes_no_sense_is_one_line(run_with: Runner, word: str) -> None:
    ran = peeked(run_with, of(b"x"), f"--max-bytes={word}")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "from 1 to 1G" in ran.err
    assert ran.err.rstrip("\n").isprintable()


def test_json_is_laid_out_and_bytes_are_in_hexadecimal(run_with: Runner) -> None:
    out = peeked(run_with, of(b'{"a":[1,2]}', b"\x01\0\0\0\x02\0\0\0")).out.splitlines()
    assert out[2:10] == ["11 B, JSON", "{", '  "a": [', "    1,", "    2", "  ]", "}", ""]
    assert out[11].startswith("00000000  01 00 00 00 02 00 00 00")


def test_a_form_can_be_asked_for(run_with: Runner) -> None:
    assert "00000000  7b 7d" in peeked(run_with, of(b"{}"), "--hex").out
    assert "\\x01\\x00\n" in peeked(run_with, of(b"\x01\0"), "--text").out


def test_every_message_stands_under_its_title(run_with: Runner) -> None:
    pieces = (Piece(b"first", 5, "type 5"), Piece(b"", 0, "type 6"))
    ran = peeked(run_with, Contents(pieces, "MSG_COPY", 5, 40, note="two of them"))
    assert "type 5: 5 B, text\nfirst\n" in ran.out
    assert "type 6: 0 B\n" in ran.out
    assert ran.out.endswith("\n\ntwo of them\n\nshown 5 B, 38 more messages\n")


def test_raw_gives_the_bytes_and_nothing_else(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    from ipcinspect.cli import run

    data = bytes(range(256)) * 700  # more than is buffered
    assert run(["peek", "pipe:[123]", "--raw"], lambda: source(of(data, b"\xff\n", total=1 << 20))) == 0
    out, err = capfdbinary.readouterr()
    assert out == data + b"\xff\n"
    assert err == b"ipcinspect: shown 179202 B of 1048576 B, 869374 B more\n"


def test_raw_to_a_terminal_is_refused_unless_forced() -> None:
    ran = run_on_terminal("peek", "1/0", "--raw")
    assert ran.code == 2
    assert b"--force" in ran.received


def test_json_has_every_byte_and_text_as_text(run_with: Runner) -> None:
    contents = Contents((Piece("grüß".encode(), 6, "t", 4), Piece(b"ab\xffcdefghijklm", 99)), BY, 200, 7, note="n")
    ran = peeked(run_with, contents, "--json", "--max-bytes", "1K")
    assert ran.out.isascii()
    document = json.loads(ran.out)
    told = document["contents"]
    assert document["schema"] == "ipcinspect/1"
    assert [one["id"] for one in document["channels"]] == ["pipe:[123]"]
    assert told.pop("peeked_at")
    pieces = told.pop("pieces")
    assert told == {
        "by": BY, "max_bytes": 1024, "shown_bytes": 20, "total_bytes": 200, "total_messages": 7, "note": "n",
    }  # fmt: skip
    assert [base64.b64decode(piece.pop("base64")) for piece in pieces] == [one.data for one in contents.pieces]
    assert pieces == [
        {"title": "t", "offset": 4, "bytes": 6, "size_bytes": 6, "shape": "text", "text": "grüß"},
        {"title": None, "offset": 0, "bytes": 14, "size_bytes": 99, "shape": "text", "text": None},
    ]


def test_an_empty_channel_says_so(run_with: Runner) -> None:
    ran = peeked(run_with, Contents((), BY, 0))
    assert ran.code == 0
    assert "It is empty" in ran.out
    assert json.loads(peeked(run_with, Contents((), BY, 0), "--json").out)["contents"]["pieces"] == []
    raw = peeked(run_with, Contents((), BY, 0), "--raw")
    assert (raw.code, raw.out, raw.err) == (0, "", "ipcinspect: it is empty\n")


@pytest.mark.parametrize("words", [(), ("--json",), ("--raw",)])
def test_a_refusal_is_one_line_and_exit_3(run_with: Runner, words: tuple[str, ...]) -> None:
    ran = peeked(run_with, refused("no read end is visible"), *words)
    assert (ran.code, ran.out, ran.err) == (3, "", "ipcinspect: pipe:[123]: no read end is visible\n")


def test_a_source_that_cannot_look_inside_is_a_refusal(run_with: Runner) -> None:
    ran = peeked(run_with, None)
    assert (ran.code, ran.out) == (3, "")


def test_who_is_denied_reads_what_it_takes(run_with: Runner) -> None:
    ran = peeked(run_with, refused("process 2212 (denied)", "denied"))
    assert "it takes CAP_SYS_PTRACE, run as root" in ran.err


@pytest.mark.parametrize(
    "words",
    [("--hex", "--text"), ("--json", "--hex"), ("--raw", "--json"), ("--force",), ("another",), ("--hexx",)],
)
def test_what_makes_no_sense_is_one_line_and_asks_nothing(run_with: Runner, words: tuple[str, ...]) -> None:
    machine_of_it = source(of(b"x"))
    ran = run_with(machine_of_it, "peek", "pipe:[123]", *words)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert machine_of_it.peeked == []


def test_an_address_that_fits_nothing_is_told_as_show_tells_it(run_with: Runner) -> None:
    first = run_with(source(None), "peek", "pipe:[124]")
    second = run_with(source(None), "show", "pipe:[124]")
    assert (first.code, first.err) == (second.code, second.err) == (2, first.err)


def test_hostile_contents_and_titles_are_printable_lines(run_with: Runner) -> None:
    data = "\n".join(HOSTILE_NAMES).encode("utf-8", "surrogateescape")
    contents = Contents((Piece(data, None, HOSTILE_NAMES[0]),), HOSTILE_NAMES[4], None, note=HOSTILE_NAMES[5])
    for words in ((), ("--text",), ("--hex",)):
        out = peeked(run_with, contents, *words).out
        assert out.replace("\n", "").isprintable()
    assert "\\u202egnp.exe" in peeked(run_with, contents).out


ON_TERMINAL = """
import sys
from tests.cli.test_peek import peek_hostile
sys.exit(peek_hostile(sys.argv[1:]))
"""


def peek_hostile(words: list[str]) -> int:
    """The command on bytes that try to command a terminal."""
    from ipcinspect.cli import run

    data = b"\x1b]0;owned\x07\x9b31m\r\n[/red][bold]x\n\xe2\x80\xaeab\n" + b"y" * 5000
    return run(["peek", "pipe:[123]", *words], lambda: source(of(data)))


@pytest.mark.parametrize("words", [(), ("--hex",), ("--ascii",)])
def test_no_byte_of_the_contents_commands_the_terminal(words: tuple[str, ...]) -> None:
    master, slave = os.openpty()
    environ = {**os.environ, "PYTHONPATH": ":".join(sys.path), "TERM": "xterm", "LANG": "C.UTF-8", "COLUMNS": "80"}
    with subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, "--no-color", *words], stdout=slave, stdin=slave, stderr=slave, env=environ
    ) as process:
        os.close(slave)
        received = b""
        try:
            while chunk := os.read(master, 65536):
                received += chunk
        except OSError:
            pass  # EIO: the program has ended
        finally:
            os.close(master)
    assert process.returncode == 0, received
    assert b"\x1b" not in received
    assert b"\x07" not in received
    assert received.decode().replace("\r\n", "").isprintable()
    if "--hex" not in words:
        assert b"y" * 5000 in received
    if "--ascii" in words:
        assert received.isascii()
