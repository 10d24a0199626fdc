"""What a list widget shows: immutable rows that are drawn one by one, only when they are seen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ipcinspect.export.namespaces import namespace_word
from ipcinspect.lifecycle.life import Life
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.snapshot import Host
from ipcinspect.tui.columns import head_line, row_line
from ipcinspect.tui.drawing import Line
from ipcinspect.tui.ends import ends_of
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.wording import Row


class Rows(Protocol):
    """Rows with an identity. Never changed: a new state of things is a new object."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def key(self, index: int) -> Hashable | None:
        """The identity of a row, which outlives its place; None for a row that cannot be chosen."""
        ...

    def find(self, key: Hashable) -> int | None:
        """The place of a row; None where it is not there."""
        ...

    def head(self, width: int, glyphs: Glyphs) -> Line | None:
        """The line that stays on top; None for none."""
        ...

    def line(self, index: int, width: int, chosen: bool, glyphs: Glyphs) -> Line:
        """One row in at most `width` cells; its first cell is left to the cursor."""
        ...


def _unwatched(key: ChannelKey) -> Life | None:
    return None


@dataclass(frozen=True)
class ChannelRows:
    """The channel table's rows, already filtered and in order."""

    channels: Sequence[Channel] = ()
    places: Mapping[ChannelKey, int] = field(default_factory=dict)
    since: Mapping[ChannelKey, float] = field(default_factory=dict)
    now: float = 0.0
    life_of: Callable[[ChannelKey], Life | None] = _unwatched
    """What is known of the life of one of them."""
    order: str = "worst"
    turned: bool = False
    host: Host | None = None
    """Where we are, where any channel lies in another namespace than ours: then each row tells its own."""
    stuck: frozenset[ChannelKey] = frozenset()
    """Those through which a deadlock goes."""

    def __len__(self) -> int:
        return len(self.channels)

    def key(self, index: int) -> Hashable:
        return self.channels[index].key

    def find(self, key: Hashable) -> int | None:
        return self.places.get(key) if isinstance(key, ChannelKey) else None

    def head(self, width: int, glyphs: Glyphs) -> Line | None:
        return head_line(width, self.order, self.turned, glyphs, self.host is not None)

    def line(self, index: int, width: int, chosen: bool, glyphs: Glyphs) -> Line:
        channel = self.channels[index]
        space = None if self.host is None else namespace_word(channel, self.host)
        since, life, stuck = self.since.get(channel.key), self.life_of(channel.key), channel.key in self.stuck
        row = Row(channel, since, self.now, chosen, space, life, stuck)
        ends = ends_of(channel)
        if stuck:
            ends = ends._replace(wire="blocked", blocked=True)
        return row_line(row, ends, width, glyphs, self.host is not None)


@dataclass(frozen=True)
class TextRows:
    """Lines that are there to be read: no identity but their place."""

    lines: Sequence[Line] = ()
    title: Line | None = None

    def __len__(self) -> int:
        return len(self.lines)

    def key(self, index: int) -> Hashable | None:
        return None

    def find(self, key: Hashable) -> int | None:
        return None

    def head(self, width: int, glyphs: Glyphs) -> Line | None:
        return self.title

    def line(self, index: int, width: int, chosen: bool, glyphs: Glyphs) -> Line:
        return self.lines[index]
