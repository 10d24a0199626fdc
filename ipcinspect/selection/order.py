"""In which order channels are shown: worst first, or by one column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.selection import unknown

Since = Mapping[ChannelKey, float]
"""When each channel entered its state, seconds since the epoch (`Changes.since`)."""
RateOf = Callable[[ChannelKey], "float | None"]
"""Bytes per second that a channel moves at least; None where that is not known (`Changes.bytes_per_s`)."""


class Severity(NamedTuple):
    """How bad a state is: its place among all states (0 is the worst) and its role in colour and shape."""

    rank: int
    role: str
    """`error`, `warning`, `ok` or `muted`."""


_WORST_FIRST = (
    ("full", "error"),
    ("contended", "warning"),
    ("waiting-accept", "warning"),
    ("opening", "warning"),
    ("no-reader", "warning"),
    ("no-writer", "warning"),
    ("half-closed", "warning"),
    ("marked-for-deletion", "warning"),
    ("orphaned", "warning"),
    ("filling", "ok"),
    ("holding", "ok"),
    ("draining", "ok"),
    ("flowing", "ok"),
    ("unknown", "muted"),
    ("idle", "muted"),
    ("listening", "muted"),
    ("closed", "muted"),
)
SEVERITY_OF_STATE: Mapping[str, Severity] = {
    state: Severity(rank, role) for rank, (state, role) in enumerate(_WORST_FIRST)
}
"""Every condition and how bad it is; screens, tables and the default order all read it here."""


def condition(channel: Channel) -> str:
    """The state as it is judged and drawn: a lock that somebody waits for is `contended`, the others as they are.

    JSON and filters call it `full`, the word for asleep because it cannot go on. But a lock is there to be waited for:
    that is no error.
    """
    if channel.state == "full" and not channel.queues and any(end.role == "waiter" for end in channel.endpoints):
        return "contended"
    return channel.state


_PLUMBING = frozenset(("pipe", "unix", "eventfd", "memfd", "shared-anon"))


def is_plumbing(channel: Channel) -> bool:
    """Whether it is idle, without an address, and one process has all of it, as far as is seen.

    So programs wake themselves (the self-pipe of an event loop): no communication between processes.
    """
    if channel.state != "idle" or channel.mechanism not in _PLUMBING or not channel.endpoints:
        return False
    if channel.mechanism == "unix" and channel.name is not None:
        return False
    first = channel.endpoints[0].process
    return first is not None and all(
        end.process is first or (end.process is not None and end.process.key == first.key) for end in channel.endpoints
    )


def worst_of(channels: Iterable[Channel], since: Since | None = None) -> Channel | None:
    """The one that stands first in the order `worst`."""
    watched = _Watched(since, None)
    return min(channels, key=lambda channel: (_worst(channel, watched), channel.key), default=None)


_RANKS_OF_ROLE = {"error": 0, "warning": 1, "ok": 2, "muted": 3}


class Order(NamedTuple):
    """An order of channels. Total: equal channels stand by their identity, so two looks sort alike."""

    word: str
    reverse: bool

    def sorted(
        self, channels: Iterable[Channel], since: Since | None = None, rate_of: RateOf | None = None
    ) -> list[Channel]:
        """The channels in this order; those that lack the figure stand last, whichever way it goes."""
        key_of, largest_first = _KEYS[self.word]
        watched = _Watched(since, rate_of)
        lacking: list[tuple[ChannelKey, Channel]] = []
        known: list[tuple[Any, ChannelKey, Channel]] = []
        for channel in channels:
            figure = key_of(channel, watched)
            if figure is None:
                lacking.append((channel.key, channel))
            else:
                known.append((figure, channel.key, channel))
        known.sort(key=_identity)
        known.sort(key=_figure, reverse=self.reverse != largest_first)
        lacking.sort(key=_identity_of_lacking)
        return [row[2] for row in known] + [row[1] for row in lacking]


def parse_order(word: str) -> Order:
    """`queued`, `-name`: an order, a minus in front turns it round. Raises WordError."""
    name = word.removeprefix("-")
    if name not in _KEYS:
        raise unknown("order", name, ORDERS)
    return Order(name, word.startswith("-"))


def _identity(row: tuple[Any, ChannelKey, Channel]) -> ChannelKey:
    return row[1]


def _figure(row: tuple[Any, ChannelKey, Channel]) -> Any:
    return row[0]


def _identity_of_lacking(row: tuple[ChannelKey, Channel]) -> ChannelKey:
    return row[0]


class _Watched(NamedTuple):
    """What more than one look tells of channels; None where there was but one."""

    since: Since | None
    rate_of: RateOf | None


def _worst(channel: Channel, watched: _Watched) -> tuple[int, bool, float, int, float, int]:
    """Role, plumbing last, then longest in its state, then the state itself, then the fullest."""
    severity = SEVERITY_OF_STATE[condition(channel)]
    start = watched.since.get(channel.key, 0.0) if watched.since is not None else 0.0
    return (
        _RANKS_OF_ROLE[severity.role],
        is_plumbing(channel),
        start,
        severity.rank,
        -(channel.fill or 0.0),
        -(channel.queued_bytes or 0),
    )


def _lowest_pid(channel: Channel, _: _Watched) -> int | None:
    pids = [end.process.pid for end in channel.endpoints if end.process is not None]
    return min(pids) if pids else None


def _since(channel: Channel, watched: _Watched) -> float | None:
    return None if watched.since is None else watched.since.get(channel.key)


def _rate(channel: Channel, watched: _Watched) -> float | None:
    return None if watched.rate_of is None else watched.rate_of(channel.key)


Figure = Callable[[Channel, _Watched], Any]

_KEYS: Mapping[str, tuple[Figure, bool]] = {
    "worst": (_worst, False),
    "id": (lambda channel, _: channel.key, False),
    "kind": (lambda channel, _: channel.mechanism, False),
    "name": (lambda channel, _: channel.name, False),
    "state": (lambda channel, _: SEVERITY_OF_STATE[condition(channel)].rank, False),
    "fill": (lambda channel, _: channel.fill, True),
    "queued": (lambda channel, _: channel.queued_bytes, True),
    "capacity": (lambda channel, _: channel.capacity_bytes, True),
    "holders": (lambda channel, _: len(channel.endpoints), True),
    "pid": (_lowest_pid, False),
    "created": (lambda channel, _: channel.created_at, False),
    "for": (_since, False),
    "rate": (_rate, True),
}
ORDERS = tuple(_KEYS)
"""Every order by its word; sizes and counts stand largest first, `for` longest first, all else ascending."""
