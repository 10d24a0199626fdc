"""Who could end a wait: the threads whose doing would let a sleeping thread go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from ipcinspect.diagnosis import handlers
from ipcinspect.diagnosis.out_of_sight import OutOfSight
from ipcinspect.mechanisms import field_of
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
_FOR_OTHERS = {"eventfd": "the kernel may raise it", "pty": "whoever opens it could"}
"""Mechanisms of which a process has both sides for somebody else: as it makes a terminal for whoever will open it."""
_BY_HANDLER = frozenset(("data", "wake", "count"))
"""What a signal handler can bring: it may write(2) and sem_post(3), and hardly reads or unlocks."""


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
        self._known: dict[ThreadKey, list[tuple[Awaited, Helpers]]] = {}
        """What `helpers` has worked out: of a thread that polls thousands of channels it is asked often."""

    def helpers(self, wait: Wait) -> list[tuple[Awaited, Helpers]]:
        """For each thing that the thread waits for, who could bring it; who hears of its children waits for them too,
        whatever the call is."""
        known = self._known.get(wait.thread)
        if known is None:
            known = self._known[wait.thread] = self._helpers_of(wait)
        return known

    def some_helpers(self, wait: Wait, most: int) -> list[tuple[Awaited, Helpers]]:
        """The same; of the first `most` things alone where it was not worked out: a thread may poll thousands."""
        known = self._known.get(wait.thread)
        if known is None and len(wait.awaited) > most:
            return self._helpers_of(wait._replace(awaited=wait.awaited[:most]))
        return self.helpers(wait)

    def _helpers_of(self, wait: Wait) -> list[tuple[Awaited, Helpers]]:
        found = [(awaited, self._by_handler(wait, awaited, self._who(wait, awaited))) for awaited in wait.awaited]
        if found and not any(awaited.what == "child" for awaited in wait.awaited):
            children = self._heard_of.get(wait.thread.process)
            if children:
                found.append((Awaited("child", processes=children), Helpers(children)))
        return found

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

    @cached_property
    def _heard_of(self) -> dict[ProcessKey, tuple[ProcessKey, ...]]:
        """The children of those who have a handler for their end."""
        found: dict[ProcessKey, tuple[ProcessKey, ...]] = {}
        for process in self.snapshot.processes.values():
            parent = self.snapshot.processes.get(process.ppid or 0)
            if parent is not None and handlers.hears_of_children(parent):
                found[parent.key] = (*found.get(parent.key, ()), process.key)
        return found

    @cached_property
    def _out_of_sight(self) -> OutOfSight:
        return OutOfSight(self.snapshot)

    def _by_handler(self, wait: Wait, awaited: Awaited, helpers: Helpers) -> Helpers:
        """The same; unknown where a signal handler of one of them may bring it."""
        if awaited.what in _BY_HANDLER and helpers.unknown is None:
            for key in helpers.processes:
                process = self.snapshot.processes.get(key.pid)
                own = key == wait.thread.process
                if handlers.may_wake_itself(process) if own else handlers.may_act(process):
                    return helpers._replace(unknown="a signal handler may")
        return helpers

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
        helpers = of_channel(channel, awaited, wait.thread.process)
        if not self.snapshot.settled:
            return helpers._replace(unknown="processes come and go faster than they are read")
        if _may_end_by_itself(wait, channel):
            return helpers._replace(unknown="a read of this terminal may end after a time")
        if self._is_for_us(wait, awaited, channel):
            return helpers._replace(unknown="this program itself could")
        if helpers.unknown is None and awaited.what in ("data", "room"):
            people = (wait.thread.process, *helpers.processes)
            return helpers._replace(unknown=self._out_of_sight.why(people, channel.key))
        return helpers

    def _is_for_us(self, wait: Wait, awaited: Awaited, channel: Channel) -> bool:
        """Whether the observer could bring it, who is left out of the ends."""
        ours = self.snapshot.left_out.get(channel.key)
        if not ours:
            return False
        whole = channel._replace(endpoints=(*channel.endpoints, *ours))
        return any(end in ours for end in _acting(whole, awaited, wait.thread.process))


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
    processes = tuple(dict.fromkeys(end.process.key for end in acting if end.process is not None))
    if channel.mechanism in ("pipe", "fifo"):
        if awaited.what == "data" and channel.queued_bytes:
            return Helpers(processes, unknown="there is something to read")
        if channel.state == "unknown":  # a frozen process has not gone back to its call: who knows what is in it
            return Helpers(processes, unknown="what is in it was not told")
    if channel.mechanism in ("fifo", "posix-mq") and _is_open_to_others(channel):
        return Helpers(processes, unknown="whoever opens it could")
    if channel.mechanism in _FOR_OTHERS and processes == (process,):
        return Helpers(processes, unknown=_FOR_OTHERS[channel.mechanism])
    return Helpers(processes)


def _may_end_by_itself(wait: Wait, channel: Channel) -> bool:
    """Whether it is a read at a terminal that gives up after a time (termios(3)), or may be."""
    if channel.mechanism != "pty" or wait.call not in ("read", "readv"):
        return False
    reads_at = [end.role for end in channel.endpoints if end.process and end.process.key == wait.thread.process]
    return "slave" in reads_at and field_of(channel, "timed_reads") is not False


def _is_open_to_others(channel: Channel) -> bool:
    """Whether a FIFO with a name has both its ends in one process, as servers have it for clients yet to come; a queue
    with a name always is."""
    if channel.exposure is not None and channel.exposure.reach == "holders":
        return False
    if channel.mechanism == "posix-mq":
        return True
    ends = [(end.role, end.process.key) for end in channel.endpoints if end.process is not None]
    readers = {key for role, key in ends if role in ("reader", "both")}
    return any(role in ("writer", "both") and key in readers for role, key in ends)


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
