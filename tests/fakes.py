"""Builders of nouns, and a source that plays a list of snapshots: fakes at the seam that the program uses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from ipcinspect.model.channel import Channel, Endpoint, FieldValue, Namespaces, Queue
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents
from ipcinspect.model.gap import Gap, Sight
from ipcinspect.model.process import Descriptor, Process, ProcessKey
from ipcinspect.model.snapshot import Cost, Host, Snapshot, Want
from ipcinspect.sources import Details

NOON = 1_750_000_000.0
"""The moment of the first snapshot, seconds since the epoch."""

HOSTILE_NAMES = (
    "\x1b]0;owned\x07sh",
    "[/red]x",
    "[bold]loud",
    "kworker/0:1",
    "two\nlines",
    "\u202egnp.exe",
    "bad\udcffbyte",
    "日本語の名前",
    "a\u0301\u0301\u0301\u0301zalgo",
    "\\x1b[31mred",
)
"""Names that try to colour, forge, reorder or break what is drawn."""


def process(pid: int = 100, comm: str = "prog", **changes: object) -> Process:
    """A process like any other; `changes` are fields of `Process`."""
    usual = Process(
        pid=pid,
        starttime=pid * 10,
        comm=comm,
        ppid=1 if pid != 1 else 0,
        uid=1000,
        container=None,
        cmdline=(f"/usr/bin/{comm}",),
        kernel_thread=False,
        readable=True,
        net_namespace=4026531840,
        ipc_namespace=4026531839,
    )
    return usual._replace(**changes)  # type: ignore[arg-type]


def endpoint(
    side: str,
    role: str,
    holder: Process | None,
    fd: int | None = None,
    inode: int | None = None,
    address: str | None = None,
) -> Endpoint:
    """One holder of one end."""
    return Endpoint(side, role, holder, fd, inode, address)


def channel(
    number: int,
    mechanism: str = "pipe",
    state: str = "idle",
    ends: Sequence[Endpoint] = (),
    *,
    name: str | None = None,
    id: str | None = None,
    queued: int | None = 0,
    messages: int | None = None,
    fill: float | None = None,
    capacity: int | None = 65536,
    queues: Sequence[Queue] | None = None,
    fields: Sequence[FieldValue] = (),
    aliases: Sequence[str] = (),
    relation: str = "data exchange",
    created_at: float | None = None,
    namespaces: Namespaces = Namespaces(),  # noqa: B008
) -> Channel:
    """A channel whose single queue is described by the keywords, unless `queues` says more."""
    kind = "socket" if mechanism in ("unix", "tcp", "udp") else mechanism
    if fill is None and queued is not None and capacity:
        fill = queued / capacity
    return Channel(
        key=ChannelKey(kind, 0, number),
        id=id or f"{kind}:[{number}]",
        aliases=tuple(aliases),
        mechanism=mechanism,
        name=name,
        state=state,
        relation=relation,
        queues=(Queue("b", queued, messages, fill=fill),) if queues is None else tuple(queues),
        capacity_bytes=capacity,
        namespaces=namespaces,
        created_at=created_at,
        endpoints=tuple(ends),
        fields=tuple(fields),
    )


def pipe(
    number: int, writer: Process | None, reader: Process | None, state: str = "idle", queued: int | None = 0
) -> Channel:
    """A pipe between two processes; None for an end that nobody holds."""
    ends = []
    if writer is not None:
        ends.append(endpoint("a", "writer", writer, 1, number))
    if reader is not None:
        ends.append(endpoint("b", "reader", reader, 0, number))
    return channel(number, "pipe", state, ends, queued=queued)


def snapshot(
    channels: Iterable[Channel] = (),
    processes: Iterable[Process] = (),
    *,
    at: float = NOON,
    uid: int = 1000,
    users: Mapping[int, str] | None = None,
    gaps: Sequence[Gap] = (),
    sights: Sequence[Sight] = (),
    costs: Sequence[Cost] = (),
    descriptors: Mapping[int, tuple[Descriptor, ...]] | None = None,
) -> Snapshot:
    """A snapshot; processes that hold an end are in it also when they are not listed."""
    listed = tuple(channels)
    known = {each.pid: each for each in processes}
    for one in listed:
        for end in one.endpoints:
            if end.process is not None:
                known.setdefault(end.process.pid, end.process)
    host = Host("build7", "b007", "6.1.0-18", uid, ProcessKey(999_999, 1), 4026531839, 4026531840)
    return Snapshot(
        host=host,
        taken_at=at,
        duration_s=0.0123,
        channels=listed,
        processes=known,
        gaps=tuple(gaps),
        users={0: "root", 1000: "ana"} if users is None else users,
        descriptors=_descriptors(listed) if descriptors is None else descriptors,
        sights=tuple(sights),
        costs=tuple(costs),
    )


def _descriptors(channels: Iterable[Channel]) -> dict[int, tuple[Descriptor, ...]]:
    found: dict[int, list[Descriptor]] = {}
    for one in channels:
        for end in one.endpoints:
            if end.process is not None and end.fd is not None:
                rows = found.setdefault(end.process.pid, [])
                rows.append(Descriptor(end.fd, one.mechanism, one.id, one.key))
    return {pid: tuple(sorted(rows)) for pid, rows in found.items()}


class FakeSource:
    """Plays snapshots in turn, the last one for ever; an OSError in the list is raised at its turn."""

    def __init__(
        self,
        *turns: Snapshot | Exception,
        details: Mapping[ProcessKey | ChannelKey, Details] | None = None,
        contents: Mapping[ChannelKey, Contents] | None = None,
        before_look: Callable[[], object] | None = None,
    ) -> None:
        self.turns = list(turns)
        self.wants: list[Want] = []
        self.asked: list[ProcessKey | ChannelKey] = []
        self.threads: set[str] = set()
        self.peeked: list[tuple[ChannelKey, int]] = []
        self._details = details or {}
        self._contents = contents or {}
        self._before_look = before_look

    def take(self, want: Want) -> Snapshot:
        """The next turn."""
        self.threads.add(threading.current_thread().name)
        self.wants.append(want)
        if self._before_look is not None:
            self._before_look()
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        if isinstance(turn, Exception):
            raise turn
        return turn

    def details(self, key: ProcessKey | ChannelKey) -> Details | None:
        """What was prepared for the key."""
        self.threads.add(threading.current_thread().name)
        self.asked.append(key)
        return self._details.get(key)

    def peek(self, key: ChannelKey, most: int) -> Contents | None:
        """What was prepared for the channel."""
        self.threads.add(threading.current_thread().name)
        self.peeked.append((key, most))
        return self._contents.get(key)
