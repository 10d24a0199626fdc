"""A question to the user, asked on standard error so that standard output stays what was asked for."""

from __future__ import annotations

import os

from ipcinspect.cli.complaints import tell

_STANDARD_INPUT, _STANDARD_ERROR = 0, 2
_LONGEST_ANSWER = 4096
_YES = (b"y", b"yes")


def can_ask() -> bool:
    """Whether somebody sits there who sees the question and can answer."""
    return _is_terminal(_STANDARD_INPUT) and _is_terminal(_STANDARD_ERROR)


def agrees(question: str) -> bool:
    """Whether the user says yes; anything else, and the end of input, is no."""
    tell(f"{question} [y/N] ")
    try:
        answer = os.read(_STANDARD_INPUT, _LONGEST_ANSWER)
    except OSError:
        answer = b""
    if not answer.endswith(b"\n"):
        tell("\n")
    return answer.strip().lower() in _YES


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False
