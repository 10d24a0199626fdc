"""What the row of one channel says: pure functions from the nouns to spans, without Textual."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from ipcinspect.lifecycle.life import Life
from ipcinspect.mechanisms import field_of
from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.selection.order import condition
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Span, bar, clip, clip_name
from ipcinspect.tui.ends import MEMORY, End
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.states import is_trouble, label, look_of

_COUNTED = frozenset(("sysv-msg", "posix-mq"))
"""Queues of messages: how many wait tells more than their bytes."""


class Row(NamedTuple):
    """One channel at one moment."""

    channel: Channel
    since: float | None
    """Since when it is in its state, as far as we watched."""
    now: float
    """The moment of the snapshot."""
    chosen: bool
    space: str | None = None
    """The namespaces it lies in, in words; None where that is not known."""
    life: Life | None = None
    """What is known of its life; None where it was not watched."""
    stuck: bool = False
    """Whether a deadlock goes through it."""

    @property
    def state(self) -> str:
        """The word for its state: a deadlock is worse than any state that it could be in."""
        return "deadlock" if self.stuck else condition(self.channel)

    @property
    def quiet(self) -> bool:
        """Whether the whole row is muted."""
        return look_of(self.state).role == "muted"

    @property
    def role(self) -> str:
        """The role of all that has no colour of its own."""
        return "muted" if self.quiet else "text"


def kind(channel: Channel) -> str:
    """The mechanism in at most 9 cells."""
    return {"shared-anon": "anon-shm"}.get(channel.mechanism, channel.mechanism)


def name(channel: Channel, glyphs: Glyphs) -> str:
    """The name it has in the system, else its id."""
    return glyphs.safe(channel.name or channel.id)


def name_cell(row: Row, width: int, glyphs: Glyphs) -> Line:
    """The name, a path cut at its left."""
    return (Span(clip_name(name(row.channel, glyphs), width, glyphs), row.role),)


def state_cell(row: Row, width: int, glyphs: Glyphs) -> Line:
    """Mark and word."""
    look = look_of(row.state)
    return (Span(clip(f"{glyphs.marks[look.mark]} {label(row.state, width)}", width, glyphs), look.role),)


def fill_cell(row: Row, width: int, glyphs: Glyphs) -> Line:
    """A bar; `-` where the thing has no capacity, `?` where it is not known."""
    channel = row.channel
    if channel.mechanism in MEMORY:
        return (Span(clip("-", width, glyphs), "faint"),)
    fraction = channel.fill
    if fraction is None and _is_empty(channel):
        fraction = 0.0
    return bar(fraction, width, _fill_role(channel, fraction), glyphs)


def queued(channel: Channel) -> str:
    """What waits in it, with its unit, in at most 6 cells."""
    if channel.mechanism == "eventfd":
        return figures.counter("ctr", field_of(channel, "counter"))
    if channel.mechanism == "posix-sem":
        return figures.counter("val", field_of(channel, "value"))
    if channel.mechanism in MEMORY:
        return "-" if channel.capacity_bytes is None else figures.size(channel.capacity_bytes)
    if any(end.role == "listener" for end in channel.endpoints):
        return _pending(channel)
    messages = channel.queued_messages
    if channel.mechanism in _COUNTED and messages is not None:
        return figures.count(messages, "msg") if messages else "0"
    amount = channel.queued_bytes
    if amount is not None:
        return figures.size(amount)
    if messages is not None:
        return figures.count(messages, "msg") if messages else "0"
    return _hint_of_memory(channel)


def for_cell(row: Row, width: int, glyphs: Glyphs) -> Line:
    """Time in its state: exact on the chosen row, in steps on the others."""
    if row.since is None:
        return (Span(clip("?", width, glyphs, "right"), "muted"),)
    seconds = max(row.now - row.since, 0.0)
    trouble = is_trouble(row.state)
    told = figures.whole_age(seconds) if row.chosen else figures.steady_age(seconds)
    return (Span(clip(told, width, glyphs, "right"), look_of(row.state).role if trouble else "muted"),)


def end_cell(end: End, width: int, role: str, glyphs: Glyphs) -> Line:
    """`comm pid/fd +3`: only the name is cut, never a number. An absent end is a muted bracket."""
    if end.holder is None:
        absent = f"({end.absent})" if end.absent else ""
        return (Span(clip(absent, width, glyphs), "muted"),)
    if end.holder.process is None:
        return (Span(clip(glyphs.safe(end.absent), width, glyphs), role),)
    return (Span(holder(end.holder, end.others, width, glyphs), role),)


def end_text(end: End, glyphs: Glyphs) -> str:
    """The same in as much room as it takes, for sentences."""
    if end.holder is None:
        return f"({end.absent})"
    if end.holder.process is None:
        return glyphs.safe(end.absent)
    return f"{glyphs.safe(end.holder.process.comm)} {_numbers(end.holder, end.others)}"


def holder(end: Endpoint, others: int, width: int, glyphs: Glyphs) -> str:
    """A holder in exactly `width` cells."""
    if end.process is None:
        return clip("?", width, glyphs)
    comm, numbers = glyphs.safe(end.process.comm), _numbers(end, others)
    room = width - cell_len(numbers) - 1
    if cell_len(comm) > room:
        comm = set_cell_size(comm, max(room - 1, 0)).rstrip(" ") + glyphs.ellipsis if room > 0 else ""
    return clip(f"{comm} {numbers}".lstrip(), width, glyphs)


def _numbers(end: Endpoint, others: int) -> str:
    pid = end.process.pid if end.process is not None else "?"
    fd = "" if end.fd is None else f"/{end.fd}"
    return f"{pid}{fd}" + (f" +{others}" if others > 0 else "")


def _pending(channel: Channel) -> str:
    """`0/511`: clients that wait, of those that may."""
    waiting = channel.queues[0].messages if channel.queues else None
    limit = field_of(channel, "backlog")
    shown = f"{'?' if waiting is None else waiting}/{'?' if limit is None else limit}"
    return shown if len(shown) <= 6 else shown.split("/")[0]


def _hint_of_memory(channel: Channel) -> str:
    """Where the payload is not told: the size of the first message, or what it must be less than."""
    first = [queue.next_message_bytes for queue in channel.queues if queue.next_message_bytes]
    if first:
        return figures.size(first[0]).replace(" B", "B") + "+"
    memory = [queue.memory_bytes for queue in channel.queues if queue.memory_bytes is not None]
    if not memory:
        return "?" if channel.queues else "-"
    return f"<{figures.size(sum(memory)).replace(' B', 'B')}" if sum(memory) else "0"


def _is_empty(channel: Channel) -> bool:
    return channel.queued_bytes == 0 or (channel.queued_bytes is None and channel.queued_messages == 0)


def _fill_role(channel: Channel, fraction: float | None) -> str:
    if channel.state == "full" or (fraction is not None and fraction >= 1):
        return "error"
    return "warning" if fraction is not None and fraction >= 0.8 else "accent"
