"""System V message queues (sysvipc(7), msgop(2)).

/proc/sysvipc/msg shows every queue of the reader's IPC namespace to everybody, and the pids that sent and received
last, as the reader's pid namespace numbers them (0: not in it); it keeps no list of users. The limit of a queue comes
from msgctl(MSG_STAT_ANY). Other IPC namespaces (ipc_namespaces(7)) are asked from inside; their objects end in
`@ipc:[N]`. A recorded pid names a process only if that process is older than the record.
No state follows from who is visible.
"""

from __future__ import annotations

from typing import Callable

from ipcinspect.kernel import sysv, sysvipc
from ipcinspect.kernel.errors import KernelError
from ipcinspect.kernel.message_copy import QueueCopy, copy_messages
from ipcinspect.mechanisms import demo_attach, sysv_objects
from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.demo_part import Leaving, Making, Part
from ipcinspect.mechanisms.peeking import Peeking, reason
from ipcinspect.mechanisms.room import Attach, Collected, Demo, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Endpoint, Field, Queue
from ipcinspect.model.contents import Contents, Piece, refused

NAME = "sysv-msg"

FIELDS = (
    Field("key", "Key", "key", "what ftok(3) gave its users; 0 for a private queue"),
    Field("mode", "Mode", "mode", "permission bits: who may send and receive"),
    Field("owner_uid", "Owner", "uid", "user id that owns it"),
    Field("creator_uid", "Creator", "uid", "user id that made it"),
    Field("lspid", "Last sender", "pid", "pid that sent last; reused numbers are not believed as ends"),
    Field("lrpid", "Last receiver", "pid", "pid that received last; reused numbers are not believed as ends"),
    Field("stime", "Last send", "time", "msg_stime"),
    Field("rtime", "Last receive", "time", "msg_rtime"),
    Field("ctime", "Last change", "time", "creation or last msgctl(IPC_SET)"),
)

TELLS = Tells(
    "last users",
    "bytes and messages",
    "copies the first messages with MSG_COPY; none is received, no time and no last pid changes",
    ("data exchange",),
    "ipc",
)

NEEDS_ALL_DESCRIPTORS = False

WAITS = (
    Wait("msgrcv", "reader", "writer", "empty"),
    Wait("msgsnd", "writer", "reader", "full"),
)


def collect(scan: Scan) -> Collected:
    """Every queue of every IPC namespace that lets us in. Raises Unsupported or Denied, of our own alone."""
    answers = scan.ipc.ask(lambda: _queues(scan))
    return Collected([_channel(scan, ipc, row, limit) for ipc, rows in answers for row, limit in rows], [])


def _queues(scan: Scan) -> list[tuple[sysvipc.MessageQueueRow, int | None]]:
    """The queues of the IPC namespace that this thread is in, with their limits."""
    rows = sysvipc.parse_queues(scan.sysv_table("msg"))
    return [(row, sysv.queue_limit(row.msqid)) for row in rows]


def _channel(scan: Scan, ipc: int | None, row: sysvipc.MessageQueueRow, limit: int | None) -> Channel:
    fill = min(max(row.cbytes, row.qnum) / limit, 1.0) if limit else None
    return sysv_objects.channel(
        scan,
        ipc,
        NAME,
        row.msqid,
        row.key,
        _state(row, limit),
        "data exchange",
        (Queue("b", row.cbytes, row.qnum, fill=fill, written_at=row.stime or None, read_at=row.rtime or None),),
        limit,
        _endpoints(scan, row),
        (
            row.key,
            row.perms & 0o777,
            row.uid,
            row.cuid,
            row.lspid or None,
            row.lrpid or None,
            row.stime or None,
            row.rtime or None,
            row.ctime or None,
        ),
        sysv_objects.by_mode(row.uid, row.perms),
    )


def _state(row: sysvipc.MessageQueueRow, limit: int | None) -> str:
    """A one-byte message would wait when bytes or messages have reached msg_qbytes (msgop(2))."""
    if limit and max(row.cbytes, row.qnum) >= limit:
        return "full"
    return "holding" if row.qnum else "idle"


def _endpoints(scan: Scan, row: sysvipc.MessageQueueRow) -> list[Endpoint]:
    ends = []
    for side, role, pid, acted_at in (("a", "writer", row.lspid, row.stime), ("b", "reader", row.lrpid, row.rtime)):
        process = scan.recorded(pid, acted_at)
        if process is not None:
            ends.append(Endpoint(side, role, process, None, None))
    return ends


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """The first messages, asked for inside the queue's IPC namespace."""
    number = channel.key.number
    try:
        found = peeking.ipc.ask_in(channel.namespaces.ipc, lambda: copy_messages(number, peeking.most))
    except KernelError as error:
        return refused(reason(error), error.why)
    return _contents(number, found)


def _contents(number: int, found: QueueCopy) -> Contents:
    pieces = tuple(Piece(message.data, message.size, f"type {message.type}") for message in found.messages)
    shown = len(pieces)
    total = max(found.depth.messages, shown) if found.depth is not None else None
    total_bytes = max(found.depth.bytes, sum(message.size for message in found.messages)) if found.depth else None
    notes = []
    if total is not None and total > shown:
        notes.append(f"the first {shown:,} of {total:,} messages")
    if found.moved:
        notes.append("the queue moved while it was copied: a message between two may be missing")
    by = f"msgrcv(2) with MSG_COPY on queue {number}" if pieces else ""
    return Contents(pieces, by, total_bytes, total, None, "; ".join(notes) or None)


_LONGEST = 1 << 20
"""Bytes for a message where the limit of its queue is not known."""
_FORTH, _BACK = 1, 2
"""Types of the messages to the receiver and of the answers."""
_GREETS = "the greeting by which the kernel knows it as an end"


class _End:
    """Either half of a queue: the types keep the two ways apart."""

    def __init__(self, part: Part, sends: int, takes: int) -> None:
        self._calls, self._msqid = part.calls, int(part.args[0])
        self._sends, self._takes = sends, takes
        flags = 0 if part.terms.blocking else sysv.IPC_NOWAIT
        self._send, self._receive = self._sending(flags, ""), self._receiving(flags, "")

    def open(self) -> None:
        """Greet, or take the greeting: the kernel names nobody as an end who has not sent or received."""
        if self._sends == _FORTH:
            self._sending(0, _GREETS)(b"")
        else:
            self._receiving(0, _GREETS)(0)

    def send(self, payload: bytes) -> None:
        """One message; where the queue is full, sleeps or raises BlockingIOError. Raises OSError."""
        self._send(payload)

    def receive(self, size: int) -> bytes:
        """The next message of its type; where there is none, sleeps or raises OSError (ENOMSG). Raises OSError."""
        return self._receive(size)

    def fileno(self) -> None:
        """Nothing that poll(2) could ask about."""

    def close(self) -> None:
        """A queue has no ends to close: it is there until it is removed."""

    def _sending(self, flags: int, why: str) -> Callable[[bytes], None]:
        number, kind, words = self._msqid, self._sends, _words(flags, why)
        return self._calls.bound(
            "msgsnd",
            lambda payload: sysv.send_message(number, payload, kind, flags),
            lambda payload: (number, f"type {kind}", f"{len(payload)} bytes", *words),
            lambda done: 0,
        )

    def _receiving(self, flags: int, why: str) -> Callable[[int], bytes]:
        number, kind, words = self._msqid, self._takes, _words(flags, why)
        receive = sysv.receiving(number, kind, flags)
        return self._calls.bound("msgrcv", receive, lambda size: (number, f"type {kind}", size, *words), _told_size)


def _words(flags: int, why: str) -> list[str]:
    return [*(["IPC_NOWAIT"] if flags else []), *([why] if why else [])]


def _told_size(data: bytes) -> str:
    """How a result of msgrcv(2) reads."""
    return f"{len(data)} bytes"


def _make(making: Making) -> Handover:
    """A private queue."""
    mode = making.mode
    msqid = making.calls("msgget", ("IPC_PRIVATE", f"{mode:04o}"), lambda: sysv.create_queue(mode))
    given = (str(msqid),)
    return Handover(given, (), given, (), leaves=(Leaving("sysv-msg", str(msqid)),))


_ANY = 0
"""In the place of a type: the first message, of whatever type."""


class _AttachedEnd(_End):
    """An end of somebody's queue: no greeting, which would be one more message to whoever takes the next."""

    def __init__(self, part: Part) -> None:
        kind, most = int(part.args[1]), int(part.args[2])
        super().__init__(part, kind, kind)
        self._most = most

    def open(self) -> None:
        """A queue is there without opening it."""

    def receive(self, size: int) -> bytes:
        """One message, as long as it is: a shorter buffer would leave it (E2BIG) or cut it. Raises OSError."""
        return super().receive(max(size, self._most))


def _access(attaching: Attaching) -> Access:
    """By its id, which the kernel does not use again soon."""
    number, does = attaching.channel.key.number, []
    sent, taken = (attaching.number,) * 2 if attaching.role == "both" else (_FORTH, _ANY)
    of_type = f"of type {sent}" + (", the pid of this program" if attaching.role == "both" else "")
    if attaching.sends:
        does.append(f"send {attaching.amount}, {of_type}: what nobody receives stays in the queue")
    if attaching.role == "both":
        does.append(f"receive messages of that type, {attaching.messages} at most: no other leaves the queue")
    elif attaching.receives:
        does.append(
            f"receive {demo_attach.counted(attaching.messages, 'message')} at most, the first ones, of whatever type: "
            "each is taken out, and whoever waits for it does not get it"
        )
    does.append("change its records by that: the last pids and times")
    most = attaching.channel.capacity_bytes or _LONGEST
    given = str(number), str(sent), str(most)
    return Access(given, (str(number), str(taken), str(most)), tuple(does))


DEMO = Demo(
    variants=("queue",),
    create=_make,
    sender=lambda part: _End(part, _FORTH, _BACK),
    receiver=lambda part: _End(part, _BACK, _FORTH),
    carries_payload=True,
    responses=("same", "second"),
    nonblocking=True,
    with_mode=("queue",),
    takes_descriptors=False,
    limited_by="kernel.msgmni",
    bounded=("queue",),
    attach=Attach(("sender", "receiver", "both"), _access, _AttachedEnd, _AttachedEnd),
)
