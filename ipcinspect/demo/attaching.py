"""Puts demo halves on a channel that is there already: whether that is possible, whose it is, what will be done to it.

All of it is known before anything is done, so that it can be shown and asked about.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ipcinspect.demo import formats, limits
from ipcinspect.demo.checking import PROC, PlanError, check_figures
from ipcinspect.demo.limits import Machine
from ipcinspect.demo.path_facts import facts_of
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.process import DemoError
from ipcinspect.demo.protocol import Joins
from ipcinspect.kernel.errors import Unsupported
from ipcinspect.kernel.libc import FileFacts
from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.room import Attach, Demo, Room
from ipcinspect.model.channel import Channel, Exposure, reach_of_mode
from ipcinspect.model.snapshot import Host, Snapshot

WITHIN_S = 5.0
"""How long the other side of a channel is waited for, unless the user says otherwise."""
LONGEST_WITHIN_S = 3600.0
_OF_ITS_HOLDERS = ("unix", "tcp", "udp")
"""Sockets are whose process has them, beside who made them."""
_IN_NET_NAMESPACE = ("tcp", "udp")
_HAVE_NAMES = ("mmap", "pty")
"""Those that a path leads to, and that a demo leaves alone all the same: users' files, and what somebody types at."""

AskPath = Callable[[str], FileFacts]


class Wish(NamedTuple):
    """What the user asks for beside the plan."""

    role: str | None = None
    """One of `demo_attach.ROLES`; None: the usual one of the mechanism."""
    at: int = 0
    """As in `Attaching`; likewise `number`."""
    within_s: float = WITHIN_S
    number: int = 1


class Attachment(NamedTuple):
    """Halves on a channel."""

    room: Room
    channel: Channel
    plan: Plan
    role: str
    access: Access
    within_s: float

    @property
    def demo(self) -> Demo:
        """The room's demo."""
        assert self.room.DEMO is not None
        return self.room.DEMO

    @property
    def attach(self) -> Attach:
        """What it can do there."""
        assert self.demo.attach is not None
        return self.demo.attach

    @property
    def halves(self) -> tuple[str, ...]:
        """Of `sender` and `receiver`, those that are wanted."""
        return ("sender", "receiver") if self.role == "both" else (self.role,)

    @property
    def joins(self) -> Joins:
        """The same, for the keeper."""
        access = self.access
        return Joins(self.halves, access.sender_args, access.receiver_args, access.most_bytes, access.limit_told_by)


def attach(
    channel: Channel, snapshot: Snapshot, plan: Plan, wish: Wish, ask: AskPath = facts_of, root: str = PROC
) -> Attachment:
    """What is going to happen. Raises PlanError where it is not possible, DemoError where a path cannot be asked."""
    room = next(room for room in MECHANISMS if channel.mechanism == room.NAME)
    demo = room.DEMO
    if demo is None or demo.attach is None:
        raise PlanError(_impossible(channel, room))
    _check_namespaces(channel, snapshot.host)
    role = wish.role or demo.attach.roles[0]
    if role not in demo.attach.roles:
        raise PlanError(f"{channel.id}: only a sender can be put on it: somebody receives there already")
    if wish.at and demo.attach.at is None:
        raise PlanError(f"{channel.id}: nothing in a {channel.mechanism} has a number to start at")
    if not 0 < wish.within_s <= LONGEST_WITHIN_S:
        raise PlanError(f"waiting for {wish.within_s:g} s is not possible: more than 0, {LONGEST_WITHIN_S:g} at most")
    plan = _checked(plan._replace(variant=None, response=None), demo, role, channel)
    channel = _reached(channel, ask)
    _check_nearer(channel, snapshot)
    attaching = Attaching(channel, role, plan.messages, plan.size, wish.at, wish.number, plan.blocking)
    try:
        access = demo.attach.access(attaching)
    except Unsupported as error:
        raise PlanError(f"{channel.id}: {error}") from error
    if attaching.sends and demo.carries_payload:
        access = _with_limit(access, plan, Machine(root))
        _check_size(plan, access)
    return Attachment(room, channel, plan, role, access, wish.within_s)


def stranger_of(channel: Channel, snapshot: Snapshot) -> str | None:
    """Whose a channel is where it is not ours alone: `root`, `an unknown user`. None where it is ours. Kernel text."""
    owners = {None if channel.exposure is None else channel.exposure.owner_uid}
    if channel.mechanism in _OF_ITS_HOLDERS:
        takers = [end.process for end in channel.endpoints if end.role in ("listener", "reader")]
        owners |= {process.uid for process in takers if process is not None}
    others = owners - {snapshot.host.uid}
    if not others:
        return None
    known = sorted(uid for uid in others if uid is not None)
    return snapshot.users.get(known[0], f"uid {known[0]}") if known else "an unknown user"


def _impossible(channel: Channel, room: Room) -> str:
    possible = ", ".join(room.NAME for room in MECHANISMS if room.DEMO is not None and room.DEMO.attach is not None)
    nameless = room.DEMO is not None and room.NAME not in _HAVE_NAMES
    why = ", which no name leads to" if nameless else ""
    return f"{channel.id}: a demo cannot be put on a {room.NAME}{why} (possible: {possible})"


def _check_namespaces(channel: Channel, host: Host) -> None:
    """Whether a name of ours can lead to it. Raises PlanError."""
    net, ipc = channel.namespaces
    by_net = channel.mechanism in _IN_NET_NAMESPACE or (channel.name or "").startswith("@")
    if ipc is not None and ipc != host.ipc_namespace:
        raise PlanError(f"{channel.id} is of another IPC namespace: no name of ours leads to it (nsenter --ipc does)")
    if by_net and net is not None and net != host.net_namespace:
        raise PlanError(
            f"{channel.id} is of another network namespace: no name of ours leads to it (nsenter --net does)"
        )


def _checked(plan: Plan, demo: Demo, role: str, channel: Channel) -> Plan:
    """The plan with everything filled in. Raises PlanError."""
    check_figures(plan)
    if role == "sender" and (plan.notification is not None or plan.reading_s):
        raise PlanError("a sender alone receives nothing: neither a notification nor a reading time has a meaning")
    if role == "receiver" and plan.rate is not None:
        raise PlanError("a receiver alone sends nothing: a rate has no meaning")
    if not plan.blocking and not demo.nonblocking:
        raise PlanError(f"{channel.mechanism} cannot be non-blocking: none of its calls can be told not to sleep")
    notification = plan.notification or demo.notifications[0]
    if notification not in demo.notifications:
        possible = ", ".join(demo.notifications)
        raise PlanError(f"{channel.mechanism} has no notification '{notification}' (possible: {possible})")
    return plan._replace(notification=notification, variant="existing")


def _with_limit(access: Access, plan: Plan, machine: Machine) -> Access:
    """Where the room does not know the longest message: what this machine says of channels of this kind."""
    if access.most_bytes is not None:
        return access
    kind = access.sender_args[0] if plan.mechanism == "unix" else ""
    longest = limits.longest(plan.mechanism, kind, machine)
    is_limited = longest.size < limits.LARGEST_SIZE
    return access._replace(most_bytes=longest.size, limit_told_by=longest.told_by) if is_limited else access


def _check_size(plan: Plan, access: Access) -> None:
    """Raises PlanError."""
    least = formats.smallest(plan.format, plan.messages)
    if plan.size < least:
        raise PlanError(f"a size of {plan.size} bytes is too small: {plan.format} needs {least}")
    if access.most_bytes is not None and plan.size > access.most_bytes:
        raise PlanError(
            f"a size of {plan.size} bytes is too big for this {plan.mechanism}: "
            f"{access.most_bytes} at most ({access.limit_told_by})"
        )


def _reached(channel: Channel, ask: AskPath) -> Channel:
    """The channel, once its path was looked at where that is what leads to it. Raises PlanError, DemoError."""
    if channel.mechanism == "fifo" and channel.name is not None:
        file = _asked(channel, channel.name, ask)
        if (file.device, file.inode) != (channel.key.space, channel.key.number):
            raise PlanError(f"{channel.id}: {channel.name} leads to another file here: {_ELSEWHERE}")
        return channel
    if channel.mechanism != "unix" or channel.name is None or channel.name.startswith("@"):
        return channel
    if not channel.name.startswith("/"):
        raise PlanError(f"{channel.id}: its name {channel.name} starts in the directory that its server was in")
    if channel.exposure is None or channel.exposure.reach != "unknown":
        return channel
    file = _asked(channel, channel.name, ask)
    if not stat.S_ISSOCK(file.mode):
        raise PlanError(f"{channel.id}: {channel.name} is no socket here: {_ELSEWHERE}")
    mode = stat.S_IMODE(file.mode)
    return channel._replace(exposure=Exposure(reach_of_mode(mode), file.uid, mode))


_ELSEWHERE = "the channel is in another mount namespace, or its name is gone"


def _asked(channel: Channel, path: str, ask: AskPath) -> FileFacts:
    try:
        return ask(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PlanError(f"{channel.id}: there is no {path} here: {_ELSEWHERE}") from error
    except OSError as error:
        raise DemoError(f"{path}: {error.strerror}") from error


def _check_nearer(channel: Channel, snapshot: Snapshot) -> None:
    """Whether the address leads to this one: what is bound to just that address comes before what takes all of them.

    Raises PlanError.
    """
    if channel.mechanism not in _IN_NET_NAMESPACE or channel.name is None:
        return
    host, _, port = channel.name.rpartition(":")
    nearer = {"0.0.0.0": f"127.0.0.1:{port}", "[::]": f"[::1]:{port}"}.get(host)
    others = _bound(snapshot.channels, channel, nearer)
    other = next(iter(others), None)
    if other is not None:
        raise PlanError(f"{channel.id}: {nearer}, where we would reach it, leads to {other.id}")


def _bound(channels: Iterable[Channel], like: Channel, name: str | None) -> list[Channel]:
    return [
        one
        for one in channels
        if one.mechanism == like.mechanism
        and one.name == name
        and one.namespaces.net == like.namespaces.net
        and any(end.role in ("listener", "reader") for end in one.endpoints)
    ]
