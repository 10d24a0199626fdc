"""Sockets that wait at listeners: when one is accepted, the life of its connection began when it came to wait."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey

_MOST = 20_000
"""Clients that are remembered; a listener lets 4096 wait where nobody asked for more (somaxconn)."""


class _Client(NamedTuple):
    since: float
    """The first look that saw it wait, seconds since the epoch."""
    holders: frozenset[ProcessKey]
    """Processes that had it then; empty where nobody visible had."""


class Waiting:
    """The clients of every listener of the last look. What does not wait any more is forgotten."""

    def __init__(self) -> None:
        self._clients: dict[ChannelKey, dict[str, _Client]] = {}
        """By listener, then by the client's id."""
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def since(self, listener: Channel, accepted: Channel, looked_at: float) -> float | None:
        """Since when the socket of a new pair is known to have waited, at least since the look before (`looked_at`).

        None where it cannot have been that one, for numbers of sockets are used again: the pair has to be reached
        where the listener is, and one of those who had the client has to have it still.
        """
        clients = self._clients.get(listener.key, {})
        name = next((name for name in (accepted.id, *accepted.aliases) if name in listener.aliases), None)
        if name is None or not _is_reached_at(listener, accepted):
            return None
        known = clients.get(name) or _Client(looked_at, frozenset())
        holders = _holders(accepted).get(name)
        return None if known.holders and holders and known.holders.isdisjoint(holders) else known.since

    def look(self, touched: Iterable[Channel], gone: Iterable[Channel], at: float, back: bool) -> None:
        """Note who waits now: `touched` are the channels that are new or not as they were, `gone` those that went.

        `back`: the clock was set back to `at`.
        """
        for channel in gone:
            self._put(channel.key, {})
        for channel in touched:
            if is_listener(channel) or channel.key in self._clients:
                self._put(channel.key, self._now(channel, at) if is_listener(channel) else {})
        if back:
            for clients in self._clients.values():
                for name, client in clients.items():
                    clients[name] = client._replace(since=min(client.since, at))

    def _now(self, listener: Channel, at: float) -> dict[str, _Client]:
        known = self._clients.get(listener.key, {})
        room = _MOST - self._number + len(known)
        holders = _holders(listener)
        return {
            name: known.get(name) or _Client(at, frozenset(holders.get(name, ())))
            for name in listener.aliases[: max(room, 0)]
        }

    def _put(self, key: ChannelKey, clients: dict[str, _Client]) -> None:
        self._number += len(clients) - len(self._clients.pop(key, {}))
        if clients:
            self._clients[key] = clients


def is_listener(channel: Channel) -> bool:
    """Whether others connect to it: its aliases are its clients, no other names of itself."""
    if channel.state in ("listening", "waiting-accept") and channel.aliases:
        return True
    return any(end.role == "listener" for end in channel.endpoints)


def _is_reached_at(listener: Channel, accepted: Channel) -> bool:
    """Whether an accepted socket may have the listener's name; of the internet it has the port alone of `*:80`."""
    if listener.mechanism != accepted.mechanism:
        return False
    if listener.name is None or accepted.name is None or listener.name == accepted.name:
        return True
    return listener.mechanism != "unix" and listener.name.rpartition(":")[2] == accepted.name.rpartition(":")[2]


def _holders(channel: Channel) -> dict[str, set[ProcessKey]]:
    """Who has each socket of a channel, by the socket's id."""
    found: dict[str, set[ProcessKey]] = {}
    for end in channel.endpoints:
        if end.process is not None and end.inode is not None:
            found.setdefault(f"socket:[{end.inode}]", set()).add(end.process.key)
    return found
