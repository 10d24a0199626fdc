"""Bytes as lines: what is shown is what is there, and what is not shown is counted."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcinspect.export.dump import dump, heading, hex_lines, printable, refusal, shaped, text_lines, told_amount
from ipcinspect.model.contents import Contents, Piece, refused
from tests.fakes import channel


def exact(number: int) -> str:
    return f"{number} B"


def undumped(lines: list[str]) -> bytes:
    """What a dump in hexadecimal stands for; `*` repeats the row before it up to the next offset."""
    data, row = bytearray(), b""
    for line in lines:
        if line == "*":
            continue
        offset, _, rest = line.partition("  ")
        while len(data) < int(offset, 16):
            data += row
        row = bytes.fromhex(re.split(r"\s+\|", rest)[0])
        data += row
    return bytes(data)


@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from([b"\0" * 16, b"a" * 16, b"z"])).map(b"".join)))
@pytest.mark.parametrize("width", [None, 60])
def test_hex_tells_every_byte(width: int | None, data: bytes) -> None:
    assert undumped([line.text for line in hex_lines(data, 0, width)]) == data


@pytest.mark.parametrize(("width", "offset"), [(78, 0), (46, 0), (86, 1 << 60), (54, 1 << 60)])
def test_a_row_of_hex_fits_the_width(width: int, offset: int) -> None:
    assert max(len(line.text) for line in hex_lines(bytes(range(256)), offset, width)) <= width


def test_a_page_of_zeros_is_three_lines_of_hex() -> None:
    lines = [line.text for line in hex_lines(bytes(4096), 0x7F0000)]
    assert [line[:8] for line in lines] == ["007f0000", "*", "007f0ff0"]


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_text_breaks_at_newlines_and_nowhere_else(text: str) -> None:
    data = text.encode().rstrip(b"\0")
    lines = [line.text for line in text_lines(data)]
    assert "\n".join(lines) == data.decode().removesuffix("\n")


def test_nuls_that_pad_a_text_are_counted() -> None:
    assert [(line.text, line.ours) for line in text_lines(b"hi" + bytes(4000))] == [
        ("hi", False),
        ("(4000 NUL bytes)", True),
    ]
    assert [line.text for line in text_lines(b"hi\0")] == ["hi\0"]
    assert [line.text for line in dump(Piece(b"[]" + bytes(4094), None), "JSON")] == ["[]", "(4094 NUL bytes)"]
    assert [line.text for line in dump(Piece(b"[]\0", None), "JSON")] == ["[]", "(1 NUL byte)"]


@given(st.binary(max_size=300), st.sampled_from(["text", "JSON", "hex"]), st.booleans())
def test_no_line_can_command_a_terminal(data: bytes, form: str, ascii_only: bool) -> None:
    for line in dump(Piece(data, None), form):
        text = printable(line.text, ascii_only)
        assert text.isprintable()
        assert text.isascii() or not ascii_only


def test_a_megabyte_on_one_line_is_shown_whole() -> None:
    (line,) = text_lines(b"x" * (1 << 20))
    assert printable(line.text, False) == "x" * (1 << 20)


def test_deep_nesting_stops_to_move_right() -> None:
    assert max(line.indent for line in dump(Piece(b"[" * 1000, None), "JSON")) < 80


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        (Contents((Piece(b"abc", 3),), "", 3), "shown all 3 B"),
        (Contents((Piece(b"abc", 3),), "", 10), "shown 3 B of 10 B, 7 B more"),
        (Contents((Piece(b"abc", 3),), "", 2), "shown all 3 B"),
        (Contents((Piece(b"abc", None),), "", None), "shown 3 B, how much there is in all is not told"),
        (Contents((Piece(b"abc", 9),), "", None), "shown 3 B, at least 6 B more"),
        (Contents((Piece(b"abc", 3),), "", 10, 4), "shown 3 B of 10 B, 7 B more, 3 more messages"),
        (Contents((Piece(b"abc", 3), Piece(b"", 0)), "", None, 3), "shown 3 B, how much there is in all is not told, "
         "1 more message"),
    ],
)  # fmt: skip
def test_what_was_not_shown_is_told(contents: Contents, told: str) -> None:
    assert told_amount(contents, exact) == told


def test_a_heading_tells_title_size_place_and_shape() -> None:
    pieces = (
        Piece(b"{}", 9, "type 5"),
        Piece(b"\xff" * 8, None, None, 4096),
        Piece(b"", 0),
        Piece(b"a", 1, "at 0x9", 9),
    )
    assert [heading(one, exact) for one in shaped(Contents(pieces, "", None))] == [
        ("type 5", "2 B of 9 B, JSON"),
        ("", "8 B from 0x1000, bytes of no known shape"),
        ("", "0 B"),
        ("at 0x9", "1 B, text"),
    ]


def test_who_is_denied_is_told_what_it_takes() -> None:
    pipe, queue = channel(1), channel(7, "sysv-msg")
    denied = refused("descriptor 3 of process 9 (denied)", "denied")
    assert refusal(pipe, denied, 1000) == "descriptor 3 of process 9 (denied): it takes CAP_SYS_PTRACE, run as root"
    assert "CAP_IPC_OWNER" in (refusal(queue, denied, 1000) or "")
    assert refusal(pipe, denied, 0) == "descriptor 3 of process 9 (denied)"
    assert refusal(pipe, refused("no read end is visible"), 1000) == "no read end is visible"
    assert refusal(pipe, Contents((), "", 0), 1000) is None
