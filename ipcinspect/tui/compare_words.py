"""What the rows of a comparison say, for both fronts: figures in few cells, and what they are figures of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from ipcinspect.demo.compare import figures
from ipcinspect.demo.compare.answers import Answer, size_words
from ipcinspect.demo.compare.cases import NONE
from ipcinspect.demo.compare.contest import Effort
from ipcinspect.demo.compare.figures import Figure
from ipcinspect.demo.compare.rows import Cost, Results, Row
from ipcinspect.demo.compare.rules import RULES
from ipcinspect.model.figures import age, size

_UNIT = re.compile(r"(\d) (?=(?:B|[KM]iB|[nµum]?s|times)\b)")
_UNBREAKABLE = "\u00a0"
ABSENT = "-"
"""What a mechanism has not, or what is not known."""


class RowWords(NamedTuple):
    """One row, in words."""

    label: str
    part: float | None
    """Of the highest throughput of its size; None where it has none."""
    rate: str
    rate_spread: str
    trip: str
    trip_spread: str
    p99: str
    cpu: str
    switches: str
    reason: str | None


def row_words(row: Row, best: float) -> RowWords:
    """`best`: bytes per second of the fastest row of its size."""
    trip, rate = row.round_trip, row.bytes_per_s
    cost = _cost(row)
    return RowWords(
        row.case.label,
        None if rate is None or not best else rate / best,
        ABSENT if rate is None else f"{size(rate)}/s",
        ABSENT if row.one_way is None else _spread(row.one_way.messages_per_s),
        ABSENT if trip is None else figures.seconds(trip.median_s.median),
        ABSENT if trip is None else _spread(trip.median_s),
        ABSENT if trip is None or trip.p99_s is None else figures.seconds(trip.p99_s),
        ABSENT if cost is None else figures.seconds(cost.cpu_s),
        ABSENT if cost is None else f"{cost.switches:.2f}",
        row.reason,
    )


def blocks(results: Results) -> list[tuple[int, list[Row]]]:
    """The rows, by the size of their messages."""
    return [(size, list(rows)) for size, rows in groupby(results, lambda row: row.size)]


def best_of(rows: Iterable[Row]) -> float:
    """Bytes per second of the fastest."""
    return max((rate for row in rows if (rate := row.bytes_per_s) is not None), default=0.0)


def block_title(size: int) -> str:
    """What the rows of a size have in common."""
    return "Signals, which carry no bytes" if size == NONE else f"Messages of {size_words(size)}"


def questions(answers: Sequence[Answer]) -> list[tuple[str, list[str]]]:
    """Each question that was answered, with its sentences."""
    return [
        (rule.question, said)
        for rule in RULES
        if (said := [answer.text for answer in answers if answer.rule == rule.name])
    ]


def notes(effort: Effort, results: Results) -> list[str]:
    """How it was measured, and what the words of the labels mean, as far as they are there."""
    labels = " ".join(row.case.label for row in results)
    rounds = sorted({row.round_trip.median_s.rounds for row in results if row.round_trip is not None}) or [0]
    counted = f"{rounds[0]}" if len(rounds) == 1 else f"{rounds[0]} to {rounds[-1]}"
    if rounds[-1] < effort.rounds:
        counted += f" of {effort.rounds}"
    means = {
        "framed": "framed: the program sends the length before each message and reads it first",
        "polling": "polling: calls that do not sleep, made until they succeed, giving way in between (sched_yield(2))",
        "no lock": "no lock: who waits for memory looks each millisecond, or all the time where it polls",
        "futex": "futex, posix-sem, sysv-sem behind memory: its lock, and what wakes who waits for "
        "a message or a place",
        "tcp": "tcp: over loopback, with TCP_NODELAY",
        "udp": "udp: the sender waits for the receiver before it could lose anything",
        "mmap": "mmap: the receiver may only read, so it says through a second file how far it is",
    }
    return [
        "One harness in Python drives every mechanism through the same loop: this compares mechanisms, not languages.",
        f"{counted} rounds of about {figures.seconds(effort.batch_s)} each count, all in turn{_new(effort)}; ± is "
        f"half the distance from the lowest to the highest{_without(rounds[-1])}, in percent of the median.",
        "The scheduler puts both sides on one CPU or on two, as those of any program: between two that sleep a round "
        "trip takes several times as long, which is where wide spreads come from.",
        "K, M and G are powers of 1,024 bytes.",
        "CPU and SWITCHES: of both sides for one message; where only round trips are measured, for one of these.",
        *(text for word, text in means.items() if word in labels),
    ]


def _new(effort: Effort) -> str:
    return f", by processes that were started {effort.starts} times" if effort.starts > 1 else ""


def _without(rounds: int) -> str:
    out = figures.outside(rounds)
    return f", without the outermost {'one' if out == 1 else out} on each side" if out else " round"


def wrapped(text: str, wrap: Callable[[str], list[str]]) -> list[str]:
    """Lines of a sentence, none of which ends between a number and its unit. `wrap` breaks at blanks."""
    whole = _UNIT.sub(f"\\1{_UNBREAKABLE}", text)
    return [line.replace(_UNBREAKABLE, " ") for line in wrap(whole)]


def left_words(left_s: float | None) -> str:
    """How long it still takes."""
    return "" if left_s is None else f"{age(left_s) if left_s >= 1 else '1s'} left"


def _cost(row: Row) -> Cost | None:
    if row.one_way is not None:
        return row.one_way.cost
    return None if row.round_trip is None else row.round_trip.cost


def _spread(one: Figure) -> str:
    """`±12%`: half of it beside the median; one round has none."""
    if one.rounds < figures.LEAST_ROUNDS or not one.median:
        return ABSENT
    return f"±{min((one.high - one.low) / 2 / one.median, 9.99):.0%}"
