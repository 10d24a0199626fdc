"""What a room is: the shape that every mechanism's file has, and the nouns it answers in."""

from __future__ import annotations

from typing import Callable, NamedTuple, Protocol

from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.demo_part import Leaving, Making, Part
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
    """What the maker of a demo's object passes on to the two processes; after that it closes its own `fds`."""

    sender_args: tuple[str, ...]
    sender_fds: tuple[int, ...]
    receiver_args: tuple[str, ...]
    receiver_fds: tuple[int, ...]
    leaves: tuple[Leaving, ...] = ()
    """What stays in the system until it is removed: names, System V ids."""
    let_go: Callable[[], None] = lambda: None
    """Gives up what the maker itself holds of the object beside `fds` (a mapping), after both halves are forked."""
    address: int | None = None
    """Where the maker has it mapped, of memory that has neither a name nor a descriptor."""
    most_bytes: int | None = None
    """The largest single message that it takes; None where there is no such limit (byte streams)."""
    limit_told_by: str | None = None
    """Where that limit stands: `/proc/sys/kernel/msgmax`."""


class DemoEnd(Protocol):
    """What both halves have; each lives in a process of its own and makes its calls through `Part.calls`."""

    def open(self) -> None:
        """Take hold of the end; may wait for the other half where the mechanism does (accept, FIFO). Raises OSError."""
        ...

    def fileno(self) -> int | None:
        """The descriptor that poll(2) can ask about its end; None where there is none (System V, memory)."""
        ...

    def close(self) -> None:
        """Let go of the end. Raises OSError."""
        ...


class DemoSender(DemoEnd, Protocol):
    """The sender's half; where the mechanism goes both ways it has `receive`, too."""

    def send(self, payload: bytes) -> None:
        """One transfer. Raises OSError with the kernel's own errno."""
        ...


class DemoReceiver(DemoEnd, Protocol):
    """The receiver's half; where the mechanism goes both ways it has `send`, too."""

    def receive(self, size: int) -> bytes:
        """Take what one `send` of `size` bytes gave; waits for it, unless its terms say otherwise. Raises OSError."""
        ...


class Attach(NamedTuple):
    """What a demo can put on an object that is there already."""

    roles: tuple[str, ...]
    """Of `demo_attach.ROLES`; the first is the usual one."""
    access: Callable[[Attaching], Access]
    """How its halves get at it. Raises Unsupported with the reason where no name leads to it, or it cannot be done."""
    sender: Callable[[Part], DemoSender]
    receiver: Callable[[Part], DemoReceiver] | None = None
    """Its `receive` takes what is there, at most so many bytes; None where there is a sender only."""
    at: str | None = None
    """What `Attaching.at` chooses there; None where it chooses nothing."""
    waits: bool = True
    """Whether a receiver waits for what is sent: memory wakes nobody, and has something in it always."""


class Demo(NamedTuple):
    """A real sender and a real receiver of one mechanism, and what the walk through its life can do with them."""

    variants: tuple[str, ...]
    """The kinds it can show; the first is the usual one."""
    create: Callable[[Making], Handover]
    """Makes the object. Raises OSError."""
    sender: Callable[[Part], DemoSender]
    receiver: Callable[[Part], DemoReceiver]
    carries_payload: bool
    """False for mechanisms that carry no bytes (semaphores): `receive` then answers b''."""
    notifications: tuple[str, ...] = ("read",)
    """Of `demo_part.NOTIFICATIONS`, how a receiver can be told that data is there; the first is the usual one."""
    responses: tuple[str, ...] = ("second",)
    """Of `demo_part.RESPONSES`; the first is the usual one. Where it has `same`, both halves send and receive."""
    merges: tuple[str, ...] = ()
    """Variants in which one `receive` takes all that was sent until then (a counter)."""
    one_way: tuple[str, ...] = ()
    """Variants through which no answer comes back, whatever `responses` says of the others."""
    locks: tuple[str, ...] = ()
    """Of `demo_part.LOCKS`, what can guard it; the first is the usual one. Empty for all but memory."""
    nonblocking: bool = False
    """Whether its calls can be told not to sleep."""
    attach: Attach | None = None
    """None where a demo works on an object of its own alone."""
    with_mode: tuple[str, ...] = ()
    """Variants whose object has permission bits, which are asked when it is opened or used."""
    takes_descriptors: bool = True
    """Whether making or opening it takes a descriptor."""
    limited_by: str | None = None
    """A limit on how many there are, or how large one is, that can be lowered for a demo alone: one of the process
    (`RLIMIT_...`), or a sysctl of an IPC namespace, whose last number it is."""
    bounded: tuple[str, ...] = ()
    """Variants in which the kernel refuses a message that is too long."""
    counts: tuple[str, ...] = ()
    """What each number of its object tells, where it has several; the last is what the walk raises and takes."""

    def responses_of(self, variant: str) -> tuple[str, ...]:
        """Those of `responses` that a variant has."""
        return tuple(word for word in self.responses if word != "same" or variant not in self.one_way)


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
