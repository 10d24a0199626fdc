"""What was measured, as rows: one case at one size. What could not be measured has a reason in its place."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from statistics import median
from typing import NamedTuple

from ipcinspect.demo.compare.cases import Case
from ipcinspect.demo.compare.figures import Figure, figure, percentile
from ipcinspect.demo.compare.play import Played

_NANO = 1e-9
_P99 = 99.0


class Cost(NamedTuple):
    """What one message takes, or one round trip: seconds of CPU time of each side, context switches of both."""

    sender_cpu_s: Figure
    receiver_cpu_s: Figure
    voluntary: Figure
    """Because a side slept."""
    involuntary: Figure

    @property
    def cpu_s(self) -> float:
        """Of both sides."""
        return self.sender_cpu_s.median + self.receiver_cpu_s.median

    @property
    def switches(self) -> float:
        """Of both kinds."""
        return self.voluntary.median + self.involuntary.median


class OneWay(NamedTuple):
    """Messages in one direction, as fast as they go."""

    messages_per_s: Figure
    message_s: Figure
    """Seconds from one message to the next."""
    cost: Cost


class RoundTrip(NamedTuple):
    """A message and its answer of the same size, one after the other."""

    median_s: Figure
    """Of the medians of the rounds."""
    p99_s: float | None
    """Of the single times of all rounds; None where they are too few."""
    cost: Cost
    cpu_s: Figure
    """CPU time of both sides for one round trip."""


class Row(NamedTuple):
    """One case at one size."""

    case: Case
    size: int
    one_way: OneWay | None = None
    round_trip: RoundTrip | None = None
    reason: str | None = None
    """Why it could not be measured, or not to the end; then there are no figures."""

    @property
    def bytes_per_s(self) -> float | None:
        """Median throughput; None where none was measured."""
        return None if self.one_way is None else self.one_way.messages_per_s.median * self.size


class Results:
    """All rows of a comparison, found by case and size."""

    def __init__(self, rows: Iterable[Row], harness_s: Figure | None = None) -> None:
        """`harness_s`: seconds of an empty send and an empty receive."""
        self.harness_s = harness_s
        self._rows = {(row.case, row.size): row for row in rows}

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def row(self, case: Case, size: int) -> Row | None:
        """None where it was not measured."""
        return self._rows.get((case, size))

    @property
    def has_figures(self) -> bool:
        """Whether anything was measured at all."""
        return any(row.one_way or row.round_trip for row in self)


class Tally:
    """Gathers the rounds of one case at one size."""

    def __init__(self, case: Case, size: int) -> None:
        self.case, self.size = case, size
        self.reason: str | None = None
        self._one_way: list[tuple[float, ...]] = []
        self._round_trips: list[tuple[float, ...]] = []
        self._times_ns = array("q")

    def add_one_way(self, sent: Played, taken: Played, count: int) -> None:
        """A round: from the sender's first message to the receiver's last."""
        took_s = max(taken.ended_ns - sent.began_ns, 1) * _NANO
        self._one_way.append((took_s / count, *_costs(sent, taken, count)))

    def add_round_trip(self, asked: Played, replied: Played, count: int) -> None:
        """A round."""
        self._round_trips.append((median(asked.times_ns) * _NANO, *_costs(asked, replied, count)))
        self._times_ns.extend(asked.times_ns)

    def row(self) -> Row:
        """What the rounds so far gave. Of what failed on the way only the reason is told: it was not whole."""
        if self.reason is not None:
            return Row(self.case, self.size, reason=self.reason)
        return Row(self.case, self.size, self._flow(), self._trip())

    def _flow(self) -> OneWay | None:
        if not self._one_way:
            return None
        message_s, *costs = zip(*self._one_way, strict=True)
        return OneWay(_figure([1 / one for one in message_s]), _figure(message_s), Cost(*map(_figure, costs)))

    def _trip(self) -> RoundTrip | None:
        if not self._round_trips:
            return None
        median_s, *costs = zip(*self._round_trips, strict=True)
        both = [sender + receiver for sender, receiver in zip(costs[0], costs[1], strict=True)]
        p99 = percentile(self._times_ns, _P99)
        told = None if p99 is None else p99 * _NANO
        return RoundTrip(_figure(median_s), told, Cost(*map(_figure, costs)), _figure(both))


def _costs(sender: Played, receiver: Played, count: int) -> tuple[float, float, float, float]:
    return (
        sender.cpu_ns * _NANO / count,
        receiver.cpu_ns * _NANO / count,
        (sender.voluntary + receiver.voluntary) / count,
        (sender.involuntary + receiver.involuntary) / count,
    )


def _figure(values: Iterable[float]) -> Figure:
    made = figure(list(values))
    assert made is not None, "asked for of rounds that are there"
    return made
