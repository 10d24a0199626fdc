"""What a user types into the filter's line, in words."""

from __future__ import annotations

import shlex

from ipcinspect.selection.filters import KEYS

_BEGINNINGS = ("not:", *(f"{key.word}:" for key in KEYS))


def filter_words(text: str) -> tuple[str, ...]:
    """The words, as a shell would cut them; while a quote is still open, at spaces."""
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return tuple(text.split())


def settled_words(text: str) -> tuple[str, ...]:
    """The words of a text that is still being typed, without a last one that so far is only the start of a key.

    On the way to `kind:pipe` nothing matches `kin`: an empty table in between would tell nothing.
    """
    words = filter_words(text)
    if not words or text.endswith(" "):
        return words
    last = words[-1].removeprefix("not:")
    return words[:-1] if any(beginning.startswith(last) for beginning in _BEGINNINGS) else words
