"""A snapshot: everything that one look at the kernel found, and what it could not find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.gap import Gap, Sight
from ipcinspect.model.process import Descriptor, Process, ProcessKey
from ipcinspect.model.wait import Sleepers


class Want(NamedTuple):
    """What a caller needs of a snapshot beyond channels, processes and gaps; each costs time."""

    descriptors: bool = False
    """Every descriptor of every process, also those that are no channel (`ps`, the Processes screen)."""
    cmdlines: bool = False
    counts: bool = False
    """What went through each TCP connection so far: what rates are made of, no use to a single look."""
    sights: bool = False
    """What can be seen here at all (`doctor`)."""
    waits: bool = False
    """Every thread that sleeps in a system call, and what it waits for; read twice, a fifth of a second apart."""
    only_waited: bool = False
    """With `waits`, for a quick answer to who is stuck: pipes and connections in which nobody sleeps are left out, and
    so are mechanisms in which nobody can (memory)."""
    limits: bool = False
    """What comes near a limit of the kernel."""
    lights: tuple[ChannelKey, ...] = ()
    """Pipes whose writes and reads are to be noticed from now on; a few, for each costs its users a little."""


class Cost(NamedTuple):
    """How long one part of a snapshot took."""

    part: str
    """A mechanism's name, or `processes` for the walk over /proc."""
    seconds: float


class Light(NamedTuple):
    """What happened to one pipe since the snapshot before: seen, not counted (inotify(7) merges like events)."""

    written: bool
    read: bool


class Limit(NamedTuple):
    """How much is used of what the kernel allows."""

    what: str
    """`descriptors`, or a System V mechanism."""
    used: int
    most: int
    process: ProcessKey | None = None
    """Whose descriptors they are."""
    namespace: int | None = None
    """Inode of the IPC namespace whose objects they are."""


@dataclass(frozen=True)
class Host:
    """The machine and the observer of a snapshot."""

    name: str
    boot_id: str
    kernel: str
    uid: int
    """Effective user id of the observer."""
    observer: ProcessKey
    """The process that looked: fronts leave it out unless asked."""
    ipc_namespace: int | None
    net_namespace: int | None


@dataclass(frozen=True)
class Snapshot:
    """One look at the kernel. Never changed after it was made."""

    host: Host
    taken_at: float
    """Seconds since the epoch, at the start of the look."""
    duration_s: float
    channels: tuple[Channel, ...]
    processes: Mapping[int, Process]
    """By pid, within this snapshot only: across snapshots compare `Process.key`."""
    gaps: tuple[Gap, ...]
    users: Mapping[int, str]
    """User names by uid, as far as the user database answered in time."""
    descriptors: Mapping[int, tuple[Descriptor, ...]] = field(default_factory=dict)
    """By pid; empty unless wanted."""
    sights: tuple[Sight, ...] = ()
    costs: tuple[Cost, ...] = ()
    lights: Mapping[ChannelKey, Light] = field(default_factory=dict)
    """Of the wanted pipes that are watched since an earlier snapshot, also of one that has closed since then; of one
    that is missing it is not known."""
    limits: tuple[Limit, ...] = ()
    """What is at least half used; empty unless wanted."""
    waits: Mapping[ProcessKey, Sleepers] = field(default_factory=dict)
    """Empty unless wanted."""
    settled: bool = True
    """With waits: whether at one moment of the look everybody who was there had been read, but for `unread_jobs`. Where
    processes come and go faster than that, one that was missed may hold an end of anything."""
    unread_jobs: frozenset[int] = frozenset()
    """Process groups that had members at that moment who had not been read."""
    left_out: Mapping[ChannelKey, tuple[Endpoint, ...]] = field(default_factory=dict)
    """The ends of the observer, who is in no other part of this look, where others have ends of the same side."""
    sees_all: bool = True
    """Whether nobody is left out who may hold something: there are none outside of our pid namespace, none that the
    /proc mount hides, and all the others let themselves be read, in time."""

    @cached_property
    def channels_by_key(self) -> Mapping[ChannelKey, Channel]:
        """Channels by their identity."""
        return {channel.key: channel for channel in self.channels}

    def with_channels(self, changed: Mapping[ChannelKey, Channel]) -> Snapshot:
        """This look with some of its channels told anew; all else is shared."""
        if not changed:
            return self
        channels = tuple([changed.get(channel.key, channel) for channel in self.channels])
        made = replace(self, channels=channels)
        vars(made)["channels_by_key"] = {**self.channels_by_key, **changed}
        return made

    @cached_property
    def hidden_processes(self) -> int:
        """How many processes are there whose descriptors could not be read."""
        return sum(1 for process in self.processes.values() if not process.readable)
