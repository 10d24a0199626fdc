"""Channels, their ends and their queues. Nouns that exist by the thousand are NamedTuples."""

from __future__ import annotations

from typing import NamedTuple, Union

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import Process

FieldValue = Union[str, int, float, bool, None]


class Field(NamedTuple):
    """One fact that a mechanism tells beside what every channel has: its name in JSON, its title on the screen."""

    name: str
    title: str
    unit: str | None
    """`bytes`, `messages`, `time` (seconds since the epoch), `mode` (octal permission bits), ...; None without unit."""
    help: str
    """One line: what it means and the kernel interface that tells it."""


class Endpoint(NamedTuple):
    """One holder of one end of a channel: a process with a descriptor, a mapping, or a recorded part in it."""

    side: str
    """`a` is the writer, the end that connected, of a socketpair the smaller inode; `b` the other one."""
    role: str
    """One of `words.ROLES`."""
    process: Process | None
    """None where no visible process holds this end."""
    fd: int | None
    """None for mappings and for parts recorded by the kernel alone (last sender of a queue, creator)."""
    inode: int | None
    """The inode of this end: each end of a socket pair has its own."""
    address: str | None = None
    """The name of this end where it has one: `127.0.0.1:5432`, a path, `@abstract`. Kernel text."""


class Queue(NamedTuple):
    """What waits in one direction of a channel. Every figure is None where the kernel does not tell it."""

    to: str
    """The side that will read it."""
    bytes: int | None
    """Payload bytes waiting."""
    messages: int | None = None
    next_message_bytes: int | None = None
    """Size of the first message, where the kernel tells just that."""
    memory_bytes: int | None = None
    """Kernel memory charged for the data (truesize): never the number of payload bytes."""
    memory_limit_bytes: int | None = None
    fill: float | None = None
    """0.0 to 1.0 of what the direction can hold, by the measure that the kernel limits."""
    moved_bytes: int | None = None
    """Payload bytes that went this way since it was opened, where the kernel counts them (TCP)."""
    written_at: float | None = None
    """Of the last write into it, where the kernel keeps the time: seconds since the epoch."""
    read_at: float | None = None
    """Of the last read out of it."""


class Namespaces(NamedTuple):
    """Inodes of the namespaces a channel belongs to; None where it has none or it is not known."""

    net: int | None = None
    ipc: int | None = None


class Exposure(NamedTuple):
    """Who owns a channel and who else may attach to it."""

    reach: str
    """One of `words.REACHES`."""
    owner_uid: int | None = None
    mode: int | None = None
    """Permission bits; None where it has none (abstract names, sockets of the internet) or they are not known."""

    @property
    def world_writable(self) -> bool | None:
        """Whether every user may change or feed it; None without permission bits."""
        return None if self.mode is None else bool(self.mode & 0o002)


def reach_of_mode(mode: int) -> str:
    """The word of `words.REACHES` for permission bits."""
    if mode & 0o006:
        return "everybody"
    return "group" if mode & 0o060 else "owner"


class Channel(NamedTuple):
    """One channel of inter-process communication: what it is, who holds its ends, how full it is."""

    key: ChannelKey
    id: str
    """The address that a user can type: `pipe:[123]`, `socket:[77]`, `sysv-msg:7`. Accepted back by `show`."""
    aliases: tuple[str, ...]
    """Other ids of the same channel (the other socket of a pair)."""
    mechanism: str
    name: str | None
    """The name it has in the system: a path, `@abstract`, `127.0.0.1:5432`, a System V key. Kernel text."""
    state: str
    """One of `words.STATES`; a single look never says flowing, filling or draining."""
    relation: str
    """One of `words.RELATIONS`."""
    queues: tuple[Queue, ...]
    capacity_bytes: int | None
    namespaces: Namespaces
    created_at: float | None
    """Seconds since the epoch, where the kernel keeps it."""
    endpoints: tuple[Endpoint, ...]
    fields: tuple[FieldValue, ...]
    """Values of the mechanism's FIELDS, in their order."""
    exposure: Exposure | None = None
    """Who else may attach; None where the room does not tell."""
    all_seen: bool = False
    """Whether it is known that no process holds it beside those at its ends. Told of what processes share alone:
    memory and counters; a pipe or socket has the kernel's word for each of its ends."""

    @property
    def queued_bytes(self) -> int | None:
        """Payload bytes in all directions that are known; None where none is."""
        return _sum_of_known([queue.bytes for queue in self.queues])

    @property
    def queued_messages(self) -> int | None:
        """Messages in all directions that are known; None where none is."""
        return _sum_of_known([queue.messages for queue in self.queues])

    @property
    def fill(self) -> float | None:
        """The fuller direction, 0.0 to 1.0; None where no direction can tell."""
        known = [queue.fill for queue in self.queues if queue.fill is not None]
        return max(known) if known else None


def _sum_of_known(figures: list[int | None]) -> int | None:
    """What is known to wait; None where nothing is known, or nothing but that a direction is empty."""
    known = [figure for figure in figures if figure is not None]
    total = sum(known)
    return total if total or (known and len(known) == len(figures)) else None
