"""Which channels a user means: filter words, channel addresses, order. Pure functions over snapshots."""

from __future__ import annotations

from collections.abc import Iterable

from ipcinspect.model.text import visible

_TRIED = 2000
"""Candidates compared letter by letter at most: 20 microseconds each."""


_WORD_SHOWN = 100


class WordError(ValueError):
    """A word that the user typed and that means nothing here; its text is one printable line."""


def shown(word: str) -> str:
    """A word of the user in a complaint: printable, and cut before it fills the screen."""
    return visible(word, _WORD_SHOWN)


def nearest(word: str, valid: Iterable[str], likeness: float = 0.0) -> str | None:
    """The valid word most like `word`; None where none is as like it as 0.0 (anything) to 1.0 (the same)."""
    import difflib  # slow to import, and needed only when something is wrong

    candidates = sorted(valid, key=lambda candidate: -_common_start(word, candidate))[:_TRIED]
    close = difflib.get_close_matches(word, candidates, 1, likeness)
    return close[0] if close else None


def unknown(subject: str, word: str, valid: Iterable[str]) -> WordError:
    """The complaint about an unknown word: `unknown column 'sate', nearest is 'state'`."""
    close = nearest(word, valid)
    hint = "" if close is None else f", nearest is '{shown(close)}'"
    return WordError(f"unknown {subject} '{shown(word)}'{hint}")


def _common_start(one: str, other: str) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length
