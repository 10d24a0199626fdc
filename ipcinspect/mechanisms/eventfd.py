"""Counters that wake who waits for them (eventfd(2)).

/proc/PID/fd says only `anon_inode:[eventfd]`, and all of them share one inode. fdinfo tells the counter, the mode, and
the `eventfd-id` that makes two descriptors the same object, whether they came by fork, dup or SCM_RIGHTS. The kernel
gives the id of an eventfd that is gone to the next one. Who added to the counter last is told nowhere, and a counter
that the kernel itself feeds (io_uring, KVM, AIO) shows no end for it.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable

from ipcinspect.kernel import procfs
from ipcinspect.kernel.anon_info import Eventfd, parse_eventfd
from ipcinspect.kernel.errors import Vanished
from ipcinspect.kernel.libc import eventfd
from ipcinspect.mechanisms.demo_part import Making, Part
from ipcinspect.mechanisms.peeking import Peeking, holders_of
from ipcinspect.mechanisms.room import Collected, Demo, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import OtherHolder, Scan
from ipcinspect.model.channel import Channel, Endpoint, Exposure, Field, Namespaces
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents, Piece
from ipcinspect.model.gap import Gap

NAME = "eventfd"

FIELDS = (
    Field("counter", "Counter", None, "what was added and not yet taken by a read (fdinfo eventfd-count)"),
    Field("semaphore", "Semaphore", None, "yes: a read takes 1; no: a read takes all (fdinfo eventfd-semaphore)"),
    Field("holders", "Holders", None, "visible descriptors"),
)

TELLS = Tells(
    "descriptors", "value", "Reads the counter in fdinfo; nobody's read is affected.", ("synchronisation",), "none"
)

NEEDS_ALL_DESCRIPTORS = True

WAITS = (
    Wait("read", "both", "both", "empty"),
    Wait("write", "both", "both", "full"),
)

_MOST = (1 << 64) - 2
"""At this count a write of 1 blocks."""
_WIDTH = 8
"""Bytes that a read gives."""
_ONE = (1).to_bytes(_WIDTH, sys.byteorder)


def collect(scan: Scan) -> Collected:
    """Every eventfd with a visible holder."""
    found: dict[int, list[tuple[OtherHolder, Eventfd]]] = {}
    unread = nameless = 0
    for holder in scan.anonymous.get("eventfd", ()) if scan.wants_anonymous else ():
        told = parse_eventfd(holder.end.info) if holder.end.info is not None else None
        if told is None:
            unread += 1
        elif told.id is None:
            nameless += 1
        else:
            found.setdefault(told.id, []).append((holder, told))
    gaps = [
        Gap("eventfds whose counter could not be read", "vanished", unread),
        Gap("eventfds to which the kernel gives no identity", "unsupported", nameless),
    ]
    return Collected(
        [_channel(scan, number, ends) for number, ends in found.items()], [gap for gap in gaps if gap.count]
    )


def _channel(scan: Scan, number: int, ends: list[tuple[OtherHolder, Eventfd]]) -> Channel:
    last = ends[-1][1]
    holders = sorted((holder for holder, _ in ends), key=lambda holder: (holder.process.starttime, holder.process.pid))
    return Channel(
        key=ChannelKey(NAME, 0, number),
        id=f"eventfd:[{number}]",
        aliases=(),
        mechanism=NAME,
        name=None,
        state=_state(last.counter),
        relation="synchronisation",
        queues=(),
        capacity_bytes=None,
        namespaces=Namespaces(),
        created_at=None,
        endpoints=tuple(_endpoint(holder, holders[0]) for holder in holders),
        fields=(last.counter, last.semaphore, len(holders)),
        exposure=Exposure("holders"),
        all_seen=not scan.may_hide,
    )


def _endpoint(holder: OtherHolder, first: OtherHolder) -> Endpoint:
    """Every holder can add and take; side `a` is the process that is there for longest."""
    side = "a" if holder.process.key == first.process.key else "b"
    return Endpoint(side, "both", holder.process, holder.end.fd, None)


def _state(count: int) -> str:
    if count >= _MOST:
        return "full"
    return "holding" if count else "idle"


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """The counter as the 8 bytes that a read would give. Raises Vanished."""
    for holder in holders_of(channel.endpoints):
        try:
            text = procfs.read_of(peeking.root, holder.process.pid, holder.process.starttime, f"fdinfo/{holder.fd}")
        except OSError:
            continue
        told = parse_eventfd(text)
        if told is not None and told.id == channel.key.number:
            return _contents(told, f"fdinfo of {holder}", peeking.most)
    raise Vanished(f"every holder of {channel.id}")


def _contents(told: Eventfd, by: str, most: int) -> Contents:
    given = 1 if told.semaphore and told.counter else told.counter
    data = given.to_bytes(_WIDTH, sys.byteorder)
    how = "takes 1 of it at a time" if told.semaphore else "takes all of it at once"
    if told.semaphore is None:
        how = "takes 1 of it, or all: this kernel does not tell the mode"
    note = f"a counter, not a queue: it stands at {told.counter}, and a read {how}"
    pieces = (Piece(data[:most], _WIDTH, f"counter {told.counter}"),) if told.counter else ()
    return Contents(pieces, by, _WIDTH if told.counter else 0, note=note)


class _End:
    """Either half's descriptor. Both inherit one open file description: whether calls sleep is the same for both."""

    def __init__(self, part: Part) -> None:
        self._calls, self._fd = part.calls, part.fds[0]
        fd = self._fd
        add: Callable[[], int] = functools.partial(os.write, fd, _ONE)
        take: Callable[[], bytes] = functools.partial(os.read, fd, _WIDTH)
        self._add = self._calls.bound("write", add, lambda: (fd, "1"))
        self._take = self._calls.bound("read", take, lambda: (fd, _WIDTH), _told)

    def open(self) -> None:
        """The descriptor is inherited."""

    def fileno(self) -> int:
        """What poll(2) can ask about."""
        return self._fd

    def send(self, payload: bytes) -> None:
        """Add 1; a counter carries no bytes. Raises OSError."""
        self._add()

    def receive(self, size: int) -> bytes:
        """Take what was added; sleeps until something was. Raises OSError."""
        self._take()
        return b""

    def close(self) -> None:
        """Let go of it. Raises OSError."""
        self._calls("close", (self._fd,), lambda: os.close(self._fd))


def _told(data: bytes) -> str:
    return f"{len(data)} bytes: {int.from_bytes(data, sys.byteorder)}"


def _make(making: Making) -> Handover:
    """One counter for both."""
    semaphore = making.variant == "semaphore"
    blocking = making.terms.blocking
    flags = ["EFD_CLOEXEC", *(["EFD_SEMAPHORE"] if semaphore else []), *([] if blocking else ["EFD_NONBLOCK"])]
    fd = making.calls("eventfd2", (0, "|".join(flags)), lambda: eventfd(0, semaphore, blocking))
    return Handover((), (fd,), (), (fd,))


DEMO = Demo(
    variants=("counter", "semaphore"),
    create=_make,
    sender=_End,
    receiver=_End,
    carries_payload=False,
    merges=("counter",),
    notifications=("read", "poll", "epoll"),
    nonblocking=True,
)
