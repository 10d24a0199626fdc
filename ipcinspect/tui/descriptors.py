"""What one process holds: its descriptors, and what it has mapped or attached, as rows."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import Descriptor
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.tui import wording
from ipcinspect.tui.drawing import Line, Span, clip, clip_name
from ipcinspect.tui.ends import seen_by, wire_role
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.tree import TreeRows
from ipcinspect.tui.wording import Row

WIDE = 90


class Holding(NamedTuple):
    """One thing that a process holds."""

    fd: int | None
    """None for a mapping or attachment."""
    kind: str
    target: str
    """Kernel text."""
    channel: Channel | None
    points_to: str | None = None
    """What it is about where it is no channel. Kernel text."""


@dataclass(frozen=True)
class HoldingRows:
    """All that one process holds."""

    pid: int = 0
    holdings: Sequence[Holding] = ()
    now: float = 0.0
    places: dict[Hashable, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.holdings)

    def key(self, index: int) -> Hashable:
        return _identity(self.holdings[index])

    def find(self, key: Hashable) -> int | None:
        return self.places.get(key)

    def find_channel(self, key: ChannelKey) -> Hashable | None:
        """The identity of the first row that holds a channel."""
        for holding in self.holdings:
            if holding.channel is not None and holding.channel.key == key:
                return _identity(holding)
        return None

    def head(self, width: int, glyphs: Glyphs) -> Line | None:
        name, other, fill = _widths(width)
        titles = (
            clip("FD", 5, glyphs, "right"),
            "  ",
            clip("KIND", 9, glyphs),
            *([clip("NAME", name, glyphs)] if name else []),
            clip("STATE", 11, glyphs),
            clip("FILL", fill, glyphs),
            clip("QUEUED", 6, glyphs, "right"),
            clip("OTHER END", other, glyphs),
        )
        return (Span(" " + " ".join(titles), "muted"),)

    def line(self, index: int, width: int, chosen: bool, glyphs: Glyphs) -> Line:
        holding = self.holdings[index]
        name_width, other_width, fill_width = _widths(width)
        number = "-" if holding.fd is None else str(holding.fd)
        spans: list[Span] = [Span(" ")]
        if holding.channel is None:
            spans += [Span(clip(number, 5, glyphs, "right") + "    ", "muted")]
            spans += [Span(clip(holding.kind, 9, glyphs) + " ", "muted")]
            spans += [Span(_about(holding, width - 1 - 5 - 4 - 9 - 1, glyphs), "muted")]
            return tuple(spans)
        channel = holding.channel
        row = Row(channel, None, self.now, chosen)
        held = seen_by(channel, self.pid, holding.fd)
        spans += [Span(clip(number, 5, glyphs, "right") + " ", row.role)]
        spans += [Span(glyphs.wires[held.wire], wire_role(channel, held.wire)), Span(" ")]
        spans += [Span(clip(wording.kind(channel), 9, glyphs) + " ", row.role)]
        if name_width:
            spans += [*wording.name_cell(row, name_width, glyphs), Span(" ")]
        spans += [*wording.state_cell(row, 11, glyphs), Span(" ")]
        spans += [*wording.fill_cell(row, fill_width, glyphs), Span(" ")]
        spans += [Span(clip(wording.queued(channel), 6, glyphs, "right") + " ", row.role)]
        spans += wording.end_cell(held.other, other_width, row.role, glyphs)
        return tuple(spans)


def holdings_of(pid: int, snapshot: Snapshot, tree: TreeRows) -> HoldingRows:
    """The rows of one process: descriptors by number, then what it holds without one."""
    by_key = snapshot.channels_by_key
    rows = [_of_descriptor(descriptor, snapshot) for descriptor in snapshot.descriptors.get(pid, ())]
    shown = {row.channel.key for row in rows if row.channel is not None}
    for key in tree.mapped.get(pid, ()):
        channel = by_key.get(key)
        if channel is not None and key not in shown:
            rows.append(Holding(None, channel.mechanism, channel.name or channel.id, channel))
    places = {_identity(row): place for place, row in enumerate(rows)}
    return HoldingRows(pid, tuple(rows), snapshot.taken_at, places)


def _about(holding: Holding, room: int, glyphs: Glyphs) -> str:
    """What it is about; the path or link before it where that says more than the kind does."""
    target = glyphs.safe(holding.target)
    if holding.points_to is None:
        return clip_name(target, room, glyphs)
    about = glyphs.safe(holding.points_to)
    if target.startswith("/"):
        about = f"{clip_name(target, room // 2, glyphs).rstrip()}  {about}"
    return clip(about, room, glyphs)


def _of_descriptor(descriptor: Descriptor, snapshot: Snapshot) -> Holding:
    channel = None if descriptor.channel is None else snapshot.channels_by_key.get(descriptor.channel)
    return Holding(descriptor.fd, descriptor.kind, descriptor.target, channel, descriptor.points_to)


def _identity(holding: Holding) -> Hashable:
    if holding.fd is not None:
        return holding.fd
    return None if holding.channel is None else holding.channel.key


def _widths(width: int) -> tuple[int, int, int]:
    """Of NAME (0: not shown), OTHER END and FILL."""
    fill = 8 if width >= WIDE else 5
    rest = width - 1 - (5 + 1) - (2 + 1) - (9 + 1) - (11 + 1) - (fill + 1) - (6 + 1)
    name = min(rest - 20, rest * 3 // 5)
    name = name if name >= 10 else 0
    return name, max(rest - name - (1 if name else 0), 4), fill
