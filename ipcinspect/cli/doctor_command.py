"""`ipcinspect doctor`: what can be seen on this machine, and what to do to see more."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from ipcinspect.cli.complaints import DONE
from ipcinspect.cli.session import Session
from ipcinspect.cli.sheets import Cell, Column, Sheet, Style
from ipcinspect.export.sights_document import sights_document
from ipcinspect.model.snapshot import Snapshot, Want

SUMMARY = "what can be seen here, and what to do to see more"
EPILOG = """\
Looks once, says for each kernel interface whether it answers this user, what
was missing in this look, and how long each part took.
"""
_ROLES = {"yes": "ok", "partly": "warning", "no": "error"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def run(session: Session) -> int:
    """One look that also judges itself."""
    snapshot = session.observe(session.inspector(), Want(sights=True)).snapshot
    if session.options.json:
        session.write_document(sights_document(snapshot))
    else:
        style = session.style()
        session.write_sheets(_sheets(snapshot, style), style)
    session.output.flush()
    return DONE


def _sheets(snapshot: Snapshot, style: Style) -> Iterator[Sheet]:
    sights = [
        (
            Cell(sight.verdict, _ROLES.get(sight.verdict, "muted")),
            Cell(style.safe(sight.subject), "strong"),
            Cell(style.safe(sight.detail + (f" -> {sight.remedy}" if sight.remedy else ""))),
        )
        for sight in snapshot.sights
    ]
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
