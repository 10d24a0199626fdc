"""What shape bytes have that were found in a channel: text, JSON, fields of a fixed width, or nothing that shows."""

from __future__ import annotations

import re

from ipcinspect.model.json_outline import OutlineLine, outline

SHAPES = ("text", "JSON", "struct-like", "unknown")
"""What `shape` answers."""
LONGEST_JSON = 1 << 20
"""Bytes above which JSON is told as the text that it is also."""

_CUT_AT_START = re.compile(rb"\A[\x80-\xbf]{1,3}")
_CUT_AT_END = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z")
_ODD = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f\udc80-\udcff]")
"""What text hardly has: controls other than line ends, tabs, form feeds and escapes; bytes that are no UTF-8."""
_ODD_AT_MOST = 10
"""One odd character in so many is still text: a Latin-1 letter, a bell."""
_SAMPLE = 4096
_SMALLEST_STRUCT = 8
_WORD = 4
_MOSTLY_ZERO, _LESS_ZERO = 0.5, 0.25


def shape(data: bytes) -> str:
    """One of SHAPES. The bytes may be the front of more, cut anywhere.

    `struct-like` is a likeness, not a proof: zero bytes stand where the upper halves of small numbers, pointers and
    floats have them, at the same place of every fourth byte.
    """
    if is_text(data):
        return "text" if json_lines(data) is None else "JSON"
    return "struct-like" if _has_fields(data[:_SAMPLE]) else "unknown"


def is_text(data: bytes) -> bool:
    """Whether people wrote it or are meant to read it: UTF-8 with few exceptions, maybe padded with NUL at its end."""
    body = _CUT_AT_END.sub(b"", _CUT_AT_START.sub(b"", data.rstrip(b"\0")))
    if not body or b"\0" in body:
        return False
    text = body.decode("utf-8", "surrogateescape")
    return len(_ODD.findall(text)) * _ODD_AT_MOST <= len(text)


def json_lines(data: bytes) -> list[OutlineLine] | None:
    """JSON as lines; None where it is none, or too long to be laid out."""
    if len(data) > LONGEST_JSON:
        return None
    body = data.rstrip(b"\0")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(body) - 3 or not _CUT_AT_END.search(body):
            return None
        text = body.decode("utf-8", "surrogateescape")
    return outline(text)


def _has_fields(data: bytes) -> bool:
    if len(data) < _SMALLEST_STRUCT:
        return False
    columns = [data[place::_WORD] for place in range(_WORD)]
    shares = [column.count(0) / len(column) for column in columns]
    return max(shares) >= _MOSTLY_ZERO and max(shares) - min(shares) >= _LESS_ZERO
