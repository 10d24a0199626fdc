"""How a demo's value becomes the bytes of a message, and a value again: JSON, fixed fields with a checksum, raw.

Both halves use it, each in its own process; what the receiver decodes is compared with what the sender had.
"""

from __future__ import annotations

import binascii
import json
import struct
from collections.abc import Callable
from typing import NamedTuple

from ipcinspect.demo.plan import FORMATS


class Message(NamedTuple):
    """A value with parts: what `json` and `struct` carry."""

    number: int
    """0 to 4294967295."""
    text: str


Value = Message | bytes
"""`raw` carries the bytes themselves."""

LARGEST_NUMBER = 0xFFFFFFFF
_HEAD = {"little": struct.Struct("<IH"), "big": struct.Struct(">IH")}
"""The number, and how many bytes of text follow."""
_CHECK = {"little": struct.Struct("<I"), "big": struct.Struct(">I")}
"""CRC-32 of all bytes before it (binascii.crc32)."""
_LONGEST_STRUCT_TEXT = 0xFFFF


class FormatError(ValueError):
    """Bytes that are no message of that format, or whose check fails; the text says what is wrong with them."""


def sample(form: str, number: int, messages: int, size: int) -> Value:
    """The value that a walk sends as its `number`-th of `messages`, with as much text as `size` bytes have room for."""
    text = f"message {number} of {messages}"
    if form == "raw":
        whole = text.encode()
        return (whole * (size // len(whole) + 1))[:size]
    room = size - len(_bare(form, Message(number, "")))
    return Message(number, text[: max(room, 0)])


def smallest(form: str, messages: int = 1) -> int:
    """Bytes below which no message of the format can be, for numbers up to `messages`."""
    return 1 if form == "raw" else len(_bare(form, Message(messages, "")))


def encode(value: Value, form: str, byte_order: str, size: int) -> bytes:
    """Exactly `size` bytes. Raises FormatError where the value needs more, or is none of the format."""
    if form == "raw":
        if not isinstance(value, bytes):
            raise FormatError("raw carries bytes as they are, and nothing else")
        payload = value
    elif not isinstance(value, Message):
        raise FormatError(f"{form} carries a number and a text, not bare bytes")
    elif form == "struct":
        payload = _struct(value, byte_order, size)
    else:
        bare = _bare(form, value)
        payload = _json(value, "." * (size - len(bare)))
    if len(payload) != size:
        raise FormatError(f"the value takes {len(payload)} bytes as {form}, not {size}")
    return payload


def decode(payload: bytes, form: str, byte_order: str) -> Value:
    """The value that was encoded. Raises FormatError."""
    return _DECODERS[form](payload, byte_order)


def shown(value: Value) -> str:
    """The value as one would write it down; a long one is cut."""
    if isinstance(value, Message):
        return f"number {value.number}, text {json.dumps(value.text)}"
    start = value[:32].decode("ascii", "backslashreplace")
    return f"{len(value)} bytes {json.dumps(start)}{'…' if len(value) > 32 else ''}"


def to_plain(value: object) -> object:
    """Of what JSON has, for the way to the demo processes: a list of a number and a text, or bytes in hexadecimal."""
    return value.hex() if isinstance(value, bytes) else value


def from_plain(plain: object) -> Value:
    """The value behind `to_plain`. Raises FormatError."""
    if isinstance(plain, str):
        return bytes.fromhex(plain)
    if isinstance(plain, (list, tuple)) and len(plain) == 2:
        return Message(*plain)
    raise FormatError("no value of a demo")


def _bare(form: str, message: Message) -> bytes:
    """The message without padding."""
    if form == "json":
        return _json(message, "")
    return bytes(_HEAD["little"].size + len(message.text.encode()) + _CHECK["little"].size)


def _json(message: Message, padding: str) -> bytes:
    told = {"number": message.number, "text": message.text, "padding": padding}
    return json.dumps(told, separators=(",", ":")).encode()


def _struct(message: Message, byte_order: str, size: int) -> bytes:
    text = message.text.encode()
    if not 0 <= message.number <= LARGEST_NUMBER or len(text) > _LONGEST_STRUCT_TEXT:
        raise FormatError(f"struct has 4 bytes for the number and at most {_LONGEST_STRUCT_TEXT} for the text")
    head, check = _HEAD[byte_order], _CHECK[byte_order]
    body = head.pack(message.number, len(text)) + text
    body += bytes(max(size - len(body) - check.size, 0))
    return body + check.pack(binascii.crc32(body))


def _decode_json(payload: bytes, byte_order: str) -> Value:
    try:
        told = json.loads(payload)
    except UnicodeDecodeError as error:
        raise FormatError(f"not JSON: byte {error.start} is no UTF-8 ({error.reason})") from error
    except ValueError as error:
        raise FormatError(f"not JSON: {error}") from error
    except RecursionError as error:
        raise FormatError("not JSON of a demo: nested too deeply") from error
    if not isinstance(told, dict) or told.keys() != {"number", "text", "padding"}:
        raise FormatError("JSON, but not an object with number, text and padding")
    number, text = told["number"], told["text"]
    if type(number) is not int or not isinstance(text, str):
        raise FormatError("JSON, but its number is no whole number or its text no text")
    return Message(number, text)


def _decode_struct(payload: bytes, byte_order: str) -> Value:
    head, check = _HEAD[byte_order], _CHECK[byte_order]
    if len(payload) < head.size + check.size:
        raise FormatError(f"{len(payload)} bytes are too few for the fields: {head.size + check.size} at least")
    body = payload[: -check.size]
    (wanted,) = check.unpack(payload[-check.size :])
    found = binascii.crc32(body)
    if found != wanted:
        raise FormatError(f"CRC-32 does not fit: the message says {wanted:08x}, its bytes give {found:08x}")
    number, length = head.unpack_from(body)
    if head.size + length > len(body):
        raise FormatError(f"a text of {length} bytes does not fit into {len(body) - head.size}")
    try:
        return Message(number, body[head.size : head.size + length].decode())
    except UnicodeDecodeError as error:
        raise FormatError(f"the text is no UTF-8 at byte {error.start}") from error


_DECODERS: dict[str, Callable[[bytes, str], Value]] = {
    "json": _decode_json,
    "struct": _decode_struct,
    "raw": lambda payload, byte_order: payload,
}
assert tuple(_DECODERS) == FORMATS
