"""A comparison as a JSON document: what was measured, exact and in the units that the names say, and the answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ipcinspect.demo.compare.answers import Answer, Basis
from ipcinspect.demo.compare.contest import Effort
from ipcinspect.demo.compare.copies import COPIES
from ipcinspect.demo.compare.figures import Figure
from ipcinspect.demo.compare.rows import Cost, Results, Row
from ipcinspect.export.json_document import gaps, head
from ipcinspect.model.snapshot import Snapshot

_DIGITS = 6
"""Of a figure: more than any of them is worth."""


def compare_document(
    snapshot: Snapshot, results: Results, answers: Sequence[Answer], effort: Effort, complete: bool
) -> Iterator[str]:
    """`snapshot`: of when it began; `complete`: False where it was broken off."""
    measured = {
        "complete": complete,
        "rounds": max((row.round_trip.median_s.rounds for row in results if row.round_trip), default=0),
        "planned_rounds": effort.rounds,
        "starts": effort.starts,
        "batch_s": effort.batch_s,
        "harness_s": _figure(results.harness_s),
    }
    yield f'{head(snapshot)}, "measured": {json.dumps(measured)}, '
    yield f'"compare": {json.dumps([_row(row) for row in results])}, '
    yield f'"answers": {json.dumps([_answer(answer) for answer in answers])}, "gaps": {gaps(snapshot.gaps)}}}'


def _row(row: Row) -> dict[str, object]:
    case, copies = row.case, COPIES.get(row.case.mechanism)
    return {
        "mechanism": case.mechanism,
        "variant": case.variant,
        "lock": case.lock,
        "blocking": case.blocking,
        "framed": case.framed,
        "size_bytes": row.size if row.size else None,
        "one_way": _one_way(row),
        "round_trip": _round_trip(row),
        "copies": None if copies is None else copies.number,
        "copies_source": None if copies is None else copies.source,
        "reason": row.reason,
    }


def _one_way(row: Row) -> dict[str, object] | None:
    flow = row.one_way
    if flow is None:
        return None
    rate = flow.messages_per_s
    return {
        "bytes_per_s": _short(rate.median * row.size),
        "messages_per_s": _short(rate.median),
        "spread": {"low_messages_per_s": _short(rate.low), "high_messages_per_s": _short(rate.high)},
        "rounds": rate.rounds,
        **_cost(flow.cost),
    }


def _round_trip(row: Row) -> dict[str, object] | None:
    trip = row.round_trip
    if trip is None:
        return None
    return {
        "median_s": _short(trip.median_s.median),
        "p99_s": None if trip.p99_s is None else _short(trip.p99_s),
        "spread": {"low_s": _short(trip.median_s.low), "high_s": _short(trip.median_s.high)},
        "rounds": trip.median_s.rounds,
        **_cost(trip.cost),
    }


def _cost(cost: Cost) -> dict[str, object]:
    """Of one message, or one round trip."""
    return {
        "sender_cpu_s": _short(cost.sender_cpu_s.median),
        "receiver_cpu_s": _short(cost.receiver_cpu_s.median),
        "voluntary_switches": _short(cost.voluntary.median),
        "involuntary_switches": _short(cost.involuntary.median),
    }


def _answer(answer: Answer) -> dict[str, object]:
    ratio = answer.ratio
    return {
        "rule": answer.rule,
        "text": answer.text,
        "ratio": None if ratio is None else _short(ratio),
        "basis": [_basis(basis) for basis in answer.basis],
    }


def _basis(basis: Basis) -> dict[str, object]:
    return {
        "measure": basis.measure,
        "size_bytes": basis.size if basis.size else None,
        "first": basis.first,
        "second": basis.second,
        "ratio": _short(basis.ratio),
        "difference_seen": basis.seen,
        "first_figure": _figure(basis.first_figure),
        "second_figure": _figure(basis.second_figure),
    }


def _figure(one: Figure | None) -> dict[str, object] | None:
    if one is None:
        return None
    return {"median": _short(one.median), "low": _short(one.low), "high": _short(one.high), "rounds": one.rounds}


def _short(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
