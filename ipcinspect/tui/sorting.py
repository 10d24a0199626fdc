"""Sorting beside a thread that draws: a sort holds the interpreter for as long as it takes, so it gets small lists.

100,000 channels in one sort would keep a key waiting for half a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.selection.order import SEVERITY_OF_STATE, Order, RateOf, Since, condition, is_plumbing

FEW = 8192
"""Channels that are sorted at once: a few milliseconds."""
_NEIGHBOURS = 12
"""Bits of a number in which channels of one group may differ."""

_PLACE_OF_ROLE: dict[str, int] = {}
for _severity in SEVERITY_OF_STATE.values():
    _PLACE_OF_ROLE.setdefault(_severity.role, _severity.rank)


def sorted_gently(
    order: Order, channels: Sequence[Channel], since: Since, rate_of: RateOf | None = None
) -> list[Channel]:
    """The same as `order.sorted`, in small steps."""
    if len(channels) <= FEW:
        return order.sorted(channels, since, rate_of)
    by_identity = _by_identity(channels)
    if order.word != "worst":
        return order.sorted(by_identity, since, rate_of)
    groups: dict[tuple[int, bool, float], list[Channel]] = {}
    for channel in by_identity:
        start = since.get(channel.key, 0.0)
        place = _PLACE_OF_ROLE[SEVERITY_OF_STATE[condition(channel)].role]
        groups.setdefault((place, is_plumbing(channel), start), []).append(channel)
    ordered: list[Channel] = []
    for group in sorted(groups, reverse=order.reverse):
        ordered.extend(order.sorted(groups[group], since))
    return ordered


def _by_identity(channels: Iterable[Channel]) -> list[Channel]:
    """In the order of their keys: what is already sorted costs the next sort little."""
    groups: dict[tuple[str, int, int], list[Channel]] = {}
    for channel in channels:
        kind, space, number, _ = channel.key
        groups.setdefault((kind, space, number >> _NEIGHBOURS), []).append(channel)
    ordered: list[Channel] = []
    for group in sorted(groups):
        ordered.extend(sorted(groups[group], key=_key))
    return ordered


def _key(channel: Channel) -> ChannelKey:
    return channel.key
