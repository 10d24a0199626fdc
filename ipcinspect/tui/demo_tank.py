"""What is in a demo's channel, drawn as what it is: a tank that fills, slots of memory, a counter. Pure functions."""

from __future__ import annotations

from ipcinspect.mechanisms import field_of
from ipcinspect.model.channel import Channel, Queue
from ipcinspect.tui import figures
from ipcinspect.tui.demo_scene import Scene
from ipcinspect.tui.drawing import Line, Span, clip
from ipcinspect.tui.glyphs import Glyphs

_COUNTERS = ("eventfd", "posix-sem", "sysv-sem")
_VALUES = ("value", "values", "counter")


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
        return (Span(clip("", width, glyphs)),)
    if scene.plan.mechanism in _COUNTERS:
        return _counter(channel, width, glyphs)
    if not channel.queues:
        return _slots(scene, width, glyphs)
    fraction = _fraction(scene, channel)
    return (Span(clip("?", width, glyphs), "muted"),) if fraction is None else tank(fraction, width, glyphs)


def told(scene: Scene, width: int, glyphs: Glyphs) -> Line:
    """The same in words: `3 messages 1.5K`."""
    channel = scene.channel
    if channel is None:
        return (Span(clip("", width, glyphs)),)
    if scene.plan.mechanism in _COUNTERS:
        return (Span(clip("a counter in the kernel", width, glyphs), "muted"),)
    waiting = _waiting(scene)
    messages = figures.plural(waiting, "message")
    if not channel.queues:
        size = figures.size(channel.capacity_bytes)
        words = f"in {size} of memory" if channel.capacity_bytes is not None else "in memory"
        return (Span(messages), Span(clip(f" {words}", max(width - len(messages), 0), glyphs), "muted"))
    amount = _amount(_queue(scene, channel))
    if amount is None:
        return (Span(clip(messages, width, glyphs)),)
    of = f" of {figures.size(channel.capacity_bytes)}" if channel.capacity_bytes else ""
    rest = f" {amount}{of}" if len(messages) + len(amount) + len(of) + 1 <= width else f" {amount}"
    return (Span(messages), Span(clip(rest, max(width - len(messages), 0), glyphs), "muted"))


def _waiting(scene: Scene) -> int:
    """Messages on the way, as both processes tell."""
    newest = scene.newest
    if newest is None or scene.is_answer or scene.stage == "termination":
        return 0
    return max(newest.sent - newest.taken, 0)


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
    if queue.fill is not None:
        return queue.fill
    if queue.bytes is not None and channel.capacity_bytes:
        return queue.bytes / channel.capacity_bytes
    if queue.bytes == 0 or queue.memory_bytes == 0 or (queue.bytes is None and queue.messages == 0):
        return 0.0
    if queue.memory_bytes is not None and queue.memory_limit_bytes:
        return queue.memory_bytes / queue.memory_limit_bytes
    return _waiting(scene) / max(scene.plan.messages, 1)


def _amount(queue: Queue | None) -> str | None:
    if queue is None:
        return None
    if queue.bytes is not None:
        return figures.size(queue.bytes)
    return None if not queue.memory_bytes else f"<{figures.size(queue.memory_bytes)}"


def _counter(channel: Channel, width: int, glyphs: Glyphs) -> Line:
    """One mark for each that may be taken, and the number."""
    value = next((value for word in _VALUES if (value := field_of(channel, word)) is not None), None)
    word = f"value {'?' if value is None else glyphs.safe(str(value))}"
    marks = ""
    if isinstance(value, int) and 0 < value <= (width - len(word)) // 2:
        marks = " " + " ".join(glyphs.marks["moving"] for _ in range(value))
    return (Span(word, "strong"), Span(clip(marks, max(width - len(word), 0), glyphs), "accent"))


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
