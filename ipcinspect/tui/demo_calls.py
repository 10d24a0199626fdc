"""The calls of both processes beside each other, in the order of time. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ipcinspect.demo.telling import Told
from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.mechanisms.room import Demo
from ipcinspect.tui.demo_scene import Scene
from ipcinspect.tui.drawing import Line, Span, clip
from ipcinspect.tui.glyphs import Glyphs

_TIME = 9
SLEPT_S = 0.001
"""From here on a call counts as one that slept: its row stands where it returned."""
_MOVING = ("transmission", "delivery", "reception", "response")
_MOVERS = frozenset(
    (
        "write", "writev", "read", "readv", "send", "sendto", "sendmsg", "recv", "recvfrom", "recvmsg",
        "msgsnd", "msgrcv", "mq_send", "mq_timedsend", "mq_receive", "mq_timedreceive", "semop",
        "semtimedop", "sem_post", "sem_wait", "sem_timedwait", "sem_trywait",
    )
)  # fmt: skip
"""Calls that move data, or a count."""
_MEMORY_MOVERS = frozenset(("store", "load"))
"""... of memory: what it does with semaphores beside that is about its lock."""


class _Row(NamedTuple):
    at_s: float
    told: Told
    newest: bool


def call_text(report: Report, width: int | None = None) -> str:
    """`write(4, 512) = 512`, `read(3, 4096) …`, `write(4, 1) EPIPE`; shorter where `width` has no room for it.

    What is left out then are arguments, at last the result: of a number no part is shown, of words the first.
    """
    end, args = _ending(report), report.args
    shorter = [(*args[:kept], "…", args[-1]) for kept in range(len(args) - 2, 0, -1)]
    shorter += [(*args[:kept], "…") for kept in range(len(args) - 1, 0, -1)]
    for shown in (args, *shorter, ("…", *args[-1:]), ("…",)):
        text = f"{report.call}({', '.join(shown)}){end}"
        if width is None or len(text) <= width:
            return text
    if report.result is None:
        assert width is not None, "the first one fits"
        room = width - len(end)
        return f"{report.call if len(report.call) <= room else report.call[: max(room - 1, 0)] + '…'}{end}"
    return f"{report.call}(…){'' if report.result[:1].isdecimal() else end}"


def _ending(report: Report) -> str:
    if report.errno is not None:
        return f" {report.errno}"
    if report.has_failed:
        return " failed"
    return " …" if report.took_s is None else f" = {report.result}"


def moves(demo: Demo, report: Report) -> bool:
    """Whether a call moves data, or wants to; where there is only a count, whether it changes that."""
    return report.call in (_MEMORY_MOVERS if demo.locks else _MOVERS)


def calls_head(scene: Scene, width: int, glyphs: Glyphs) -> Line:
    """The titles of the columns."""
    left, right = _halves(width)
    cast = scene.cast
    sender = "SENDER" if cast is None else f"SENDER {cast.sender}"
    receiver = "RECEIVER" if cast is None else f"RECEIVER {cast.receiver}"
    return (
        Span(clip(sender, left, glyphs, "right") + "   ", "muted"),
        Span(clip("TIME ms", _TIME, glyphs, "right") + "    ", "muted"),
        Span(clip(receiver, right, glyphs), "muted"),
    )


def call_lines(scene: Scene, width: int, most: int, glyphs: Glyphs) -> list[Line]:
    """At most `most` lines: the last ones, and among them the newest."""
    rows = _rows(scene.lines)
    newest = next((place for place, row in enumerate(rows) if row.newest), len(rows))
    start = min(max(len(rows) - most, 0), newest)
    return [_line(scene.demo, row, width, glyphs) for row in rows[start : start + max(most, 0)]]


def _rows(lines: Sequence[Told]) -> list[_Row]:
    """One row for each call: a call that has returned takes the place of its beginning."""
    told = [line for line in lines if line.report is not None]
    returned = {_identity(line) for line in told if line.report is not None and line.report.took_s is not None}
    newest = told[-1] if told and lines[-1].report is not None else None
    rows = []
    for line in told:
        report = line.report
        if report is None or (report.took_s is None and _identity(line) in returned):
            continue
        slept = report.took_s if report.took_s is not None and report.took_s >= SLEPT_S else 0.0
        rows.append(_Row(line.at_s + slept, line, line is newest))
    return sorted(rows, key=lambda row: row.at_s)


def _identity(line: Told) -> tuple[str | None, float]:
    return (line.side, line.report.began_at if line.report is not None else 0.0)


def _line(demo: Demo, row: _Row, width: int, glyphs: Glyphs) -> Line:
    left, right = _halves(width)
    report = row.told.report
    assert report is not None, "a row is a call"
    is_receiver = row.told.side == "b"
    text = glyphs.safe(call_text(report, right if is_receiver else left))
    wire, wire_role = _wire(demo, row, report, glyphs)
    role = "error" if report.has_failed else "strong" if row.newest else "text"
    time = Span(clip(_milliseconds(row.at_s), _TIME, glyphs, "right"), "muted")
    if is_receiver:
        return (Span(" " * (left + 3)), time, Span(f" {wire} ", wire_role), Span(clip(text, right, glyphs), role))
    return (Span(clip(text, left, glyphs, "right"), role), Span(f" {wire}", wire_role), time)


def _milliseconds(seconds: float) -> str:
    """`3723.723`: to the microsecond as long as there is room for that, and a space before it."""
    shown = (f"{seconds * 1000:.{digits}f}" for digits in (3, 2, 1, 0))
    return next((text for text in shown if len(text) < _TIME), f"{seconds:.0f} s")


def _wire(demo: Demo, row: _Row, report: Report, glyphs: Glyphs) -> tuple[str, str]:
    """`━►` where data went, `◄━` where an answer did, a dot otherwise."""
    told = row.told
    moved = told.stage in _MOVING and moves(demo, report) and report.result is not None
    if not moved:
        side = " " + glyphs.quiet_call if told.side != "b" else glyphs.quiet_call + " "
        return side, "faint"
    wire = glyphs.wires["from moving" if told.stage == "response" else "to moving"]
    return wire, "accent" if row.newest else "muted"


def _halves(width: int) -> tuple[int, int]:
    """Cells for the calls at the left and at the right of the time."""
    left = min((width - _TIME - 8) // 2, 60)
    return max(left, 8), max(width - left - _TIME - 8, 8)
