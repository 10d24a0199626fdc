"""What the program's own collectors show of a pair's channel: found by its ids and ends, told in one sentence.

There is no private door: it is the same look that `ipcinspect list` takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ipcinspect.demo.pairing import Pair
from ipcinspect.demo.protocol import Given
from ipcinspect.demo.telling import Evidence
from ipcinspect.inspector import Inspector
from ipcinspect.mechanisms import field_of
from ipcinspect.model.channel import Channel, Endpoint, Queue
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.snapshot import Snapshot

_LOOKED_INTO = 1 << 20
"""Bytes of memory that a look inside copies at most."""
_VALUES = ("value", "values", "counter")
"""Fields that tell what a semaphore or a counter has."""
_LISTENS = "listener"
_NAMED_HOLDERS = 6
"""Of a channel that very many have, the first."""


class Watching:
    """Looks at one pair again and again."""

    is_own = True
    """Whether the channel was made for the pair, which knows then what each number in it stands for."""

    def __init__(self, inspector: Inspector, pair: Pair) -> None:
        self._inspector = inspector
        self._pair = pair
        self._names: tuple[frozenset[object], frozenset[object]] = (frozenset(), frozenset())
        """What the channel and the second one are known by, once they were seen."""
        self._holders: frozenset[ProcessKey] = frozenset()
        """Who was at them when they were seen last."""
        self._id: str | None = None
        """What it was called last."""

    def look(self, payloads: Sequence[bytes] = ()) -> Evidence:
        """What is there now. Of memory a look inside tells how many of `payloads` are in it. Raises OSError."""
        return self._evidence(self._inspector.observe().snapshot, payloads)

    def _evidence(self, snapshot: Snapshot, payloads: Sequence[bytes] = ()) -> Evidence:
        channel, back = self._find(snapshot)
        if channel is not None:
            self._id, self._holders = channel.id, _holders(channel) | _holders(back)
        reader = self._pair.receiver_pid
        told = self._absent() if channel is None else f"{channel.id} {self._told(channel, payloads, reader)}"
        parts = [told]
        if back is not None:
            parts.append(f"second channel {back.id} {self._told(back, (), self._pair.sender_pid)}")
        return Evidence(_of_the_pair(snapshot, channel, back), channel, back, "; ".join(parts))

    def what_is_left(self) -> tuple[Evidence, tuple[str, ...]]:
        """After the end: a look, and what of the pair it still shows. Raises OSError."""
        snapshot = self._inspector.observe().snapshot
        names = self._names[0] | self._names[1]
        channels = [one for one in snapshot.channels if names & _names_of(one) and not self._is_a_new_one(one)]
        pids = (self._pair.sender_pid, self._pair.receiver_pid, self._pair.maker_pid)
        left = [one.id for one in channels]
        left += [f"{snapshot.processes[pid].comm} {pid}" for pid in pids if pid in snapshot.processes]
        seen = f"still there: {', '.join(left)}" if left else self._absent()
        return Evidence(_of_the_pair(snapshot, *channels[:1]), channels[0] if channels else None, None, seen), tuple(
            left
        )

    def _find(self, snapshot: Snapshot) -> tuple[Channel | None, Channel | None]:
        """The channel and, where there is one, the second one."""
        if self._names[0]:
            channel, back = (self._named(snapshot.channels, names) for names in self._names)
            return channel, back
        channel = self._best(snapshot.channels, self._pair.made.forth, self._pair.sender_pid, self._pair.receiver_pid)
        back = None
        other = self._pair.made.back
        if channel is not None and other is not None:
            rest = [one for one in snapshot.channels if one.key != channel.key]
            back = self._best(rest, other, self._pair.receiver_pid, self._pair.sender_pid)
        self._names = _names_of(channel), _names_of(back)
        return channel, back

    def _named(self, channels: Iterable[Channel], names: frozenset[object]) -> Channel | None:
        found = (one for one in channels if names & _names_of(one))
        return next((one for one in found if not self._is_a_new_one(one)), None)

    def _is_a_new_one(self, channel: Channel) -> bool:
        """Whether it only got the number again: a terminal or a file takes that of one that was removed at once."""
        holders = _holders(channel)
        pids = {self._pair.sender_pid, self._pair.receiver_pid, self._pair.maker_pid}
        return bool(holders) and not any(key in self._holders or key.pid in pids for key in holders)

    def _best(self, channels: Iterable[Channel], given: Given, sender: int, receiver: int) -> Channel | None:
        """The one that fits best to what the two were given; None where none has to do with either."""
        name = self._pair.room.NAME
        rated = [
            (rate, one.key.number, one)
            for one in channels
            if one.mechanism == name and (rate := _likeness(one, given, sender, receiver)) > _STRANGE
        ]
        return max(rated, key=lambda row: (row[0], -row[1]))[2] if rated else None

    def _told(self, channel: Channel, payloads: Sequence[bytes], reader: int) -> str:
        parts = [self._waits(channel, reader)]
        if payloads and not channel.queues and channel.capacity_bytes is not None:
            parts.append(self._inside(channel, payloads))
        parts.append(who_holds(channel))
        return f"{channel.state}, {', '.join(parts)}"

    def _waits(self, channel: Channel, reader: int) -> str:
        told, demo = what_waits(channel, reader), self._pair.room.DEMO
        counts = () if demo is None or not self.is_own or reader != self._pair.receiver_pid else demo.counts
        return f"{told} ({', '.join(counts)})" if counts else told

    def _inside(self, channel: Channel, payloads: Sequence[bytes]) -> str:
        contents = self._inspector.peek(channel.key, _LOOKED_INTO)
        if contents is None or contents.refusal is not None:
            return f"no look inside ({contents.refusal if contents is not None else 'it is gone'})"
        data = b"\0".join(piece.data for piece in contents.pieces)
        found = sum(payload in data for payload in payloads)
        return f"a look inside finds {found} of {len(payloads)} messages byte by byte"

    def _absent(self) -> str:
        return "no such channel" if self._id is None else f"no channel {self._id}"


def what_waits(channel: Channel, receiver: int) -> str:
    """`192 of 65536 bytes queued in 3 messages`, `value 3`, `8192 bytes of memory`."""
    queue = queue_towards(channel, receiver)
    if queue is not None and queue.messages is not None and listens(channel):
        return f"{queue.messages} client{'' if queue.messages == 1 else 's'} waiting to be accepted"
    if queue is not None:
        return _queued(queue, channel.capacity_bytes)
    values = [(word, field_of(channel, word)) for word in _VALUES]
    for word, value in values:
        if value is not None:
            return f"{word} {value}"
    size = channel.capacity_bytes
    return "how much is in it is not told" if size is None else f"{size} bytes of memory"


def who_holds(channel: Channel) -> str:
    """`held by demo-sender 7001/4 and worker 812/3`."""
    holders = list(dict.fromkeys(_holder(end) for end in channel.endpoints if end.process is not None))
    if len(holders) > _NAMED_HOLDERS:
        holders[_NAMED_HOLDERS:] = [f"{len(holders) - _NAMED_HOLDERS} more"]
    return f"held by {' and '.join(holders)}" if holders else "nobody visible holds it"


def listens(channel: Channel) -> bool:
    """Whether it is no connection yet but the place where they come in."""
    return any(end.role == _LISTENS for end in channel.endpoints)


def queue_towards(channel: Channel, receiver: int) -> Queue | None:
    """The direction in which a process reads; None where nothing queues, or where that is not known."""
    sides = {end.side for end in channel.endpoints if end.process is not None and end.process.pid == receiver}
    side = sides.pop() if len(sides) == 1 else "b"
    if len(channel.queues) == 1:  # one queue for both, where whoever used it last stands on that side
        return channel.queues[0]
    return next((queue for queue in channel.queues if queue.to == side), None)


def _queued(queue: Queue, capacity: int | None) -> str:
    messages = "" if queue.messages is None else f" in {queue.messages} message{'' if queue.messages == 1 else 's'}"
    if queue.bytes is not None:
        of = "" if capacity is None else f" of {capacity}"
        return f"{queue.bytes}{of} bytes queued{messages}"
    parts = [] if queue.next_message_bytes is None else [f"first message {queue.next_message_bytes} bytes"]
    if queue.memory_bytes is not None:
        parts.append(f"{queue.memory_bytes} bytes of kernel memory charged{messages} (truesize, not payload)")
    return ", ".join(parts) or "how much is queued is not told"


def _likeness(channel: Channel, given: Given, sender: int, receiver: int) -> tuple[int, ...]:
    """How well a channel fits: by the file that was made, by who holds it, by what both were given, by the sides."""
    held = {sender: set(given.sender_fds), receiver: set(given.receiver_fds)}
    ends = [end for end in channel.endpoints if end.process is not None and end.process.pid in held]
    if any(end.role == _LISTENS for end in ends):
        return _STRANGE
    pids = {end.process.pid for end in ends if end.process is not None}
    matching = {end.process.pid for end in ends if end.process is not None and end.fd in held[end.process.pid]}
    # half a match is chance: a half that maps memory gives back the descriptor, and its number is used again
    by_fd = len(matching) if matching == {pid for pid, fds in held.items() if fds} else 0
    words = {*given.sender_args, *given.receiver_args}
    names = {channel.name, channel.id.partition(":")[2], *(end.address for end in channel.endpoints)}
    only_listens = bool(channel.endpoints) and all(end.role == _LISTENS for end in channel.endpoints)
    by_name = 0 if only_listens else len(words & names)
    sides = {end.process.pid: end.side for end in ends if end.process is not None}
    fits_sides = int(sides.get(sender) != "b") + int(sides.get(receiver) != "a")
    is_made = int(_is_made(channel, given))
    known = bool(pids) or bool(by_name) or bool(is_made)
    return (is_made, len(pids), by_name + by_fd, fits_sides) if known else _STRANGE


_STRANGE = (0, 0, 0, 0)


def _is_made(channel: Channel, given: Given) -> bool:
    """Whether its very file is one that was made for the two; a socket is known by its inode alone.

    The number of a pseudo-terminal is none of an inode.
    """
    if channel.key.kind == "pty":
        return False
    if channel.key.kind == "socket":
        inodes = {inode for _, inode in given.files}
        return any(end.inode in inodes for end in channel.endpoints if end.inode is not None)
    return (channel.key.space, channel.key.number) in given.files


def _names_of(channel: Channel | None) -> frozenset[object]:
    """Its ids, and its number, under which it stays when another channel got its id."""
    return frozenset() if channel is None else frozenset((channel.id, *channel.aliases, channel.key._replace(part=0)))


def _holders(channel: Channel | None) -> frozenset[ProcessKey]:
    return frozenset(end.process.key for end in (channel.endpoints if channel else ()) if end.process is not None)


def _holder(end: Endpoint) -> str:
    assert end.process is not None
    return f"{end.process.comm} {end.process.pid}{'' if end.fd is None else f'/{end.fd}'}"


def _of_the_pair(snapshot: Snapshot, *channels: Channel | None) -> Snapshot:
    """The snapshot with nothing else in it, so that a walk that is kept does not keep the whole machine many times."""
    kept = tuple(channel for channel in channels if channel is not None)
    pids = {end.process.pid for channel in kept for end in channel.endpoints if end.process is not None}
    processes = {pid: snapshot.processes[pid] for pid in pids if pid in snapshot.processes}
    return replace(snapshot, channels=kept, processes=processes, descriptors={}, sights=(), lights={})
