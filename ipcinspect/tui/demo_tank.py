"""What is in a demo's channel, drawn as what it is: a tank that fills, slots of memory, a counter. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator

from ipcinspect.mechanisms import field_of
from ipcinspect.model.channel import Channel, FieldValue, Queue
from ipcinspect.tui import figures
from ipcinspect.tui.demo_scene import Scene
from ipcinspect.tui.drawing import Line, Span, clip
from ipcinspect.tui.glyphs import Glyphs

_COUNTERS = ("eventfd", "posix-sem", "sysv-sem")
_VALUES = ("value", "values", "counter")
_ROOMY = 32
_MOST_OF_UNKNOWN = 16
"""Messages that are drawn as a full tank where the kernel tells no fill; and how full that is at most."""
_NEVER_FULL = 0.79


def tank(fraction: float, width: int, glyphs: Glyphs) -> Line:
    """A big bar in steps of an eighth of a cell (in ASCII half a cell): never empty above 0, never full below 1."""
    full, parts, empty = glyphs.tank
    steps = len(parts) + 1
    amount = min(max(round(fraction * width * steps), 1 if fraction > 0 else 0), width * steps - (fraction < 1))
    whole, part = divmod(amount, steps)
    drawn = full * whole + (parts[part - 1] if part else "")
    role = "error" if fraction >= 1 else "warning" if fraction >= 0.8 else "accent"
    return tuple(span for span in (Span(drawn, role), Span(empty * (width - len(drawn)), "faint")) if span.text)


def drawn(scene: Scene, width: int, glyphs: Glyphs) -> Line:
    """The content of the channel in `width` cells."""
    channel = scene.channel
    if channel is None:
        gone = f"{glyphs.marks['gone']} no channel" if scene.had_channel else ""
        return (Span(clip(gone, width, glyphs), "muted"),)
    if scene.plan.mechanism in _COUNTERS:
        return _counter(scene, channel, width, glyphs)
    if scene.demo.locks:
        return _slots(scene, width, glyphs)
    fraction = _fraction(scene, channel)
    return (Span(clip("?", width, glyphs), "muted"),) if fraction is None else tank(fraction, width, glyphs)


def told(scene: Scene, width: int, glyphs: Glyphs) -> Line:
    """The same in words: `3 messages 1.5K`."""
    channel = scene.channel
    if channel is None:
        return (Span(clip("", width, glyphs)),)
    if scene.plan.mechanism in _COUNTERS:
        return (Span(clip(_counted(scene, channel, width), width, glyphs), "muted"),)
    queue = _queue(scene, channel)
    waiting = _waiting(scene, queue)
    messages = "" if waiting is None else figures.plural(waiting, "message")
    room = max(width - len(messages), 0)
    rest = next(
        (words for words in _amounts(scene, channel, queue, bool(messages)) if len(words) < room or not messages), ""
    )
    return (Span(messages), Span(clip(f" {rest}" if messages else rest, room, glyphs), "muted"))


def _amounts(scene: Scene, channel: Channel, queue: Queue | None, counted: bool) -> Iterator[str]:
    """How much that is, the most telling first."""
    size = None if channel.capacity_bytes is None else figures.size(channel.capacity_bytes)
    if scene.demo.locks:
        yield from (f"in {size} of memory", f"in {size}") if size is not None else ("in memory",)
        return
    amount = _amount(queue)
    if amount is None:
        yield "" if counted else "amount not told"
        return
    yield from (f"{amount} of {size}",) if size is not None else ()
    yield "" if counted and queue is not None and queue.bytes == 0 else amount


def _waiting(scene: Scene, queue: Queue | None) -> int | None:
    """Messages that wait: as the kernel tells, else as both processes do; None where they cannot know."""
    if queue is not None and queue.messages is not None:
        return queue.messages
    if queue is not None and queue.bytes == 0:
        return 0
    newest = scene.newest
    if newest is None:
        return 0
    if scene.is_answer or scene.stage == "termination":
        return None
    drops = queue is not None and newest.sent > scene.plan.messages and not _is_full(scene)
    if drops or (queue is None and not scene.demo.locks):
        return None
    return max(newest.sent - newest.taken, 0)


def _is_full(scene: Scene) -> bool:
    return scene.channel is not None and scene.channel.state == "full" and not scene.is_answer


def _queue(scene: Scene, channel: Channel) -> Queue | None:
    """The direction that is in use now."""
    if len(channel.queues) == 1:
        return channel.queues[0]
    cast = scene.cast
    reader = None if cast is None else cast.sender if scene.is_answer else cast.receiver
    sides = {end.side for end in channel.endpoints if end.process is not None and end.process.pid == reader}
    return next((queue for queue in channel.queues if queue.to in sides), None)


def _fraction(scene: Scene, channel: Channel) -> float | None:
    queue = _queue(scene, channel)
    if queue is None:
        return None
    if _is_full(scene):
        return 1.0
    if queue.fill is not None:
        return queue.fill
    if queue.bytes is not None and channel.capacity_bytes:
        return queue.bytes / channel.capacity_bytes
    if queue.bytes == 0 or queue.memory_bytes == 0 or (queue.bytes is None and queue.messages == 0):
        return 0.0
    if queue.memory_bytes is not None and queue.memory_limit_bytes:
        return queue.memory_bytes / queue.memory_limit_bytes
    waiting = _waiting(scene, queue)
    return None if waiting is None else min(waiting / _MOST_OF_UNKNOWN, _NEVER_FULL)


def _amount(queue: Queue | None) -> str | None:
    if queue is None:
        return None
    if queue.bytes is not None:
        return figures.size(queue.bytes)
    return None if not queue.memory_bytes else f"<{figures.size(queue.memory_bytes)}"


def _counter(scene: Scene, channel: Channel, width: int, glyphs: Glyphs) -> Line:
    """One mark for each that may be taken, and the number."""
    value = _values(channel)[-1] if scene.demo.counts and _values(channel) else _value(channel)
    word = f"value {'?' if value is None else glyphs.safe(str(value))}"
    marks = ""
    if isinstance(value, int) and 0 < value <= (width - len(word)) // 2:
        marks = " " + " ".join(glyphs.marks["moving"] for _ in range(value))
    return (Span(word, "strong"), Span(clip(marks, max(width - len(word), 0), glyphs), "accent"))


def _value(channel: Channel) -> FieldValue:
    return next((value for word in _VALUES if (value := field_of(channel, word)) is not None), None)


def _values(channel: Channel) -> list[int]:
    """Of a set of several, each."""
    return [int(number) for number in str(_value(channel) or "").split() if number.isdecimal()]


def _counted(scene: Scene, channel: Channel, width: int) -> str:
    """What the number is; of a set of several, what the others tell."""
    names, values = scene.demo.counts[:-1], _values(channel)[:-1]
    if not names or len(names) != len(values):
        return "a kernel counter"
    there = [name for name, value in zip(names, values, strict=True) if value]
    if len(there) == len(names):
        return (
            f"the last of {' '.join(map(str, _values(channel)))}: both are there"
            if width >= _ROOMY
            else "both are there"
        )
    return " and ".join(there) or "nobody is there yet"


def _slots(scene: Scene, width: int, glyphs: Glyphs) -> Line:
    """Memory: one place for each message, with its number while it lies there."""
    newest = scene.newest
    sent, taken = (0, 0) if newest is None or scene.is_answer else (newest.sent, newest.taken)
    cells = max(min((width - 1) // max(scene.plan.messages, 1), 6), 2)
    full, _, empty = glyphs.tank
    spans: list[Span] = []
    for number in range(1, min(scene.plan.messages, width // cells) + 1):
        lies = taken < number <= sent
        spans.append(Span((full if lies else empty) * (cells - 1), "accent" if lies else "faint"))
        spans.append(Span(" "))
    used = sum(len(span.text) for span in spans)
    return (*spans, Span(" " * max(width - used, 0)))
