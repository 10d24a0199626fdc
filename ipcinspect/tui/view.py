"""A view: all that the screens show of one observation, worked out once in the feed's thread and never changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from ipcinspect.export.namespaces import is_foreign
from ipcinspect.inspector import Observation
from ipcinspect.lifecycle.changes import Changes, Closed
from ipcinspect.lifecycle.life import Life
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.selection.filters import parse
from ipcinspect.selection.order import Order, condition, worst_of
from ipcinspect.tui.rows import ChannelRows
from ipcinspect.tui.sorting import sorted_gently
from ipcinspect.tui.tree import TreeRows, build_tree
from ipcinspect.tui.trouble import Trouble


class Query(NamedTuple):
    """What the user wants to see of an observation."""

    words: tuple[str, ...] = ()
    """Filter words for channels, known to be good."""
    order: Order = Order("worst", False)
    tree: bool = False
    """Whether the tree of processes is looked at."""
    tree_words: tuple[str, ...] = ()
    """Words that a process has to have in its name, arguments or pid."""


class Last(NamedTuple):
    """What a channel was like before it closed."""

    state: str
    since: float


@dataclass(frozen=True)
class View:
    """Everything the screens show."""

    observation: Observation
    query: Query
    channels: ChannelRows
    states: Mapping[str, int]
    """How many channels are in each state, without the filter."""
    worst: Channel | None
    """The full channel that stands first in the usual order: the one that the headline names."""
    tree: TreeRows | None
    """None unless the query asks for it."""
    trouble: Trouble | None = None
    """Who is stuck and what is wrong, of the last look that read waits; None where none did."""

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot behind it."""
        return self.observation.snapshot

    def since(self, key: ChannelKey) -> float | None:
        """Since when a channel is in its state, as far as that is known."""
        return self.channels.since.get(key)


def arrange(
    observation: Observation, last: Mapping[ChannelKey, Last], query: Query, trouble: Trouble | None = None
) -> View:
    """The view of an observation for a query. Raises WordError for words that `parse` does not take."""
    snapshot = observation.snapshot
    states = Counter(condition(channel) for channel in snapshot.channels)
    since = _since(observation, trouble)
    return View(
        observation=observation,
        query=query,
        channels=_arrange_channels(observation, last, query, since, {} if trouble is None else trouble.deadlocked),
        states=states,
        worst=_worst_full(observation, since) if states.get("full") else None,
        tree=build_tree(snapshot, query.tree_words) if query.tree else None,
        trouble=trouble,
    )


def remember_closed(
    before: Observation | None, now: Observation, last: Mapping[ChannelKey, Last]
) -> dict[ChannelKey, Last]:
    """What the channels that closed were like, so that they keep their place while they fade."""
    kept: dict[ChannelKey, Last] = {}
    for closed in now.changes.closed:
        key = closed.channel.key
        if key in last:
            kept[key] = last[key]
        elif before is not None and key in before.snapshot.channels_by_key:
            state = before.snapshot.channels_by_key[key].state
            kept[key] = Last(state, before.changes.since.get(key, closed.closed_at))
    return kept


def _since(observation: Observation, trouble: Trouble | None) -> Mapping[ChannelKey, float]:
    """Since when each channel is in its state; a full one since its writer sleeps, also where that was before we came.

    A state that is younger than the look that read the waits is none that they could tell of.
    """
    watched, living = observation.changes.since, observation.snapshot.channels_by_key
    if trouble is None or not trouble.written_since:
        return watched
    earlier = {
        key: min(start, watched.get(key, start))
        for key, start in trouble.written_since.items()
        if key in living and living[key].state == "full" and watched.get(key, 0.0) <= trouble.taken_at
    }
    return {**watched, **earlier}


def _arrange_channels(
    observation: Observation,
    last: Mapping[ChannelKey, Last],
    query: Query,
    since: Mapping[ChannelKey, float],
    deadlocked: Mapping[ChannelKey, float],
) -> ChannelRows:
    snapshot = observation.snapshot
    living = snapshot.channels_by_key
    closed = {entry.channel.key: entry for entry in observation.changes.closed if entry.channel.key not in living}
    candidates = list(snapshot.channels)
    if closed:
        candidates.extend(
            entry.channel._replace(state=last[key].state) if key in last else entry.channel
            for key, entry in closed.items()
        )
        since = {**since, **{key: last[key].since for key in closed if key in last}}
    if query.words:
        wanted = parse(query.words)
        quiet = partial(_quiet_since, observation.changes, closed, last)
        candidates = [channel for channel in candidates if wanted.matches(channel, snapshot, quiet)]
    ordered = sorted_gently(query.order, candidates, since, observation.changes.bytes_per_s)
    if closed:
        ordered = [closed[channel.key].channel if channel.key in closed else channel for channel in ordered]
        since = {**since, **{key: entry.closed_at for key, entry in closed.items()}}
    stuck = {key: start for key, start in deadlocked.items() if key in living}
    if stuck:
        since = {**since, **stuck}
        ordered = _worst_on_top(ordered, stuck, query.order)
    places = {channel.key: place for place, channel in enumerate(ordered)}
    host = snapshot.host
    here = None if not any(is_foreign(channel, host) for channel in snapshot.channels) else host
    order, life_of = query.order, partial(life_in, observation.changes)
    return ChannelRows(
        ordered, places, since, snapshot.taken_at, life_of, order.word, order.reverse, here, frozenset(stuck)
    )


def _worst_on_top(ordered: list[Channel], stuck: Mapping[ChannelKey, float], order: Order) -> list[Channel]:
    """A channel through which a deadlock goes is worse than any state that it could be in."""
    if order.word != "worst":
        return ordered
    first = [channel for channel in ordered if channel.key in stuck]
    rest = [channel for channel in ordered if channel.key not in stuck]
    return [*rest, *first] if order.reverse else [*first, *rest]


def _quiet_since(
    changes: Changes, closed: Mapping[ChannelKey, Closed], last: Mapping[ChannelKey, Last], channel: Channel
) -> float | None:
    """As `Changes.quiet_since`; a channel that closed stays where it was while it fades."""
    key = channel.key
    if key not in closed:
        return changes.quiet_since(channel)
    moved = closed[key].progress_at
    return last[key].since if moved is None and key in last else moved


def life_in(changes: Changes, key: ChannelKey) -> Life | None:
    """What is known of the life of a channel, there or lately gone; None of any other."""
    try:
        return changes.life(key)
    except KeyError:
        return None


def _worst_full(observation: Observation, since: Mapping[ChannelKey, float]) -> Channel | None:
    full = (channel for channel in observation.snapshot.channels if condition(channel) == "full")
    return worst_of(full, since)
