"""Who stands at the two ends of a channel, and what the wire between them looks like."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ipcinspect.mechanisms import field_of
from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.selection.order import condition
from ipcinspect.tui.states import MOVING, is_trouble, look_of

MEMORY = frozenset(
    ("sysv-shm", "sysv-sem", "posix-shm", "posix-sem", "memfd", "shared-anon", "mmap", "eventfd", "file-lock", "futex")
)
"""Mechanisms whose holders share one thing: no direction."""
_LOCKS = frozenset(("file-lock", "futex"))
"""Those of them that one holds and others wait for."""
_DATAGRAM = frozenset(("udp", "unix", "netlink", "packet"))
_ONE_WAY = frozenset(("pipe", "fifo", "sysv-msg", "posix-mq", "udp"))
_HELD_BOTH_WAYS = frozenset(("pipe", "fifo", "posix-mq"))
"""Mechanisms of which one descriptor can be both ends."""
_ABSENT = {
    "pipe": ("no writer", "no reader"),
    "fifo": ("no writer", "no reader"),
    "sysv-msg": ("nobody", "nobody"),
    "posix-mq": ("nobody", "nobody"),
    "netlink": ("nobody", "nobody"),
}
"""What to call the missing left and right end of what needs no partner to exist."""

_ALONE = frozenset(("no-reader", "no-writer", "opening"))
"""States that say that an end has no holder: in all others an end without one has a holder that is hidden."""
_UNPROVEN = "none seen"
"""Of what may be held by somebody who does not show: neither that he is there nor that he is not is known."""


class End(NamedTuple):
    """One end as a row tells it."""

    holder: Endpoint | None
    """The holder to name; None where the end is absent or nobody visible holds it."""
    others: int
    """Further processes that hold the same end."""
    absent: str
    """What to say in brackets, or an address, where there is no holder."""


class Ends(NamedTuple):
    """Both ends and the wire between them."""

    left: End
    wire: str
    """Key of `Glyphs.wires`."""
    right: End
    blocked: bool
    """Whether the one at the left cannot go on: it is drawn bold."""


def ends_of(channel: Channel) -> Ends:
    """Both ends of a channel, the one that sends at the left."""
    if channel.mechanism in _LOCKS:
        return _lock(channel)
    if channel.mechanism in MEMORY:
        return _shared(channel)
    if any(end.role == "listener" for end in channel.endpoints):
        return _listener(channel)
    left, right = "a", "b"
    if channel.state == "full" and _full_towards(channel) == "a":
        left, right = right, left
    here, there = _both_ways(channel) or (holders_at(channel, left), holders_at(channel, right))
    if not here and there and _receives_from_anybody(channel):
        return Ends(_end(there, ""), "open", _nobody("anybody"), False)
    return _pair(channel, here, there)


class Held(NamedTuple):
    """A channel as one of its holders sees it."""

    wire: str
    """Key of `Glyphs.wires`, with the holder at the left."""
    other: End


def seen_by(channel: Channel, pid: int, fd: int | None) -> Held:
    """What one holder has at the other end; `fd` None for a mapping or attachment."""
    own = next((end for end in channel.endpoints if _is(end, pid, fd)), None)
    if own is None:
        return Held(_wire(channel), End(None, 0, "hidden"))
    if channel.mechanism in _LOCKS:
        across = [end for end in channel.endpoints if end.role != own.role]
        nobody = "nobody waits" if own.role == "holder" else "hidden" if across else "not recorded"
        return Held(_own_wire(channel, own) if channel.state == "full" else "shared", _end(across, nobody, oldest=True))
    if channel.mechanism in MEMORY:
        others = [end for end in channel.endpoints if end.role != "creator" and not _is(end, pid, None)]
        return Held("shared", _end(others, _alone(channel), oldest=True))
    if own.role == "listener":
        clients = [end for end in channel.endpoints if end.role == "client"]
        return Held("open", _end(clients, "accepting"))
    if channel.mechanism in _HELD_BOTH_WAYS:
        others = [end for end in channel.endpoints if end is not own and (end.role != own.role or own.role == "both")]
    else:
        others = [end for end in channel.endpoints if end.side != own.side]
    sides = ends_of(channel)
    absent = sides.left if own.side == "b" else sides.right
    return Held(_own_wire(channel, own), _end(others, absent.absent or "hidden"))


def _is(end: Endpoint, pid: int, fd: int | None) -> bool:
    """Whether it is a holder's end; without `fd` any end of that process."""
    return end.process is not None and end.process.pid == pid and (fd is None or end.fd == fd)


def _own_wire(channel: Channel, own: Endpoint) -> str:
    """The wire from a holder outwards: a reader's points at it, a blocked writer's runs into a wall."""
    wire = _wire(channel)
    if wire == "blocked" and channel.state == "full":
        if own.role in ("reader", "holder") or _full_towards(channel) == own.side:
            return "from"
        return wire
    if wire.startswith("to") and own.role == "reader":
        return wire.replace("to", "from")
    return wire


def wire_role(channel: Channel, wire: str) -> str:
    """The colour of the wire: severities and movement stand out, all else is faint."""
    role = look_of(condition(channel)).role
    if role in ("error", "warning"):
        return role
    return "ok" if "moving" in wire or channel.state in MOVING else "faint"


def _pair(channel: Channel, here: list[Endpoint], there: list[Endpoint]) -> Ends:
    nobody = _ABSENT.get(channel.mechanism, (None, None))
    if channel.mechanism == "sysv-msg":
        nobody = _no_user(channel, "lspid", "stime"), _no_user(channel, "lrpid", "rtime")
    left = _end(here, _unseen_end(channel, here, nobody[0]))
    right = _end(there, _unseen_end(channel, there, nobody[1]))
    return Ends(left, _wire(channel), right, channel.state in ("full", "opening"))


def _no_user(channel: Channel, pid: str, time: str) -> str:
    """Of a queue that was used at some time, but by no pid: its user is in a pid namespace that is not ours to see."""
    return "hidden" if field_of(channel, pid) is None and field_of(channel, time) is not None else "nobody"


def _receives_from_anybody(channel: Channel) -> bool:
    """Whether it is a datagram socket without known senders, and nothing is wrong with it."""
    if channel.mechanism not in _DATAGRAM or is_trouble(channel.state) or channel.state == "closed":
        return False
    return all(end.role == "reader" for end in channel.endpoints)


def _listener(channel: Channel) -> Ends:
    """A listener stands at the left, open for anybody; with clients waiting it is what they run into."""
    listeners = [end for end in channel.endpoints if end.role == "listener"]
    clients = [end for end in channel.endpoints if end.role == "client"]
    accepting = _end(listeners, "gone" if channel.state == "closed" else "hidden", oldest=True)
    if channel.state == "closed":
        return Ends(accepting, "gone", _nobody(""), False)
    if channel.state == "waiting-accept" or clients:
        waiting = _end(clients, "client unknown")
        return Ends(waiting, "blocked", accepting, True)
    wire = "open" if channel.state == "listening" else _wire(channel)
    return Ends(accepting, wire, _nobody("accepting" if channel.state == "listening" else ""), False)


def _lock(channel: Channel) -> Ends:
    """Who waits runs into who holds; a lock that nobody waits for has its holder at the left."""
    waiters = [end for end in channel.endpoints if end.role == "waiter"]
    holders = [end for end in channel.endpoints if end.role == "holder"]
    holder = _end(holders, "hidden" if holders else "not recorded", oldest=True)
    if waiters:
        blocked = channel.state == "full"
        return Ends(_end(waiters, "hidden", oldest=True), "blocked" if blocked else "shared", holder, blocked)
    return Ends(holder, "gone" if channel.state == "closed" else "shared", _nobody("nobody waits"), False)


def _shared(channel: Channel) -> Ends:
    """Memory, semaphores, locks: the two that hold it longest, and how many more."""
    attached = [end for end in channel.endpoints if end.role != "creator"] or list(channel.endpoints)
    nobody = "hidden" if _is_held_unseen(channel) else _UNPROVEN if channel.state == "unknown" else "nobody"
    first = _end(attached, nobody, oldest=True)
    wire = "gone" if channel.state in ("orphaned", "closed", "marked-for-deletion") else "shared"
    named = first.holder
    if named is None or named.process is None:
        return Ends(first, wire, _nobody(nobody), False)
    rest = [end for end in attached if end.process is None or end.process.key != named.process.key]
    if not rest:
        return Ends(End(named, 0, ""), wire, _nobody(_alone(channel)), False)
    return Ends(End(named, 0, ""), wire, _end(rest, "nobody", oldest=True), False)


def _alone(channel: Channel) -> str:
    """What to say beside the one process seen to hold it: that it is the only one has to be known."""
    if channel.state in ("orphaned", "closed"):
        return "nobody"
    if _is_held_unseen(channel):
        return "hidden"
    return "only itself" if channel.all_seen or _attachments(channel) is not None else _UNPROVEN


def _is_held_unseen(channel: Channel) -> bool:
    """Whether somebody who is not seen certainly holds it."""
    counted = _attachments(channel)
    return counted is not None and counted[0] > counted[1]


def _attachments(channel: Channel) -> tuple[int, int] | None:
    """Of a System V segment how many the kernel counts, seen or not, and how many are seen; else None."""
    attached, seen = field_of(channel, "attached"), field_of(channel, "attached_seen")
    return (attached, seen) if isinstance(attached, int) and isinstance(seen, int) else None


def _wire(channel: Channel) -> str:
    if channel.state in ("full", "opening", "waiting-accept"):
        return "blocked"
    if channel.state in ("closed", "orphaned", "half-closed", "no-reader", "no-writer"):
        return "gone"
    is_two_way = channel.mechanism not in _ONE_WAY and len(channel.queues) != 1
    direction = "both" if is_two_way or _both_ways(channel) else "to"
    return f"{direction} moving" if channel.state in MOVING else direction


def _unseen_end(channel: Channel, ends: list[Endpoint], nobody: str | None) -> str:
    """What to say where nobody is seen: an end that has an inode is there, so its holder is hidden."""
    if channel.state != "closed" and any(end.inode for end in ends):
        return "hidden"
    return _absent_end(channel, nobody)


def _absent_end(channel: Channel, nobody: str | None) -> str:
    """Why an end has no visible holder, in at most 14 cells with its brackets."""
    if channel.state == "unknown":
        return _UNPROVEN
    if channel.state == "closed":
        return "gone"
    if nobody is not None and (channel.state in _ALONE or channel.mechanism not in ("pipe", "fifo")):
        return nobody
    if channel.state == "opening":
        return "no answer yet"
    if channel.mechanism in ("unix", "tcp"):  # the kernel tells every peer there is: one that is not told is not there
        return {"half-closed": "peer closed", "no-reader": "no reader", "idle": "not connected"}.get(
            channel.state, "hidden"
        )
    return "peer closed" if channel.state == "half-closed" else "hidden"


def absent_at(channel: Channel, side: str) -> str:
    """The same word as a row has, by the side of the contract: why nobody is seen there; empty where nobody belongs."""
    ends = ends_of(channel)
    left = "a"
    if ends.left.holder is not None:
        left = ends.left.holder.side
    elif ends.right.holder is not None:
        left = "a" if ends.right.holder.side == "b" else "b"
    end = ends.left if side == left else ends.right
    return end.absent if end.holder is None else ""


def holders_at(channel: Channel, side: str) -> list[Endpoint]:
    """The holders of one side; who holds both (opened read-write) stands in for a side without any."""
    own = [end for end in channel.endpoints if end.side == side]
    if own or channel.mechanism not in _HELD_BOTH_WAYS:
        return own
    return [end for end in channel.endpoints if end.role == "both"]


def _both_ways(channel: Channel) -> tuple[list[Endpoint], list[Endpoint]] | None:
    """The oldest process, and the others, where several have one thing open and each may send and receive."""
    ends = channel.endpoints
    if channel.mechanism not in _HELD_BOTH_WAYS or any(end.role != "both" or end.process is None for end in ends):
        return None
    processes = sorted(
        {end.process for end in ends if end.process is not None}, key=lambda one: (one.starttime, one.pid)
    )
    if len(processes) < 2:
        return None
    first = [end for end in ends if end.process == processes[0]]
    return first, [end for end in ends if end.process != processes[0]]


def _end(holders: Iterable[Endpoint], absent: str, oldest: bool = False) -> End:
    """The holder to name: the youngest process, since a parent often keeps a copy of what its child works with."""
    listed = list(holders)
    seen = [end for end in listed if end.process is not None]
    if not seen:
        address = next((end.address for end in listed if end.address), None)
        return End(None, 0, absent) if address is None else End(listed[0], 0, address)

    def started(end: Endpoint) -> tuple[int, int, int]:
        process = end.process
        return (0, 0, 0) if process is None else (process.starttime, process.pid, -(end.fd or 0))

    named = min(seen, key=started) if oldest else max(seen, key=started)
    return End(named, len({end.process.key for end in seen if end.process is not None}) - 1, "")


def _nobody(word: str) -> End:
    return End(None, 0, word)


def _full_towards(channel: Channel) -> str | None:
    """The reading side of the direction that is fullest."""
    fullest = max(channel.queues, key=lambda queue: queue.fill if queue.fill is not None else -1.0, default=None)
    return None if fullest is None else fullest.to
