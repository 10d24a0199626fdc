"""What a room is: the shape that every mechanism's file has, and the nouns it answers in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, NamedTuple, Protocol

from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Field
from ipcinspect.model.contents import Contents
from ipcinspect.model.gap import Gap


class Collected(NamedTuple):
    """What one room found in one scan."""

    channels: list[Channel]
    gaps: list[Gap]


class Wait(NamedTuple):
    """One way to sleep on a channel, as data for the floors above."""

    call: str
    """The system call (`read`, `semop`)."""
    role: str
    """Who sleeps in it."""
    until: str
    """The role that ends the wait by acting."""
    when: str
    """What has to be the case for the call to sleep: `empty`, `full`, `no partner`."""


class Tells(NamedTuple):
    """What a room tells of its channels: a row of the table in README. The contract test holds it to every word."""

    ends: str
    """How holders are known: `descriptors`, `mappings`, `last users`, `lock table`, ..."""
    depth: str
    """What is told of what waits in it: `bytes`, `messages`, `bytes and messages`, `value`, `memory` (the kernel's, and
    nothing else), or `none`: no queue."""
    peek: str | None
    """The sentence that announces what looking inside does; None where nothing can look inside."""
    relations: tuple[str, ...]
    """Those of `words.RELATIONS` that its channels can have."""
    namespace: str
    """What kind of namespace its objects belong to: `net`, `ipc`, `mount`, or `none`."""


class Handover(NamedTuple):
    """What the runner of a demo passes on to the two processes after it made the object."""

    sender_args: tuple[str, ...]
    sender_fds: tuple[int, ...]
    receiver_args: tuple[str, ...]
    receiver_fds: tuple[int, ...]
    remove: Callable[[], None]
    """Takes the object's name (a path, a System V id) out of the system; safe to call twice."""


class DemoSender(Protocol):
    """The sender's half; lives in a process of its own."""

    def open(self) -> None:
        """Take hold of the sender's end."""
        ...

    def send(self, payload: bytes) -> None:
        """One transfer. Raises OSError with the kernel's own errno."""
        ...

    def close(self) -> None:
        """Let go of the end."""
        ...


class DemoReceiver(Protocol):
    """The receiver's half; lives in a process of its own."""

    def open(self) -> None:
        """Take hold of the receiver's end; may wait for the sender where the mechanism does (accept)."""
        ...

    def receive(self, size: int) -> bytes:
        """Take what one `send` of `size` bytes gave; waits for it."""
        ...

    def close(self) -> None:
        """Let go of the end."""
        ...


class Demo(NamedTuple):
    """A real sender and a real receiver of one mechanism. Each half is made from its (args, fds) of the Handover."""

    variants: tuple[str, ...]
    """The kinds it can show; the first is the usual one."""
    create: Callable[[str, str], Handover]
    """(an existing empty directory for names, a variant) -> the handover. Raises OSError."""
    sender: Callable[[Sequence[str], Sequence[int]], DemoSender]
    receiver: Callable[[Sequence[str], Sequence[int]], DemoReceiver]
    carries_payload: bool
    """False for mechanisms that carry no bytes (semaphores): `receive` then answers b''."""
    only_forks_inherit: bool = False
    """Whether neither a name nor a descriptor passes it on: then `create` runs in a process that forks both halves.

    It calls `remove` after that, to let go of its own hold.
    """


class Room(Protocol):
    """One mechanism: a module (or a package of that name) with these names in it."""

    @property
    def NAME(self) -> str:
        """The mechanism's word, one of `model.words.MECHANISMS`."""
        ...

    @property
    def FIELDS(self) -> tuple[Field, ...]:
        """What the mechanism tells beside what every channel has; `Channel.fields` follows this order."""
        ...

    @property
    def WAITS(self) -> tuple[Wait, ...]:
        """Who can sleep on it, in which call, until who acts."""
        ...

    @property
    def NEEDS_ALL_DESCRIPTORS(self) -> bool:
        """Whether it looks for its objects among descriptors that are neither pipe, FIFO nor socket; that is dear."""
        ...

    @property
    def TELLS(self) -> Tells:
        """What it can say of its channels."""
        ...

    @property
    def DEMO(self) -> Demo | None:
        """The demo pair; None for what the program only looks at (netlink, packet, file-lock, futex)."""
        ...

    def collect(self, scan: Scan) -> Collected:
        """Facts of one scan -> channels. Raises Denied or Unsupported where the whole mechanism cannot be seen."""
        ...

    def peek(self, peeking: Peeking, channel: Channel) -> Contents:
        """At most `peeking.most` bytes of what is in a channel of its own, without consuming any.

        Raises Vanished, Denied or Unsupported, whose message is the reason that the user reads.
        """
        ...
