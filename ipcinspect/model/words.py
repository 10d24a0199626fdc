"""The closed lists of words: mechanisms, roles, states, stages, relations. Each word has one meaning everywhere."""

from __future__ import annotations

MECHANISMS = (
    "pipe",
    "fifo",
    "unix",
    "tcp",
    "udp",
    "netlink",
    "packet",
    "sysv-msg",
    "sysv-sem",
    "sysv-shm",
    "posix-mq",
    "posix-shm",
    "posix-sem",
    "memfd",
    "shared-anon",
    "mmap",
    "eventfd",
    "pty",
    "file-lock",
    "futex",
)
"""Every mechanism the program is meant to know; `ipcinspect.mechanisms.MECHANISMS` holds the rooms that exist."""

ROLES = (
    "reader",
    "writer",
    "both",
    "client",
    "server",
    "listener",
    "attached",
    "master",
    "slave",
    "holder",
    "waiter",
    "creator",
)

REACHES = ("holders", "owner", "group", "everybody", "host", "network", "unknown")
"""Who may take part in a channel beside those who do.

holders    it has no name: only a process that is given a descriptor or inherits it
owner      the permission bits let its owner alone in (and root)
group      ... its group, too
everybody  ... every user of the machine
host       it has no permission bits at all, and every process of its network namespace reaches it (abstract, loopback)
network    it listens beyond loopback
unknown    it has a name whose permission could not be read without asking a user's file system
"""

STATES = (
    "opening",
    "listening",
    "waiting-accept",
    "idle",
    "holding",
    "flowing",
    "filling",
    "full",
    "draining",
    "half-closed",
    "no-reader",
    "no-writer",
    "orphaned",
    "marked-for-deletion",
    "closed",
    "unknown",
)

STAGES = ("creation", "preparation", "transmission", "delivery", "reception", "response", "termination")

RELATIONS = ("data exchange", "resource sharing", "splitting work", "synchronisation")

CERTAINTIES = ("seen", "inferred", "told")
"""How an event of a channel's life is known: the kernel showed it; it must have been between two snapshots; a demo
process reported it."""

_STAGE_OF_STATE = {
    "opening": "creation",
    "listening": "creation",
    "waiting-accept": "creation",
    "filling": "transmission",
    "full": "transmission",
    "holding": "delivery",
    "flowing": "reception",
    "draining": "reception",
    "half-closed": "termination",
    "no-reader": "termination",
    "no-writer": "termination",
    "orphaned": "termination",
    "marked-for-deletion": "termination",
    "closed": "termination",
}


def stage_of(state: str) -> str | None:
    """The stage of life that a state belongs to; None for `idle` and `unknown`, which tell none."""
    return _STAGE_OF_STATE.get(state)
