"""Figures in few cells, as both fronts and the words of a channel's life show them."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3600, 86400


def size(amount: float | None) -> str:
    """Bytes in at most 6 cells: `0`, `17 B`, `3.1K`, `64.0K`, `128M`; K is 1024. `?` where it is not known."""
    if amount is None:
        return "?"
    if amount < 1000:
        return f"{amount:.0f} B" if amount else "0"
    value = float(amount)
    for unit in "KMGTP":
        value /= 1024
        if value < 999.5:
            return f"{value:.1f}{unit}" if value < 99.95 else f"{value:.0f}{unit}"
    return f"{value:.0f}P"


def age(seconds: float) -> str:
    """At most 5 cells, two units at most: `0.4s` `41s` `2m10` `1h05` `3d04` `12d` `2y`."""
    whole = int(max(seconds, 0))
    if seconds < 1:
        return f"{max(seconds, 0):.1f}s"
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{whole // MINUTE}m{whole % MINUTE:02}"
    if whole < DAY:
        return f"{whole // HOUR}h{whole % HOUR // MINUTE:02}"
    days = whole // DAY
    if days < 10:
        return f"{days}d{whole % DAY // HOUR:02}"
    return f"{days}d" if days < 730 else f"{days // 365}y"
