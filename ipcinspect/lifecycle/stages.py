"""The seven stages of a channel's life as a track: which are behind it, where it stands, what is to come."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ipcinspect.lifecycle.life import Life
from ipcinspect.lifecycle.wording import amount
from ipcinspect.model.channel import Channel
from ipcinspect.model.figures import age, size
from ipcinspect.model.words import STAGES

STATUSES = ("done", "now", "stuck", "ahead", "none")
"""`none`: the stage does not apply to this channel (the response of a one-way channel)."""


class Station(NamedTuple):
    """One stage of one channel."""

    stage: str
    """One of `words.STAGES`."""
    status: str
    """One of `STATUSES`."""
    fact: str
    """A few words: `full 2m10`, `one way`; empty where there is nothing to say."""


class _Seen(NamedTuple):
    channel: Channel
    life: Life
    now: float
    shape: str | None

    @property
    def is_queue(self) -> bool:
        """Whether data goes through it; memory, locks and semaphores have no queue, and a listener carries none."""
        return bool(self.channel.queues) and not any(end.role == "listener" for end in self.channel.endpoints)

    def ago(self, at: float) -> str:
        """`4m12 ago`; `just now` within the last second."""
        return f"{age(self.now - at)} ago" if self.now - at >= 1 else "just now"

    def lasting(self, since: float) -> str:
        """`4m12`, without fractions."""
        return age(self.now - since) if self.now - since >= 1 else "0s"


def track(channel: Channel, life: Life, now: float, shape: str | None = None) -> tuple[Station, ...]:
    """The seven stages of a live channel at the moment `now`.

    `shape` is what its contents looked like (`model.payload.shape`) where somebody looked into it.
    """
    seen = _Seen(channel, life, now, shape)
    return tuple(Station(stage, *tell(seen)) for stage, tell in zip(STAGES, _STATIONS, strict=True))


def _creation(seen: _Seen) -> tuple[str, str]:
    life = seen.life
    if life.state in ("opening", "waiting-accept"):
        return "stuck", f"waits {seen.lasting(life.blocked_since or life.since)}"
    if life.state == "listening":
        return "now", "listening"
    if life.born_at is not None:
        return "done", seen.ago(life.born_at)
    return "done", f"over {seen.lasting(life.first_seen)}"


def _preparation(seen: _Seen) -> tuple[str, str]:
    return ("none", "not peeked") if seen.shape is None else ("done", seen.shape)


def _transmission(seen: _Seen) -> tuple[str, str]:
    life = seen.life
    if life.state == "full":
        what = "full" if seen.is_queue else "waits"
        return "stuck", f"{what} {seen.lasting(life.blocked_since or life.since)}"
    if not seen.is_queue:
        return "none", ""
    if life.state == "filling":
        return "now", _rate(life) or "filling"
    written = [queue.written_at for queue in seen.channel.queues if queue.written_at is not None]
    if written:
        return "done", seen.ago(max(written))
    counted = [queue.moved_bytes for queue in seen.channel.queues if queue.moved_bytes is not None]
    if any(counted):
        return "done", f"{size(sum(counted))} sent"
    return ("done", _progress(seen)) if _has_moved(seen) or seen.channel.queued_bytes else ("ahead", "none seen")


def _delivery(seen: _Seen) -> tuple[str, str]:
    if seen.life.state == "holding":
        return "now", _fitting(f"{amount(seen.channel)} in", "holding") if amount(seen.channel) else "holding"
    return _after(seen)


def _reception(seen: _Seen) -> tuple[str, str]:
    if seen.is_queue and seen.life.stage == "reception":
        return "now", _rate(seen.life) or seen.life.state
    read = [queue.read_at for queue in seen.channel.queues if queue.read_at is not None]
    return ("done", seen.ago(max(read))) if read else _after(seen)


def _response(seen: _Seen) -> tuple[str, str]:
    if not seen.is_queue:
        return "none", ""
    if len(seen.channel.queues) < 2:
        return "none", "one way"
    if seen.life.stage == "response":
        return "now", _rate(seen.life) or "answers"
    return ("ahead", "none seen") if seen.life.response_at is None else ("done", seen.ago(seen.life.response_at))


_ENDINGS = {
    "half-closed": ("now", "half-closed"),
    "no-reader": ("stuck", "no reader"),
    "no-writer": ("now", "no writer"),
    "orphaned": ("stuck", "orphaned"),
    "marked-for-deletion": ("now", "removed"),
}


def _termination(seen: _Seen) -> tuple[str, str]:
    life = seen.life
    if life.state == "closed":
        return "done", seen.ago(life.since)
    if life.state in _ENDINGS:
        return _ENDINGS[life.state]
    held = [sum(1 for end in seen.channel.endpoints if end.side == side and end.role != "creator") for side in "ab"]
    return "ahead", _fitting(f"{held[0]}+{held[1]} open" if all(held) else f"{sum(held)} open", "open")


def _after(seen: _Seen) -> tuple[str, str]:
    """A stage that data has passed when any was seen to move."""
    if not seen.is_queue:
        return "none", ""
    return ("done", _progress(seen)) if _has_moved(seen) else ("ahead", "none seen")


def _has_moved(seen: _Seen) -> bool:
    return seen.life.progress_at is not None or any(queue.moved_bytes for queue in seen.channel.queues)


def _progress(seen: _Seen) -> str:
    return "" if seen.life.progress_at is None else seen.ago(seen.life.progress_at)


def _rate(life: Life) -> str:
    """`1.2M/s`, with `>` in front where it was at least that; empty where it is not known."""
    known = [rate for rate in life.rates if rate.bytes_per_s]
    if not known:
        return ""
    least = "" if all(rate.exact for rate in known) else ">"
    return f"{least}{size(sum(rate.bytes_per_s or 0.0 for rate in known))}/s"


def _fitting(words: str, else_words: str) -> str:
    return words if len(words) <= _CELLS else else_words


_CELLS = 11
"""Of one step of the track on a screen of 80."""
_STATIONS: tuple[Callable[[_Seen], tuple[str, str]], ...] = (
    _creation, _preparation, _transmission, _delivery, _reception, _response, _termination,
)  # fmt: skip
"""What tells each of STAGES."""
