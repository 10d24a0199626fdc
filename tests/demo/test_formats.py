"""Every format gives exactly the bytes that were asked for, and the value back; damage is told in words."""

from __future__ import annotations

import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcinspect.demo import formats
from ipcinspect.demo.formats import FormatError, Message, decode, encode, sample, smallest
from ipcinspect.demo.plan import BYTE_ORDERS, FORMATS

every_format = pytest.mark.parametrize("form", FORMATS)
every_order = pytest.mark.parametrize("order", BYTE_ORDERS)


@every_format
@every_order
@given(messages=st.integers(1, 1000), more=st.integers(0, 5000), data=st.data())
def test_a_sample_has_its_size_and_comes_back(
    form: str, order: str, messages: int, more: int, data: st.DataObject
) -> None:
    size = smallest(form, messages) + more
    value = sample(form, data.draw(st.integers(1, messages)), messages, size)
    payload = encode(value, form, order, size)
    assert len(payload) == size
    assert decode(payload, form, order) == value


@every_format
def test_below_the_smallest_size_nothing_is_encoded(form: str) -> None:
    size = smallest(form, 7) - 1
    if size:
        with pytest.raises(FormatError, match=f"not {size}"):
            encode(sample(form, 7, 7, size), form, "little", size)


def test_the_byte_order_is_that_of_the_bytes() -> None:
    message = Message(1, "x")
    assert encode(message, "struct", "little", 16)[:6] == b"\x01\0\0\0\x01\0"
    assert encode(message, "struct", "big", 16)[:6] == b"\0\0\0\x01\0\x01"
    body = encode(message, "struct", "big", 16)[:-4]
    assert encode(message, "struct", "big", 16)[-4:] == binascii.crc32(body).to_bytes(4, "big")


def test_the_wrong_byte_order_does_not_pass_the_check() -> None:
    with pytest.raises(FormatError, match=r"CRC-32 does not fit: the message says [0-9a-f]{8}, its bytes give"):
        decode(encode(Message(1, "x"), "struct", "little", 64), "struct", "big")


@given(place=st.integers(0, 63), flipped=st.integers(1, 255))
def test_any_damaged_byte_of_a_struct_is_found(place: int, flipped: int) -> None:
    payload = bytearray(encode(sample("struct", 3, 4, 64), "struct", "little", 64))
    payload[place] ^= flipped
    with pytest.raises(FormatError):
        decode(bytes(payload), "struct", "little")


def test_json_that_does_not_parse_says_where() -> None:
    payload = encode(sample("json", 1, 4, 64), "json", "little", 64)
    with pytest.raises(FormatError, match=r"not JSON: .*line 1 column"):
        decode(payload[:-2], "json", "little")
    with pytest.raises(FormatError, match="no UTF-8"):
        decode(b'{"number":1,"text":"\xff","padding":""}', "json", "little")
    with pytest.raises(FormatError, match="not an object with number, text and padding"):
        decode(b"[1]", "json", "little")


@given(payload=st.binary(max_size=200), form=st.sampled_from(("json", "struct")))
def test_any_bytes_are_a_value_or_an_error_in_words(payload: bytes, form: str) -> None:
    try:
        value = decode(payload, form, "little")
    except FormatError as refused:
        value, words = None, str(refused)
    assert isinstance(value, Message) or (words and "\n" not in words)


@every_format
def test_values_survive_the_way_to_the_processes(form: str) -> None:
    import json

    value = sample(form, 2, 4, 64)
    assert formats.from_plain(json.loads(json.dumps(formats.to_plain(value)))) == value
