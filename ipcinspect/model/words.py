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
