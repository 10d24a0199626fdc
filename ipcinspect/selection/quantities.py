"""Amounts in filter words, written as in find(1): `+1M` is more than, `-1M` less than, `1M` just that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

SIZE_UNITS: Mapping[str, int] = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
"""Bytes of each unit."""
TIME_UNITS: Mapping[str, int] = {"": 1, "S": 1, "M": 60, "H": 3600, "D": 86400}
"""Seconds of each unit."""


class Amount(NamedTuple):
    """A bound on a figure."""

    sign: str
    """`+` more than, `-` less than, empty: as many whole units."""
    number: int
    unit: int

    def holds(self, figure: float | None) -> bool:
        """Whether a figure keeps the bound; an unknown figure keeps none."""
        if figure is None:
            return False
        if self.sign == "+":
            return figure > self.number * self.unit
        if self.sign == "-":
            return figure < self.number * self.unit
        return figure // self.unit == self.number


def parse_amount(text: str, units: Mapping[str, int]) -> Amount | None:
    """`+1M`, `-30s`, `0`; None where it is no amount in these units. Upper and lower case are the same."""
    sign = text[:1] if text[:1] in ("+", "-") else ""
    body = text[len(sign) :]
    digits = body.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = units.get(body[len(digits) :].upper())
    if unit is None or not (digits.isascii() and digits.isdecimal()) or len(digits) > 18:
        return None
    return Amount(sign, int(digits), unit)
