"""Signals by name (signal(7)), as sets."""

from __future__ import annotations

import signal

_FIRST_REAL_TIME, _LAST = 34, 64
"""SIGRTMIN and SIGRTMAX as glibc and musl count: 32 and 33 are their own."""
_NAMES = {int(each): each.name for each in signal.Signals if int(each) < 32}


def signal_name(number: int) -> str:
    """`SIGTERM`, `SIGRTMIN+3`; the bare number of what has no name."""
    if number in _NAMES:
        return _NAMES[number]
    if _FIRST_REAL_TIME <= number <= _LAST:
        place = number - _FIRST_REAL_TIME
        return f"SIGRTMIN+{place}" if place else "SIGRTMIN"
    return str(number)


def signal_names(mask: int) -> tuple[str, ...]:
    """The signals of a mask, of which bit N-1 is signal N, by number."""
    return tuple(signal_name(place + 1) for place in range(_LAST) if mask >> place & 1)


def signal_set(mask: int) -> str:
    """The same in few words: `-` for none, `all but SIGKILL SIGSTOP` for nearly all."""
    names = signal_names(mask)
    missing = signal_names(~mask)
    if not missing:
        return "all"
    if len(missing) < len(names):
        return f"all but {' '.join(missing)}"
    return " ".join(names) or "-"
