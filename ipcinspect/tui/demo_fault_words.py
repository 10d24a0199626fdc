"""What the Demo screen says of a fault before it is chosen: what will be done, and what the kernel says to it here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ipcinspect.demo.faults import STAYS
from ipcinspect.demo.plan import Plan
from ipcinspect.mechanisms.room import Demo

_SENDER_HEARS = {
    "pipe": "EPIPE",
    "fifo": "EPIPE",
    "unix": "EPIPE",
    "unix dgram": "ECONNREFUSED",
    "unix seqpacket": "ECONNRESET",
    "tcp": "ECONNRESET",
    "udp": "ECONNREFUSED",
}
"""By mechanism, or by mechanism and variant: what a sender is told whose receiver died."""
_RECEIVER_SEES_END = frozenset(("pipe", "fifo", "unix", "tcp", "pty"))
_NO_END = "unix dgram"
_NEXT_OWNER = {
    "sysv-sem": "the kernel gives it back (SEM_UNDO)",
    "futex": "the next owner hears EOWNERDEAD",
    "posix-sem": "nobody gives it back: ETIMEDOUT",
}
"""By lock, what becomes of one whose owner died."""
_LIMITED = {"sysv-msg": "ENOSPC", "sysv-sem": "ENOSPC", "sysv-shm": "ENOSPC", "posix-mq": "EMFILE"}
"""What the kernel says where there may be no more of them; of files EFBIG, for it is their size."""


def fault_words(word: str, plan: Plan, demo: Demo) -> str:
    """One line of at most 58 characters. `plan`: filled in."""
    return _WORDS[word](plan, demo)


def _full(plan: Plan, demo: Demo) -> str:
    if plan.mechanism == "udp":
        return "nobody reads; what has no room is dropped without an error"
    return "nobody reads, and the sender may not sleep: EAGAIN"


def _limit(plan: Plan, demo: Demo) -> str:
    error = _LIMITED.get(plan.mechanism)
    return f"{demo.limited_by} allows no {'larger file: EFBIG' if error is None else f'more of them: {error}'}"


def _too_big(plan: Plan, demo: Demo) -> str:
    error = "EINVAL" if plan.mechanism == "sysv-msg" else "EMSGSIZE"
    return f"one byte more than a message may have: {error}"


def _receiver_killed(plan: Plan, demo: Demo) -> str:
    error = _SENDER_HEARS.get(f"{plan.mechanism} {plan.variant}") or _SENDER_HEARS.get(plan.mechanism)
    return f"the receiver is killed; {f'the sender hears {error}' if error else 'nobody tells the sender'}"


def _sender_killed(plan: Plan, demo: Demo) -> str:
    sees = plan.mechanism in _RECEIVER_SEES_END and f"{plan.mechanism} {plan.variant}" != _NO_END
    return f"the sender is killed; {'the receiver reads end of file' if sees else 'nobody tells the receiver'}"


def _owner_dies(plan: Plan, demo: Demo) -> str:
    return f"the lock's owner dies; {_NEXT_OWNER[plan.lock or '']}"


def _leak(plan: Plan, demo: Demo) -> str:
    if plan.mechanism in STAYS:
        return "both end and nobody removes it: it stays"
    return "one of the two never closes its end"


_WORDS: Mapping[str, Callable[[Plan, Demo], str]] = {
    "full": _full,
    "denied": lambda plan, demo: "its permission bits are 0000: EACCES",
    "emfile": lambda plan, demo: "no descriptor is left (RLIMIT_NOFILE): EMFILE",
    "limit": _limit,
    "too-big": _too_big,
    "corrupt": lambda plan, demo: "one bit turns on the way: no call fails, decoding does",
    "receiver-killed": _receiver_killed,
    "sender-killed": _sender_killed,
    "owner-dies": _owner_dies,
    "leak": _leak,
}
"""By the words of `plan.FAULTS`."""
