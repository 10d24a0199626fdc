"""JSON laid out for the eye, token by token: nothing is parsed into values, so nothing can come out changed.

Numbers of any length, keys that stand twice, escapes and nesting of any depth are shown as they were sent
(RFC 8259). Several values one after the other (JSON lines) are fine, and so is an end that was cut off.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_STRING_BODY = r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*'
_TOKEN = re.compile(
    r"[ \t\n\r]*(?:"
    r"(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)|(?P<colon>:)|"
    rf'(?P<string>{_STRING_BODY}")|'
    r"(?P<scalar>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null))"
)
_CUT_TOKEN = re.compile(
    rf"[ \t\n\r]*(?:{_STRING_BODY}(?:\\(?:u[0-9a-fA-F]{{0,3}})?)?|-|-?(?:0|[1-9][0-9]*)(?:\.|(?:\.[0-9]+)?[eE][+-]?)|"
    r"t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?)?\Z"
)
"""What can be left of a token whose end is missing; also nothing but white space."""
_CLOSER = {"[": "]", "{": "}"}
_TOLD = 3
"""Tokens that a value needs to count as JSON although its end is missing."""


class OutlineLine(NamedTuple):
    """One line of the layout."""

    depth: int
    """How many arrays and objects it stands in."""
    text: str
    """Its tokens as they are in the source, with a space after a colon."""


def outline(text: str) -> list[OutlineLine] | None:
    """The lines of one or more JSON values, the first of them an array or object; None where it is not JSON.

    The end of the last value may be missing, as of a message that was cut or is being written.
    """
    return _Outliner(text).run() if text.lstrip(" \t\n\r")[:1] in ("[", "{") else None


class _Outliner:
    """One pass over one text. Keeps a stack of its own: 100,000 brackets are no recursion."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: list[OutlineLine] = []
        self._parts: list[str] = []
        self._stack: list[str] = []
        self._expects = "value"
        """`value`, `key`, `colon`, `comma`; `first value` and `first key` where the bracket may close at once."""
        self._complete = 0
        self._tokens = 0

    def run(self) -> list[OutlineLine] | None:
        """The lines; None where a token stands where none may."""
        place = 0
        while found := _TOKEN.match(self._text, place):
            kind = found.lastgroup or ""
            if not self._take(kind, found.group(kind)):
                return None
            place = found.end()
            self._tokens += 1
        rest = self._text[place:]
        if rest.strip(" \t\n\r") or self._stack:
            if not _CUT_TOKEN.match(rest) or not (self._complete or self._tokens >= _TOLD):
                return None
            self._place(rest.strip(" \t\n\r"))
        self._end_line()
        return self._lines

    def _take(self, kind: str, token: str) -> bool:
        if kind == "open":
            return self._open(token)
        if kind == "close":
            return self._close(token)
        if kind == "comma":
            return self._comma()
        if kind == "colon":
            return self._colon()
        if kind == "string" and self._expects.endswith("key"):
            self._place(token)
            self._expects = "colon"
            return True
        if not self._expects.endswith("value"):
            return False
        self._place(token)
        self._after_value()
        return True

    def _open(self, token: str) -> bool:
        if not self._expects.endswith("value"):
            return False
        self._place(token)
        self._stack.append(token)
        self._expects = "first value" if token == "[" else "first key"
        return True

    def _close(self, token: str) -> bool:
        if not self._stack or _CLOSER[self._stack[-1]] != token:
            return False
        if self._expects == "comma":
            self._end_line()
        elif not self._expects.startswith("first"):
            return False
        self._stack.pop()
        self._parts.append(token)
        self._after_value()
        return True

    def _comma(self) -> bool:
        if self._expects != "comma":
            return False
        self._parts.append(",")
        self._end_line()
        self._expects = "value" if self._stack[-1] == "[" else "key"
        return True

    def _colon(self) -> bool:
        if self._expects != "colon":
            return False
        self._parts.append(": ")
        self._expects = "value"
        return True

    def _place(self, token: str) -> None:
        """A value or key, or what is left of one; the first in an array or object begins a line."""
        if token and self._stack and self._expects.startswith("first"):
            self._end_line(len(self._stack) - 1)
        self._parts.append(token)

    def _after_value(self) -> None:
        if self._stack:
            self._expects = "comma"
        else:
            self._complete += 1
            self._end_line()
            self._expects = "value"

    def _end_line(self, depth: int | None = None) -> None:
        text = "".join(self._parts)
        if text:
            self._lines.append(OutlineLine(len(self._stack) if depth is None else depth, text))
        self._parts.clear()
