"""How fast a channel moves: what the cells RATE and spark say of its life. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from ipcinspect.lifecycle.life import Life, Rate
from ipcinspect.model.channel import Channel
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Span, clip
from ipcinspect.tui.ends import MEMORY
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.states import MOVING

SPARK = 6
"""Samples of a spark, a cell each."""


def can_move(channel: Channel) -> bool:
    """Whether anything goes from one side of it to another: not in memory and locks, not at a listener."""
    if channel.mechanism in MEMORY:
        return False
    return not any(end.role == "listener" for end in channel.endpoints)


def rate_text(channel: Channel, life: Life | None) -> str:
    """`1.2K/s`, `>1.2K/s` where it is a lower bound, `0 B/s`, `-` where nothing can move, `?` where it is not known."""
    if not can_move(channel):
        return "-"
    told = None if life is None else _told(life.rates, len(channel.queues))
    if told is None:
        return ">0 B/s" if life is not None and life.state in MOVING else "?"
    return told


def rate_cell(channel: Channel, life: Life | None, role: str, width: int, glyphs: Glyphs) -> Line:
    """The same in its column; what moves stands out from what does not."""
    text = rate_text(channel, life)
    still = text in ("0 B/s", "0 msg/s", "?", "-")
    return (Span(clip(text, width, glyphs, "right"), "muted" if still else role),)


def spark_cell(channel: Channel, life: Life | None, width: int, glyphs: Glyphs) -> Line:
    """The last samples, the newest at the right, measured by the largest of them; blank where nothing moved."""
    samples = () if life is None or not can_move(channel) else life.samples[-width:]
    highest = max((sample for sample in samples if sample is not None), default=0.0)
    if highest <= 0:
        return (Span(" " * width),)
    drawn = [Span(" ")] * (width - len(samples)) + [_bar(sample, highest, glyphs) for sample in samples]
    return _joined(drawn)


def _told(rates: Sequence[Rate], directions: int) -> str | None:
    """All directions together; None where nothing is known of them, or no more than that none moved backwards."""
    all_exact = all(rate.exact for rate in rates)
    for known, told in (
        ([rate.bytes_per_s for rate in rates if rate.bytes_per_s is not None], figures.rate),
        ([rate.messages_per_s for rate in rates if rate.messages_per_s is not None], figures.message_rate),
    ):
        exact = all_exact and len(known) >= directions
        if known and (exact or sum(known) > 0):
            return told(sum(known), exact)
    return None


def _bar(sample: float | None, highest: float, glyphs: Glyphs) -> Span:
    if sample is None:
        return Span(" ")
    if sample <= 0:
        return Span(glyphs.heights[0], "faint")
    top = len(glyphs.heights) - 1
    return Span(glyphs.heights[min(round(sample / highest * top), top)], "muted")


def _joined(spans: Sequence[Span]) -> Line:
    """Neighbours of one role as one span."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].role == span.role:
            joined[-1] = Span(joined[-1].text + span.text, span.role)
        else:
            joined.append(span)
    return tuple(joined)
