"""What the socket rooms have in common: ends made from the holders of an inode."""

from __future__ import annotations

from functools import lru_cache

from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Endpoint, Exposure, FieldValue, Namespaces, Queue
from ipcinspect.model.channel_key import ChannelKey


def ends(scan: Scan, side: str, role: str, inode: int | None, address: str | None) -> list[Endpoint]:
    """One endpoint for each visible descriptor of a socket; one without a process where nobody visible has it."""
    holders = scan.socket_holders.get(inode) if inode else None
    if not holders:
        return [Endpoint(side, role, None, None, inode or None, address)]
    new = tuple.__new__
    return [new(Endpoint, (side, role, process, fd, inode, address)) for process, fd in holders]


@lru_cache(maxsize=1024)
def namespace(netns: int | None) -> Namespaces:
    """The network namespace of a socket; one value for all its sockets."""
    return Namespaces(net=netns)


@lru_cache(maxsize=1024)
def alone(uid: int | None) -> Exposure:
    """Of a connected socket, or one without a name: nobody beside its holders takes part."""
    return Exposure("holders", uid)


@lru_cache(maxsize=1024)
def by_address(on_loopback: bool, uid: int | None) -> Exposure:
    """Of an internet socket that takes from anybody at its address."""
    return Exposure("host" if on_loopback else "network", uid)


def stream_state(queues: tuple[Queue, ...], full: bool, half_closed: bool) -> str:
    """The state of a connected pair: a writer that would block is worse news than a direction that is shut."""
    if full:
        return "full"
    if half_closed:
        return "half-closed"
    known = [queue.bytes for queue in queues if queue.bytes is not None]
    if any(known) or any(queue.next_message_bytes for queue in queues):
        return "holding"
    return "idle" if len(known) == len(queues) else "unknown"


def share(used: int | None, limit: int | None) -> float | None:
    """Used of limit, 0.0 to 1.0; None where either is unknown."""
    return min(used / limit, 1.0) if used is not None and limit else None


def relation_of_readers(readers: list[Endpoint]) -> str:
    """One queue with two or more reading processes splits work; else it carries data between two sides."""
    pids = {end.process.pid for end in readers if end.process is not None}
    return "splitting work" if len(pids) > 1 else "data exchange"


def unlisted(scan: Scan, mechanism: str, protocols: tuple[str, ...], fields: tuple[FieldValue, ...]) -> list[Channel]:
    """A channel for each socket of these protocols that has a holder and stands in no table: its state is unknown."""
    return [
        Channel(
            ChannelKey("socket", 0, inode),
            f"socket:[{inode}]",
            (),
            mechanism,
            None,
            "unknown",
            "data exchange",
            (),
            None,
            Namespaces(),
            None,
            tuple(ends(scan, "a", "both", inode, None)),
            fields,
        )
        for protocol in protocols
        for inode in scan.unlisted_sockets.get(protocol, ())
    ]
