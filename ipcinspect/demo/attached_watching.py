"""What the program's own collectors show of the channel that a demo was put on, and of the connection that it made."""

from __future__ import annotations

from ipcinspect.demo.attached_pair import AttachedPair
from ipcinspect.demo.attaching import Attachment
from ipcinspect.demo.telling import Evidence
from ipcinspect.demo.watching import Watching, listens, queue_towards
from ipcinspect.inspector import Inspector
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot

_BY_CONNECTION = ("unix", "tcp", "udp")
_OURS = ("client", "writer")
"""What our sender is in a connection of its own; over another socket it talks with us."""


class AttachedWatching(Watching):
    """Looks at one channel again and again: it is known, so nothing is guessed."""

    is_own = False

    def __init__(self, inspector: Inspector, pair: AttachedPair, attachment: Attachment) -> None:
        super().__init__(inspector, pair)
        channel = attachment.channel
        self._given, self._halves = channel, pair
        self._connects = channel.mechanism in _BY_CONNECTION
        self._names = frozenset((channel.id, *channel.aliases)), frozenset()
        self._id = channel.id

    def waiting(self, evidence: Evidence, before: int | None = None) -> int | None:
        """How much waits there to be read, to compare with what waited `before`; None where that cannot be told.

        In whatever the kernel tells of it: bytes, messages, kernel memory. The size of the first message alone tells
        something only where nothing waited before.
        """
        channel = evidence.channel
        queue = None if channel is None or listens(channel) else queue_towards(channel, self._halves.receiver_pid)
        if queue is None:
            return None
        first = queue.next_message_bytes if before == 0 else None
        figures = (queue.bytes, queue.messages, queue.memory_bytes, first)
        return next((figure for figure in figures if figure is not None), None)

    def what_is_left(self) -> tuple[Evidence, tuple[str, ...]]:
        """After the end: a look, and which processes of the demo it still shows. Raises OSError."""
        snapshot = self._inspector.observe().snapshot
        self._connects = False
        evidence = self._evidence(snapshot)
        left = [f"{snapshot.processes[pid].comm} {pid}" for pid in self._halves.pids if pid in snapshot.processes]
        return evidence, tuple(left)

    def _waits(self, channel: Channel, reader: int) -> str:
        """In a connection also what has come back."""
        there = super()._waits(channel, reader)
        back = next((queue for queue in channel.queues if queue.to == "a"), None)
        if not self._connects or back is None or not back.bytes:
            return there
        return f"{there} there, {back.bytes} back"

    def _find(self, snapshot: Snapshot) -> tuple[Channel | None, Channel | None]:
        """The connection, where our client has one; else the channel that was named."""
        own = self._connection(snapshot) if self._connects else None
        return own or snapshot.channels_by_key.get(self._given.key), None

    def _connection(self, snapshot: Snapshot) -> Channel | None:
        mine = [one for one in snapshot.channels if one.mechanism == self._given.mechanism and self._is_ours(one)]
        return min(mine, key=lambda one: one.key != self._given.key, default=None)

    def _is_ours(self, channel: Channel) -> bool:
        sender = self._halves.sender_pid
        ends = (end for end in channel.endpoints if end.process is not None and end.process.pid == sender)
        return any(end.role in _OURS for end in ends)

    def _absent(self) -> str:
        if self._given.mechanism == "fifo":
            return f"nobody visible has {self._id} open"
        return super()._absent()
