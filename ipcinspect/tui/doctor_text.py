"""What the Doctor screen says: what can be seen here, what could not be, and what looking costs. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from ipcinspect.model.gap import Gap, Sight
from ipcinspect.model.snapshot import Cost, Snapshot
from ipcinspect.tui.drawing import Line, Span, bar, clip, rule, wrap
from ipcinspect.tui.glyphs import Glyphs

_READABLE = 100
"""Sentences stop at this width."""
_MARK = {"yes": ("moving", "ok"), "partly": ("trouble", "warning"), "no": ("gone", "error")}


def doctor_lines(snapshot: Snapshot, sights: Sequence[Sight], width: int, glyphs: Glyphs) -> list[Line]:
    """The whole screen; `sights` may be older than the snapshot, which does not always ask for them."""
    lines: list[Line] = [rule((Span("What can be seen here", "strong"),), (), width, False, glyphs)]
    lines += _sights(sights, width, glyphs) or [(Span("   Not asked yet: the next look does.", "muted"),)]
    title: Line = (Span("Not seen in this look", "strong"),)
    lines += [(), rule(title, (), width, False, glyphs), *_gaps(snapshot.gaps, width, glyphs)]
    title = (Span("What a look costs", "strong"), Span(f"  {figures_ms(snapshot.duration_s)}", "muted"))
    lines += [(), rule(title, (), width, False, glyphs), *_costs(snapshot.costs, width, glyphs)]
    return lines


def figures_ms(seconds: float) -> str:
    """`12.3 ms`, `1.2 s`."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _sights(sights: Sequence[Sight], width: int, glyphs: Glyphs) -> list[Line]:
    subject_width = min(max((cell_len(glyphs.safe(sight.subject)) for sight in sights), default=0), 34)
    told: set[str] = set()
    return [line for sight in sights for line in _sight(sight, told, subject_width, width, glyphs)]


def _sight(sight: Sight, told: set[str], subject_width: int, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """`told`: the remedies that stand above already; once is enough."""
    mark, role = _MARK.get(sight.verdict, ("unknown", "muted"))
    start = subject_width + 13
    room = max(min(width - start - 1, _READABLE), 20)
    first, *further = wrap(glyphs.safe(sight.detail), room)
    yield (
        Span(f" {glyphs.marks[mark]} {clip(sight.verdict, 7, glyphs)}", role),
        Span(f" {clip(glyphs.safe(sight.subject), subject_width, glyphs)}  ", "strong"),
        Span(first),
    )
    for text in further:
        yield (Span(" " * start + text),)
    if sight.remedy and sight.remedy not in told:
        told.add(sight.remedy)
        for place, text in enumerate(wrap(glyphs.safe(sight.remedy), room - 2)):
            yield (Span(" " * start + ("  " if place else f"{glyphs.remedy} ") + text, "accent"),)


def _gaps(gaps: Sequence[Gap], width: int, glyphs: Glyphs) -> Iterator[Line]:
    if not gaps:
        yield (Span(f" {glyphs.marks['moving']}", "ok"), Span(" Nothing was missing."))
    for gap in gaps:
        number = "?" if gap.count is None else str(gap.count)
        yield (
            Span(f" {clip(number, 7, glyphs, 'right')}  "),
            Span(glyphs.safe(gap.what)),
            Span(f"  ({glyphs.safe(gap.why)})", "muted"),
        )


def _costs(costs: Sequence[Cost], width: int, glyphs: Glyphs) -> Iterator[Line]:
    if not costs:
        yield (Span(" Not told by this source.", "muted"),)
    whole = sum(cost.seconds for cost in costs) or 1.0
    for cost in sorted(costs, key=lambda cost: -cost.seconds):
        share = cost.seconds / whole
        yield (
            Span(f" {clip(glyphs.safe(cost.part), 22, glyphs)} "),
            Span(clip(figures_ms(cost.seconds), 9, glyphs, "right") + "  ", "muted"),
            *bar(share, 20, "accent", glyphs),
        )
