"""What the demo pair of each mechanism looks like; a mechanism that is not listed has to look like one of them."""

from __future__ import annotations

from typing import NamedTuple

from ipcinspect.model.channel import Endpoint


class Ends(NamedTuple):
    """Who is what."""

    sender: tuple[str, str]
    """Side and role; a side `?`: either, but not the receiver's."""
    receiver: tuple[str, str]

    def fit(self, sender: Endpoint, receiver: Endpoint) -> bool:
        """Whether these two ends are as described."""
        found = ((sender.side, sender.role), (receiver.side, receiver.role))
        if self.sender[0] == "?":
            found = (("?", sender.role), ("?", receiver.role))
        return found == (self.sender, self.receiver) and sender.side != receiver.side


DRIVES = Ends(("a", "master"), ("b", "slave"))
SENDS = Ends(("a", "writer"), ("b", "reader"))
CONNECTS = Ends(("a", "client"), ("b", "server"))
EITHER_WAY = Ends(("?", "both"), ("?", "both"))
SHARES = Ends(("?", "attached"), ("?", "attached"))
WRITES_WHAT_THE_OTHER_MAPS = Ends(("a", "attached"), ("b", "attached"))

_ENDS = {
    "pipe": SENDS,
    "fifo": SENDS,
    "unix": CONNECTS,
    "unix dgram": SENDS,
    "unix socketpair": EITHER_WAY,
    "tcp": CONNECTS,
    "udp": SENDS,
    "sysv-msg": SENDS,
    "sysv-sem": EITHER_WAY,
    "sysv-shm": SHARES,
    "posix-mq": SENDS,
    "eventfd": EITHER_WAY,
    "posix-shm": SHARES,
    "posix-sem": SHARES,
    "memfd": SHARES,
    "shared-anon": SHARES,
    "pty": DRIVES,
    "mmap": WRITES_WHAT_THE_OTHER_MAPS,
}

GONE = "gone"

_STATES_AFTER_DEATH: dict[str, tuple[str, str]] = {
    "pipe": ("no-writer", "no-reader"),
    "fifo": ("no-writer", "no-reader"),
    "unix": ("half-closed", "half-closed"),
    "unix dgram": ("idle", GONE),
    "tcp": ("half-closed", "half-closed"),
    "udp": ("idle", GONE),
    "sysv-msg": ("idle", "idle"),
    "sysv-sem": ("idle", "idle"),
    "sysv-shm": ("idle", "idle"),
    "posix-mq": ("idle", "idle"),
    "eventfd": ("idle", "idle"),
    "posix-shm": ("idle", "idle"),
    "posix-sem": ("idle", "idle"),
    "memfd": ("idle", "idle"),
    "shared-anon": ("idle", "idle"),
    "pty": ("half-closed", "half-closed"),
    "mmap": (GONE, "idle"),
}
"""What a channel is after its sender, and after its receiver, was killed. Queues, sets and segments outlive both;
a file that nobody may write any more is no channel."""


def possible_ends(mechanism: str, variant: str) -> tuple[Ends, ...]:
    """What the ends of a pair may be."""
    told = _ENDS.get(f"{mechanism} {variant}") or _ENDS.get(mechanism)
    return (told,) if told else (SENDS, CONNECTS, EITHER_WAY, SHARES)


def state_after_death(mechanism: str, variant: str, of_sender: bool) -> str | None:
    """The state, GONE, or None where nothing is laid down."""
    told = _STATES_AFTER_DEATH.get(f"{mechanism} {variant}") or _STATES_AFTER_DEATH.get(mechanism)
    return told[0 if of_sender else 1] if told else None
