"""`visible()`: the one function that makes kernel text safe to show.

Names, paths and arguments come from processes that may be hostile: they can hold escape sequences that write to the
terminal, bidirectional overrides that reorder a line, newlines that forge a row, and bytes that are no text at all.
"""

from __future__ import annotations

import re
import unicodedata

_PLAIN = re.compile(r"[ -~]*\Z")
_HIDDEN_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_MARK_CATEGORIES = frozenset(("Mn", "Me"))
_LOOK_LIKE_NOTHING = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and symbols that draw nothing: fillers, joiners, the empty braille pattern."""
_MARKS_IN_A_ROW = 2
"""Combining marks that real scripts put on one letter; more of them reach into the lines above."""
LIMIT = 4096
"""Characters that `visible` reads at most: a megabyte of name is cut, with an ellipsis."""


def visible(text: str, limit: int = LIMIT) -> str:
    r"""The text with everything that does not print as itself made visible as an escape.

    Control and format characters (C0, C1, bidi overrides, zero-width), line separators, unassigned and private code
    points become `\n`, `\x1b`, `\u202e`; bytes that were no UTF-8 (surrogate escapes) become `\xff`. A backslash
    is left alone: this is for the eye, not for a parser; JSON keeps the exact text. A longer text than `limit` ends
    in `…`.
    """
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if _PLAIN.match(text):
        return text
    shown = []
    marks = 0
    for position, char in enumerate(text):
        marks = marks + 1 if unicodedata.category(char) in _MARK_CATEGORIES else 0
        bare_mark = marks > _MARKS_IN_A_ROW or (marks and position == marks - 1)
        shown.append(_escape(char) if bare_mark or _hides(char) else char)
    return "".join(shown)


def _hides(char: str) -> bool:
    if unicodedata.category(char) in _HIDDEN_CATEGORIES or char in _LOOK_LIKE_NOTHING:
        return True
    return char != " " and char.isspace()


def _escape(char: str) -> str:
    code = ord(char)
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if short is not None:
        return short
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
