"""A real sender and a real receiver at one POSIX queue."""

from __future__ import annotations

import os

from ipcinspect.kernel import mq_transfer
from ipcinspect.kernel.errors import Unsupported
from ipcinspect.mechanisms import demo_attach
from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.demo_descriptors import told_size
from ipcinspect.mechanisms.demo_part import Leaving, Making, Part
from ipcinspect.mechanisms.posix_mq.fields import FIELDS
from ipcinspect.mechanisms.room import Attach, Demo, Handover

_MESSAGES, _MESSAGE_BYTES = 8, 4096
"""What a queue has room for unless more or less is asked for."""


class _End:
    """One half's descriptor of the queue."""

    def __init__(self, part: Part, access: str) -> None:
        self._calls, self._name, self._access = part.calls, part.args[0], access
        self._blocking = part.terms.blocking
        self._fd = -1

    def open(self) -> None:
        """For sending or receiving alone. Raises OSError."""
        flags = getattr(os, self._access) | (0 if self._blocking else os.O_NONBLOCK)
        shown = (self._name, self._access if self._blocking else f"{self._access}|O_NONBLOCK")
        self._fd = fd = self._calls("mq_open", shown, lambda: mq_transfer.open_existing(self._name, flags))
        send, receive = mq_transfer.sending(fd), mq_transfer.receiving(fd)
        self._send = self._calls.bound("mq_send", send, lambda message: (fd, f"{len(message)} bytes", "priority 0"))
        self._receive = self._calls.bound("mq_receive", receive, lambda: (fd,), told_size)

    def fileno(self) -> int:
        """What poll(2) can ask about."""
        return self._fd

    def send(self, payload: bytes) -> None:
        """One message; sleeps while the queue is full. Raises OSError (EMSGSIZE: longer than the queue allows)."""
        self._send(payload)

    def receive(self, size: int) -> bytes:
        """One message, whole; waits for it. Raises OSError."""
        return self._receive()

    def close(self) -> None:
        """Let go of the queue, which stays."""
        self._calls("mq_close", (self._fd,), lambda: os.close(self._fd))


def _make(making: Making) -> Handover:
    """A queue of a name that nobody else has. Raises OSError, with the limit that stands in the way."""
    name = f"/ipcinspect-demo-{os.urandom(8).hex()}"
    messages, size = max(making.terms.messages, _MESSAGES), max(making.terms.size, _MESSAGE_BYTES)
    shown = (name, "O_CREAT|O_EXCL|O_RDWR", f"{making.mode:04o}", f"{messages} messages of {size}")
    making.calls("mq_open", shown, lambda: mq_transfer.create(name, messages, size, making.mode))
    given = (name,)
    return Handover(given, (), given, (), (Leaving("posix-mq", name),), most_bytes=size, limit_told_by="mq_getattr(3)")


class _AttachedEnd(_End):
    """An end of somebody's queue."""

    def __init__(self, part: Part, access: str) -> None:
        super().__init__(part, access)
        self._place = part.args[1:]

    def open(self) -> None:
        """Where the name still leads to the queue that was shown. Raises OSError."""
        super().open()
        demo_attach.check_open(self._fd, self._place)


def _check_room(attaching: Attaching) -> None:
    """Raises Unsupported where the receiver of the same demo would come too late: first all is sent, then received."""
    most, (queue,) = demo_attach.told(FIELDS, attaching.channel, "max_messages"), attaching.channel.queues
    if attaching.role == "both" and isinstance(most, int) and queue.messages is not None:
        left = most - queue.messages
        if attaching.messages > left:
            raise Unsupported(f"{attaching.messages} more messages do not fit into it at once: {left} at most")


def _access(attaching: Attaching) -> Access:
    """By its name. Raises Unsupported where that is gone, or no message of that size fits."""
    channel, does = attaching.channel, []
    if channel.name is None or demo_attach.told(FIELDS, channel, "unlinked"):
        raise Unsupported("its name is gone: only who has it open can use it")
    most = demo_attach.told(FIELDS, channel, "max_message_bytes")
    longest = most if isinstance(most, int) else None
    if attaching.sends:
        if longest is not None and attaching.size > longest:
            raise Unsupported(f"a message in it has {longest} bytes at most, not {attaching.size}")
        _check_room(attaching)
        does.append(f"send {attaching.amount}, priority 0: what nobody receives stays in the queue")
    if attaching.receives:
        does.append(
            f"receive {demo_attach.counted(attaching.messages, 'message')} at most, the highest priority first, "
            "whoever sent them: each is taken out, and whoever waits for it does not get it"
        )
    given = (channel.name, *demo_attach.of_place(channel))
    return Access(given, given, tuple(does), longest, "mq_getattr(3)")


DEMO = Demo(
    variants=("queue",),
    create=_make,
    sender=lambda part: _End(part, "O_WRONLY"),
    receiver=lambda part: _End(part, "O_RDONLY"),
    carries_payload=True,
    notifications=("read", "poll", "epoll", "mq_notify"),
    nonblocking=True,
    with_mode=("queue",),
    limited_by="RLIMIT_MSGQUEUE",
    bounded=("queue",),
    attach=Attach(
        roles=("sender", "receiver", "both"),
        access=_access,
        sender=lambda part: _AttachedEnd(part, "O_WRONLY"),
        receiver=lambda part: _AttachedEnd(part, "O_RDONLY"),
    ),
)
