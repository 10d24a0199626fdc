"""Who could end a wait: the threads whose doing would let a sleeping thread go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.wait import Awaited, Sleepers, ThreadKey, Wait

_ACTS = {
    "data": frozenset(("writer", "both", "client", "server", "master", "slave")),
    "room": frozenset(("reader", "both", "client", "server", "master", "slave")),
    "lock": frozenset(("holder",)),
    "partner": frozenset(("listener", "reader", "writer", "both")),
}
"""By what is awaited, the roles of those who can bring it."""
_ONE_SIDE = frozenset(("pipe", "fifo", "posix-mq", "sysv-msg", "eventfd", "file-lock"))
"""Mechanisms in which the role tells who acts; in all others it is whoever holds the other side."""
_ANYBODY = frozenset(("udp", "netlink", "packet", "sysv-msg"))
"""Mechanisms into which processes can send that hold no end of the channel."""


class Helpers(NamedTuple):
    """Who could end one of the things that a thread waits for."""

    processes: tuple[ProcessKey, ...] = ()
    """Every thread of these could."""
    threads: tuple[ThreadKey, ...] = ()
    """These could, and no others of their process."""
    unknown: str | None = None
    """Why it is not known who else could; None where these are all."""


class WaitGraph:
    """The waits of one snapshot, and who could end each."""

    def __init__(self, snapshot: Snapshot) -> None:
        """`snapshot` was taken with `Want.waits`."""
        self.snapshot = snapshot
        self.sleepers: Mapping[ProcessKey, Sleepers] = snapshot.waits
        self.waits: dict[ThreadKey, Wait] = {
            wait.thread: wait for sleepers in self.sleepers.values() for wait in sleepers.waits
        }
        self._helpers: dict[Awaited, Helpers] = {}

    def helpers(self, wait: Wait) -> list[tuple[Awaited, Helpers]]:
        """For each thing that the thread waits for, who could bring it."""
        return [(awaited, self._who(wait, awaited)) for awaited in wait.awaited]

    def channel(self, awaited: Awaited) -> Channel | None:
        """The channel that it is about."""
        return None if awaited.channel is None else self.snapshot.channels_by_key.get(awaited.channel)

    def threads_of(self, helpers: Helpers) -> Iterator[ThreadKey]:
        """All sleeping threads that could help; of a process that does not sleep whole there are others."""
        yield from helpers.threads
        for process in helpers.processes:
            sleepers = self.sleepers.get(process)
            if sleepers is not None:
                for wait in sleepers.waits:
                    yield wait.thread

    def _who(self, wait: Wait, awaited: Awaited) -> Helpers:
        if awaited.owner is not None:
            return Helpers(threads=(awaited.owner,))
        if awaited.processes is not None:
            return Helpers(awaited.processes, unknown=None if awaited.processes else "nobody is known to be able to")
        if awaited.channel is None:
            return Helpers(unknown="it is not told by whom it ends")
        channel = self.channel(awaited)
        if channel is None:
            return Helpers(unknown="the channel is not there (any more)")
        return of_channel(channel, awaited, wait.thread.process)


def of_channel(channel: Channel, awaited: Awaited, process: ProcessKey) -> Helpers:
    """The holders of a channel who could bring what is awaited."""
    if channel.mechanism in _ANYBODY or awaited.what in ("client", "wake", "signal", "unknown"):
        return Helpers(unknown="whoever can reach it could")
    acting = list(_acting(channel, awaited, process))
    if not acting:
        return Helpers(unknown="nobody who could is visible")
    if any(end.process is None for end in acting):
        return Helpers(unknown="an end is held by nobody who is visible")
    if channel.mechanism == "unix" and awaited.what == "data" and _takes_from_anybody(channel):
        return Helpers(unknown="whoever can reach it could")
    return Helpers(tuple(dict.fromkeys(end.process.key for end in acting if end.process is not None)))


def _acting(channel: Channel, awaited: Awaited, process: ProcessKey) -> Iterable[Endpoint]:
    """The ends whose holders could bring it."""
    roles = _ACTS.get(awaited.what, frozenset())
    if channel.mechanism in _ONE_SIDE:
        return [end for end in channel.endpoints if end.role in roles]
    sides = {
        end.side
        for end in channel.endpoints
        if end.process is not None and end.process.key == process and end.fd == awaited.fd
    }
    if len(sides) != 1:
        return []
    return [end for end in channel.endpoints if end.side not in sides and end.role in roles]


def _takes_from_anybody(channel: Channel) -> bool:
    """Whether it is a receiving datagram socket: its senders are known as writers, and there may be more."""
    return any(end.role == "writer" for end in channel.endpoints) or not any(
        end.role in ("client", "server", "both") for end in channel.endpoints
    )
