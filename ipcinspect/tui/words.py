"""What a user types into the filter's line, in words."""

from __future__ import annotations

import shlex


def filter_words(text: str) -> tuple[str, ...]:
    """The words, as a shell would cut them; while a quote is still open, at spaces."""
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return tuple(text.split())
