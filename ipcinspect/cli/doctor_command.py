"""`ipcinspect doctor`: what can be seen on this machine, and what to do to see more."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from ipcinspect.cli.complaints import DONE
from ipcinspect.cli.session import Session
from ipcinspect.cli.sheets import Cell, Column, Sheet, Style
from ipcinspect.export.sights_document import sights_document
from ipcinspect.model.gap import Sight
from ipcinspect.model.snapshot import Snapshot, Want

SUMMARY = "what can be seen here, and what to do to see more"
EPILOG = """\
Looks once, says for each kernel interface whether it answers this user, what
was missing in this look, and how long each part took.
"""
_ROLES = {"yes": "ok", "partly": "warning", "no": "error"}
_BEFORE = len("partly ") + len(" ")
_NARROWEST = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def run(session: Session) -> int:
    """One look that also judges itself."""
    snapshot = session.observe(session.inspector(), Want(sights=True)).snapshot
    if session.options.json:
        session.write_document(sights_document(snapshot))
    else:
        style = session.style()
        width = session.width() if session.output.is_terminal else None
        session.write_sheets(_sheets(snapshot, style, width), style)
    session.output.flush()
    return DONE


def _sheets(snapshot: Snapshot, style: Style, width: int | None) -> Iterator[Sheet]:
    """`width`: of the terminal; None where every sight is one line."""
    longest = max((len(sight.subject) for sight in snapshot.sights), default=0)
    room = None if width is None else max(width - longest - _BEFORE, _NARROWEST)
    told: set[str] = set()
    sights = [row for sight in snapshot.sights for row in _sight(sight, style, room, told)]
    yield Sheet("What can be seen here", (Column("SEEN"), Column("WHAT"), Column("DETAIL")), sights, whole=True)
    if snapshot.gaps:
        gaps = [
            (
                Cell("?" if gap.count is None else str(gap.count)),
                Cell(style.safe(gap.what)),
                Cell(style.safe(gap.why), "muted"),
            )
            for gap in snapshot.gaps
        ]
        yield Sheet("Not seen in this look", (Column("COUNT", right=True), Column("WHAT"), Column("WHY")), gaps, True)
    costs = [(Cell(style.safe(cost.part)), Cell(f"{cost.seconds * 1000:.1f}")) for cost in snapshot.costs]
    total = (Cell("all", "strong"), Cell(f"{snapshot.duration_s * 1000:.1f}", "strong"))
    yield Sheet("What a look costs", (Column("PART"), Column("MS", right=True)), [*costs, total], whole=True)


def _sight(sight: Sight, style: Style, room: int | None, told: set[str]) -> Iterator[tuple[Cell, Cell, Cell]]:
    """Its line; on a terminal as many as its sentence needs, and the command on one of its own, whole: to be copied.

    `told`: the commands that eyes have read already; once is enough for them.
    """
    verdict = Cell(sight.verdict, _ROLES.get(sight.verdict, "muted"))
    subject = Cell(style.safe(sight.subject), "strong")
    if room is None:
        yield verdict, subject, Cell(style.safe(sight.detail + (f" -> {sight.remedy}" if sight.remedy else "")))
        return
    first, *further = _wrapped(style.safe(sight.detail), room)
    yield verdict, subject, Cell(first)
    for text in further:
        yield Cell(""), Cell(""), Cell(text)
    if sight.remedy and sight.remedy not in told:
        told.add(sight.remedy)
        yield Cell(""), Cell(""), Cell(f"-> {style.safe(sight.remedy)}", "accent")


def _wrapped(text: str, room: int) -> list[str]:
    """Lines of at most `room` characters, broken at blanks; a longer word stays whole."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines
