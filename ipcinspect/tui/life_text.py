"""What the Life tab shows: the stage track, how it moves, and what happened, the newest first. Pure functions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from ipcinspect.lifecycle.life import Event, Life
from ipcinspect.lifecycle.stages import Station
from ipcinspect.model.channel import Channel
from ipcinspect.selection.order import condition
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Span, clip
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.movement import SPARK, rate_text, spark_cell
from ipcinspect.tui.stage_track import track_lines
from ipcinspect.tui.states import MOVING, look_of

CERTAIN_WORDS = {
    "seen": "the kernel showed it",
    "inferred": "between two looks: the time is that of the second",
    "told": "a demo process reported it",
}
"""What each word of `words.CERTAINTIES` says of an event."""
_TIME = 8
_CERTAINTY = 8
_WORDED = 100
"""Cells from which on the certainty of an event stands there as a word, too."""
_EVIDENCE_LEAST = 16
"""Cells below which evidence is left out: its first words tell nothing."""
_SHORTEST_SEEN = 24
"""Cells that what happened gets at least before there is any evidence."""
_MEASURED = 100


def life_lines(
    channel: Channel, life: Life | None, stations: Sequence[Station], now: float, width: int, glyphs: Glyphs
) -> list[Line]:
    """The whole tab in lines of at most `width` cells."""
    if life is None:
        return [(Span(" Its life was not watched yet: the next look begins it.", "muted"),)]
    track = track_lines(stations, width, glyphs)
    return [*track, _movement(channel, life, now, glyphs), *event_lines(channel, life.events, now, width, glyphs)]


def event_lines(channel: Channel, events: Sequence[Event], now: float, width: int, glyphs: Glyphs) -> list[Line]:
    """An event a line, the newest first: when, a mark for what kind it is, what, what shows it."""
    if not events:
        return [(Span(" Nothing happened to it since it is watched.", "muted"),)]
    whats = [glyphs.safe(event.what) for event in reversed(events)]
    room = width - 1 - _TIME - 2 - 2 - (_CERTAINTY + 2 if width >= _WORDED else 0)
    needed = min(max(map(cell_len, whats[:_MEASURED])), max(room * 3 // 5, _SHORTEST_SEEN))
    wide = needed if room - needed - 2 >= _EVIDENCE_LEAST else room
    return [
        _event_line(event, what, _mark(channel, event), (wide, room), now, width, glyphs)
        for event, what in zip(reversed(events), whats, strict=True)
    ]


def event_time(at: float, now: float) -> str:
    """When it was in 8 cells: the time of day, of older things the day."""
    try:
        then, today = time.localtime(at), time.localtime(now)
        if abs(now - at) < figures.DAY and then.tm_yday == today.tm_yday:
            return time.strftime("%H:%M:%S", then)
        return time.strftime("%d %b" if abs(now - at) < 300 * figures.DAY else "%b %Y", then)
    except (ValueError, OverflowError, OSError):  # anybody may give a FIFO a time that no calendar has
        return "?"


def _event_line(
    event: Event, what: str, mark: tuple[str, str], cells: tuple[int, int], now: float, width: int, glyphs: Glyphs
) -> Line:
    """`mark` with its role; `cells` for what happened, and for that and its evidence."""
    wide, room = cells
    line = [
        Span(glyphs.certainties.get(event.certainty, " "), "muted"),
        Span(clip(event_time(event.at, now), _TIME, glyphs) + "  ", "muted"),
        Span(glyphs.marks[mark[0]] + " ", mark[1]),
        Span(clip(what, wide, glyphs)),
    ]
    if wide < room:
        line += [Span("  "), Span(clip(glyphs.safe(event.evidence), room - wide - 2, glyphs), "muted")]
    if width >= _WORDED:
        line += [Span("  "), Span(clip(event.certainty, _CERTAINTY, glyphs), "faint")]
    return tuple(line)


def _mark(channel: Channel, event: Event) -> tuple[str, str]:
    """Key of `Glyphs.marks`, and its role: those of the state that began with it."""
    if event.state is not None:
        look = look_of(condition(channel._replace(state=event.state)))
        return look.mark, look.role
    if event.stage == "termination":
        return "gone", "muted"
    return "quiet", "muted"


def _movement(channel: Channel, life: Life, now: float, glyphs: Glyphs) -> Line:
    """How fast it moves, who waits since when: one line, empty where nothing can be said."""
    parts: list[Line] = list(_parts(channel, life, now, glyphs))
    spans: list[Span] = [Span(" ")]
    for part in parts:
        spans += [Span("   ")] if len(spans) > 1 else []
        spans += part
    return tuple(spans) if parts else ()


def _parts(channel: Channel, life: Life, now: float, glyphs: Glyphs) -> Iterator[Line]:
    rate = rate_text(channel, life)
    if rate not in ("-", "?"):
        spark = spark_cell(channel, life, SPARK, glyphs)
        drawn = (Span(" "), *spark) if any(span.text.strip() for span in spark) else ()
        yield (Span(rate, "text"), *drawn)
    if life.blocked_since is not None:
        yield (Span(f"blocked for {figures.whole_age(now - life.blocked_since)}", "warning"),)
    if life.progress_at is not None and life.state not in MOVING:
        yield (Span(f"last moved {figures.whole_age(now - life.progress_at)} ago", "muted"),)
