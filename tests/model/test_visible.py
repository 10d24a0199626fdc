"""`visible` is all that stands between hostile names and a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipcinspect.model.text import LIMIT, visible

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
LONGEST_ESCAPE = len("\\U0010ffff")

kernel_bytes = st.binary(max_size=300)
kernel_text = st.one_of(
    st.text(st.characters(), max_size=300),
    kernel_bytes.map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    st.text(st.sampled_from("a\x1b[0m\u202e\u2028\u200b\u0301\u20dd\u0e47\ufe0f\n\\"), max_size=80),
)


@given(kernel_text)
@example("\x1b]0;owned\x07")
@example("safe\u202egnp.exe")
@example("[/red]")
@example("\x9b31m")
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    assert not {unicodedata.category(char) for char in visible(text)} & UNSEEN


@given(kernel_text)
def test_what_is_shown_is_one_line(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert all(char == " " or not char.isspace() for char in shown)


@given(kernel_text)
def test_what_is_shown_can_be_written_as_utf_8(text: str) -> None:
    visible(text).encode("utf-8")


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=LIMIT))
def test_plain_text_is_left_as_it_is(text: str) -> None:
    assert visible(text) == text


@given(kernel_text)
def test_showing_what_is_already_visible_changes_nothing(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown


@given(kernel_text, st.integers(min_value=1, max_value=50))
def test_the_length_is_bounded(text: str, limit: int) -> None:
    assert len(visible(text, limit)) <= limit * LONGEST_ESCAPE


def test_a_name_of_a_megabyte_is_cut_and_says_so() -> None:
    shown = visible("a" * (1 << 20))
    assert len(shown) == LIMIT
    assert shown.endswith("…")


@given(kernel_bytes)
def test_a_byte_that_is_no_text_is_shown_by_its_number(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    shown = visible(text)
    for char in text:
        if 0xDC80 <= ord(char) <= 0xDCFF:
            assert f"\\x{ord(char) - 0xDC00:02x}" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nrows", "two\\nrows"),
        ("tab\there", "tab\\there"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31mred", "\\x9b31mred"),
        ("a\u202eb", "a\\u202eb"),
        ("\udcff\udc80", "\\xff\\x80"),
        ("no\u00a0break", "no\\xa0break"),
        ("\U000e0041", "\\U000e0041"),
        ("größe, 名前, имя", "größe, 名前, имя"),
        ("e\u0301", "e\u0301"),
        ("\u0301e", "\\u0301e"),
        ("back\\slash [b]", "back\\slash [b]"),
    ],
)
def test_known_texts(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("mark", ["\u0301", "\u0e47", "\u20dd", "\u0488", "\u1abe"], ids=lambda mark: f"{ord(mark):x}")
def test_marks_do_not_pile_up_into_the_lines_above(mark: str) -> None:
    shown = visible("a" + mark * 40)
    assert shown.count(mark) <= 2


@pytest.mark.parametrize("blank", ["\u3164", "\u115f", "\uffa0", "\u2800", "\u034f"], ids=lambda char: f"{ord(char):x}")
def test_a_letter_that_prints_as_nothing_is_shown_by_its_number(blank: str) -> None:
    assert visible(f"a{blank}b") == f"a\\u{ord(blank):04x}b"
