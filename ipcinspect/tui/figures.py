"""Numbers in words: at most six cells for a size, five for an age. `?` is not known, `-` has none, `0` is zero."""

from __future__ import annotations

import time

from ipcinspect.model.channel import FieldValue
from ipcinspect.model.figures import DAY as DAY
from ipcinspect.model.figures import HOUR
from ipcinspect.model.figures import age as age
from ipcinspect.model.figures import size as size
from ipcinspect.tui.glyphs import Glyphs


def rate(bytes_per_s: float, exact: bool) -> str:
    """`0 B/s`, `1.2K/s`, `>1.2K/s`: in at most 8 cells; a lower bound is marked. What is below 1 B/s is not 0."""
    if bytes_per_s and bytes_per_s < 1:
        return "<1 B/s" if exact else ">0 B/s"
    amount = size(round(bytes_per_s)) if bytes_per_s else "0 B"
    return f"{'' if exact else '>'}{amount}/s"


def message_rate(messages_per_s: float, exact: bool) -> str:
    """`12 msg/s`, `>12msg/s`, `>120/s`: as `rate`, for what counts messages alone."""
    if messages_per_s and messages_per_s < 1:
        return "<1 msg/s" if exact else ">0 msg/s"
    told = f"{'' if exact else '>'}{count(round(messages_per_s), 'msg')}/s"
    shorter = told if len(told) <= 8 else told.replace(" ", "")
    return shorter if len(shorter) <= 8 else shorter.replace("msg", "")


def count(amount: int, unit: str) -> str:
    """`12 msg`, `4k msg`: a number with its unit in at most 6 cells for units of 3."""
    if amount < 100:
        return f"{amount} {unit}"
    for suffix in ("", "k", "M", "G"):
        if amount < 1000:
            return f"{amount}{suffix}{unit}"[:6] if len(f"{amount}{suffix}{unit}") <= 6 else f"{amount}{suffix}"
        amount //= 1000
    return f"{amount}T"


def counter(word: str, value: FieldValue) -> str:
    """`ctr 3`, `ctr42k`: a value with what it is, in at most 6 cells for words of 3."""
    if not isinstance(value, int):
        return "?"
    amount = value
    for suffix in ("", "k", "M", "G", "T", "P", "E"):
        if amount < 1000 and len(f"{amount}{suffix}") <= 3:
            shown = f"{amount}{suffix}"
            return f"{word} {shown}" if len(shown) < 3 else f"{word}{shown}"
        amount //= 1000
    return f"{word} >E"


def whole_age(seconds: float) -> str:
    """An age without fractions, for figures that count up before one's eyes."""
    return age(seconds) if seconds >= 1 else "0s"


def steady_age(seconds: float) -> str:
    """An age that moves every ten seconds, from an hour on every minute: for rows that nobody points at."""
    if seconds < 10:
        return "<10s"
    return age(seconds if seconds >= HOUR else seconds // 10 * 10)


def moment(seconds: float) -> str:
    """Local wall time, with the date where it is not from today or yesterday."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (ValueError, OverflowError, OSError):  # anybody may give a FIFO a time that no calendar has
        return "?"


def wall_time(seconds: float) -> str:
    """Local wall time without the date."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def plural(number: int, noun: str) -> str:
    """`1 channel`, `2 channels`, `2 processes`, `2 entries`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("s"):
        return f"{number} {noun}es"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"


def told(value: FieldValue, unit: str | None, glyphs: Glyphs) -> str:
    """A field's value in its unit; strings are kernel text."""
    if value is None:
        return "?"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return glyphs.safe(value)
    if unit == "bytes":
        return _exact_size(int(value))
    if unit == "time":
        return moment(value)
    if unit == "mode":
        return f"{int(value):04o}"
    if unit == "seconds":
        return age(value)
    if unit == "percent":
        return f"{value:.1f}%"
    number = f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f"{number} {unit}" if unit else number


def _exact_size(amount: int) -> str:
    short = size(amount)
    return short if amount < 1000 else f"{short} ({amount})"
