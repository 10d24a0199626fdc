"""Figures, rows and players that were not measured."""

from __future__ import annotations

from collections.abc import Iterable

from ipcinspect.demo.compare.cases import Case
from ipcinspect.demo.compare.figures import Figure
from ipcinspect.demo.compare.rows import Cost, OneWay, Results, RoundTrip, Row


def around(median: float, spread: float = 0.01, rounds: int = 5) -> Figure:
    """A figure whose rounds lie within that part of the median on both sides."""
    return Figure(median, median * (1 - spread), median * (1 + spread), rounds)


def cost(took_s: float, switches: float) -> Cost:
    """Each side works a quarter of the time."""
    return Cost(around(took_s / 4), around(took_s / 4), around(switches), around(0.0))


def row(
    case: Case, size: int, per_s: float | None, trip_s: float | None, spread: float = 0.01, reason: str | None = None
) -> Row:
    """A row with so many messages a second and such round trips; half of each time is CPU time."""
    flow = None if per_s is None else OneWay(around(per_s, spread), around(1 / per_s, spread), cost(1 / per_s, 0.25))
    trip = None
    if trip_s is not None:
        trip = RoundTrip(around(trip_s, spread), trip_s * 4, cost(trip_s, 2.0), around(trip_s / 2, spread))
    return Row(case, size, flow, trip, reason)


def results(rows: Iterable[Row], harness_s: Figure | None = None) -> Results:
    """Of these rows."""
    return Results(rows, harness_s)
