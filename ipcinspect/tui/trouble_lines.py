"""What the frame says of trouble: the headline's sentence and the badges of the screens line. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from ipcinspect.diagnosis import wording
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Span, length
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.trouble import Tangle, Trouble

MARKS = {"error": ("error", "error"), "warning": ("trouble", "warning"), "info": ("quiet", "muted")}
"""By severity: key of `Glyphs.marks`, and role."""


def stuck_badge(trouble: Trouble | None, glyphs: Glyphs) -> Line:
    """`■2`: how many knots; where there is none, how many may be. Never a zero."""
    return _badge([one.severity for one in _tangles(trouble)], glyphs)[:1]


def findings_badge(trouble: Trouble | None, glyphs: Glyphs) -> Line:
    """`■2▲4`: errors and warnings. Never a zero."""
    return _badge([one.severity for one in trouble.findings] if trouble is not None else [], glyphs)


def stuck_sentence(trouble: Trouble, glyphs: Glyphs, room: int = 200) -> Line:
    """`■ 2 knots, 5 processes stuck  make 2211 and tee 2212 wait for each other for 2m10`; calm where nothing is.

    With less than `room` cells it counts the processes alone.
    """
    knots = [one for one in trouble.tangles if one.severity == "error"]
    if not trouble.tangles:
        return (Span(f"{glyphs.marks['moving']} nothing is stuck", "ok"),)
    worst = trouble.tangles[0]
    mark, role = MARKS[worst.severity]
    if not knots:
        return (Span(f"{glyphs.marks[mark]} ", role), *_told(trouble, worst, glyphs))
    stuck = len({process for one in knots for process in one.processes})
    counts = f"{figures.plural(len(knots), 'knot')}, {figures.plural(stuck, 'process')} stuck", f"{stuck} stuck"
    told = (Span("  "), *_told(trouble, worst, glyphs))
    lines = [(Span(f"{glyphs.marks[mark]} {counted}", role), *told) for counted in counts]
    return next((line for line in lines if length(line) <= room), lines[-1])


def _told(trouble: Trouble, tangle: Tangle, glyphs: Glyphs) -> Line:
    lasted = (
        () if tangle.since is None else (Span(_lasted(trouble.taken_at - tangle.since), MARKS[tangle.severity][1]),)
    )
    if tangle.root is None:
        return (Span(glyphs.safe(tangle.sentence)), *lasted)
    root = wording.process_name(tangle.root.process, trouble.judged.snapshot)
    others = len(tangle.processes)
    holds = f" holds up {others} {'other' if others == 1 else 'others'}"
    return (Span(glyphs.safe(root), "strong"), Span(holds), *lasted)


def _lasted(seconds: float) -> str:
    return f" for {figures.steady_age(seconds)}" if seconds >= 10 else ""


def _tangles(trouble: Trouble | None) -> Sequence[Tangle]:
    return () if trouble is None else trouble.tangles


def _badge(severities: Sequence[str], glyphs: Glyphs) -> Line:
    spans = []
    for severity in ("error", "warning"):
        number, (mark, role) = severities.count(severity), MARKS[severity]
        if number:
            spans.append(Span(f"{glyphs.marks[mark]}{number}", role))
    return tuple(spans)
