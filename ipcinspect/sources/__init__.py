"""Where snapshots come from: this machine now; later a recording or another host. One Protocol for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ipcinspect.model.channel import FieldValue
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents
from ipcinspect.model.process import Process, ProcessKey
from ipcinspect.model.snapshot import Snapshot, Want


class Detail(NamedTuple):
    """One fact about one process or channel that is too dear to read for all of them."""

    title: str
    value: FieldValue
    unit: str | None
    """As in `model.channel.Field.unit`, further `percent`."""
    told_by: str
    """The interface that told it: `tcp_info`, `psutil`, `fdinfo`."""


class CameBy(NamedTuple):
    """With whom a holder of a channel shares the open file description of its descriptor."""

    how: str
    """`parent`, `ancestor` (the nearest that has it: likely inherited from), `shared` (with any other process),
    `duplicate` (of another descriptor of its own), `unshared` (nobody who was seen has the same)."""
    process: Process | None
    """Who else has it; None where nobody seen has."""
    fd: int | None


@dataclass(frozen=True)
class Details:
    """More about one process or one channel, read on request."""

    facts: tuple[Detail, ...]
    descriptor_flags: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """For a channel: by (pid, fd) of its holders, the words for the open flags (`nonblock cloexec`)."""
    came_by: Mapping[tuple[int, int], CameBy] = field(default_factory=dict)
    """For a channel: by (pid, fd) of its holders; without those of which it cannot be told."""


class Source(Protocol):
    """Anything that gives snapshots."""

    def take(self, want: Want) -> Snapshot:
        """One look. Raises OSError where none is possible (no /proc); all lesser trouble is a gap in it."""
        ...

    def details(self, key: ProcessKey | ChannelKey) -> Details | None:
        """More about one thing in the last snapshot; None where it cannot be known or is gone."""
        ...

    def peek(self, key: ChannelKey, most: int) -> Contents | None:
        """At most `most` bytes of what is in a channel of the last snapshot, without consuming any.

        None where the source cannot look inside at all (a recording), or has no such channel.
        """
        ...
