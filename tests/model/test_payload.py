"""The shape of a payload, and JSON laid out without changing a token of it."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipcinspect.model.json_outline import outline
from ipcinspect.model.payload import LONGEST_JSON, SHAPES, json_lines, shape

TAKES_AT_MOST_S = 20


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"hello\n", "text"),
        ("Grüße, 日本語".encode(), "text"),
        ("日本語".encode()[1:-1], "text"),  # cut inside the first and the last character
        (b"K\xe4se und Brot, sagte er", "text"),  # Latin-1
        (b"padded\0\0\0\0\0\0\0\0", "text"),
        (b"\x1b[31mred\x1b[0m\r\n", "text"),
        (b"123\n", "text"),
        (b"[error] no such file", "text"),
        (b"[12] started", "text"),
        (b'{"a": 01}', "text"),
        (b'{"a": \xff, "beta": 1}', "text"),
        (b"[1,]", "text"),
        (b"[]]", "text"),
        (b"{", "text"),
        (b'{"a": 1, "a": 2}', "JSON"),
        (b'\n [1, 2, {"b": []}]\n', "JSON"),
        (b'{"a": 1}\n{"b": 2}\n{"c', "JSON"),
        (b'{"a": [1, 2, tru', "JSON"),
        (b'{"a": "\xe6\x97\xa5\xe6', "JSON"),
        (b"\x01\0\0\0\xe8\x03\0\0", "struct-like"),
        (b"\x01\0\0\0\0\0\0\0", "struct-like"),
        (b"\0" * 64, "unknown"),
        (b"", "unknown"),
        (bytes(range(128, 256)), "unknown"),
        (b"\x01", "unknown"),
    ],
)
def test_a_payload_has_the_shape_that_a_reader_would_say(data: bytes, expected: str) -> None:
    assert shape(data) == expected


@given(st.binary(max_size=300))
def test_any_bytes_have_one_of_the_shapes(data: bytes) -> None:
    assert shape(data) in SHAPES


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.lists(JSON_VALUES, max_size=4) | st.dictionaries(st.text(max_size=4), JSON_VALUES, max_size=4)
SLOW = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)


@SLOW
@given(DOCUMENTS, st.sampled_from([None, 1]), st.booleans())
def test_whatever_json_is_laid_out_says_the_same(value: object, indent: int | None, escaped: bool) -> None:
    source = json.dumps(value, ensure_ascii=escaped, indent=indent)
    lines = outline(source)
    assert lines is not None
    assert json.loads("\n".join(line.text for line in lines)) == value


@SLOW
@given(DOCUMENTS, st.integers(0, 200))
def test_json_that_is_cut_loses_nothing_but_white_space(value: object, length: int) -> None:
    source = json.dumps(value)[:length]
    lines = outline(source)
    if lines is not None:
        assert "".join("".join(line.text.split()) for line in lines) == "".join(source.split())


def test_numbers_beyond_any_float_and_keys_that_stand_twice_are_shown_as_they_are() -> None:
    number = "9" * 5000
    lines = json_lines(f'{{"a": {number}, "a": 1.10e+0005, "b": "\\u00e9\\/"}}'.encode())
    assert lines is not None
    assert [line.text for line in lines] == ["{", f'"a": {number},', '"a": 1.10e+0005,', '"b": "\\u00e9\\/"', "}"]
    assert [line.depth for line in lines] == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000])
def test_nesting_of_100_000_levels_is_no_recursion(text: str) -> None:
    lines = outline(text)
    assert lines is not None
    assert "".join(line.text for line in lines).replace(" ", "") == text


@pytest.mark.parametrize(
    "data",
    [b"[" + b"9" * 10**6 + b"]", b'["' + b"\\n" * 500_000 + b'"', b" " * 10**6 + b"[", b'["' + b"\\" * 10**6],
    ids=["one number", "escapes without end", "blanks", "backslashes"],
)
def test_a_megabyte_in_one_token_takes_no_more_than_a_moment(data: bytes) -> None:
    start = time.monotonic()
    shape(data)
    assert time.monotonic() - start < TAKES_AT_MOST_S


def test_json_that_is_too_long_to_lay_out_is_the_text_that_it_also_is() -> None:
    assert shape(b"[" + b"1," * LONGEST_JSON + b"1]") == "text"
