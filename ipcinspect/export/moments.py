"""Times as text: RFC 3339 in UTC, to the millisecond."""

from __future__ import annotations

import time

_DAY = 86400
_REMEMBERED = 512
_dates: dict[int, str] = {}
"""Dates by the number of the day: the dear part, and the times of one document lie on few days."""


def rfc3339(seconds: float) -> str:
    """Seconds since the epoch as `2026-03-01T12:00:00.250Z`. Raises ValueError or OverflowError beyond year 9999."""
    whole = int(seconds // 1)
    day, second = divmod(whole, _DAY)
    date = _dates.get(day)
    if date is None:
        if len(_dates) >= _REMEMBERED:
            _dates.clear()
        date = _dates[day] = time.strftime("%Y-%m-%d", time.gmtime(day * _DAY))
    return f"{date}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{int((seconds - whole) * 1000):03}Z"
