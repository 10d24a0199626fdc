"""Channel addresses: whatever a user has at hand that names a channel, found among the channels that exist now.

`pipe:[123]` and every other id, `1234/5` (process/descriptor), `socket:[77]` of either end, a path (also relative),
`@abstract`, `tcp:127.0.0.1:5432`, `sysv-msg:0x5151` (key), `MECHANISM:NAME`. Objects of an IPC namespace may be
narrowed down by `@ipc:[N]` at the end; `sysv-msg:7` that is not in ours is looked for in all. No mechanism is known
here: all of it works on ids, names and addresses.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.text import visible
from ipcinspect.model.words import MECHANISMS

SHORT = {"mq": "posix-mq", "shm": "posix-shm", "anon-shm": "shared-anon"}
"""Short forms of mechanisms in addresses."""
_UPON = ("holder", "waiter")
"""Roles in a lock, which lies upon a file: a descriptor means what it is open to, before the lock on that."""
_WILDCARD_HOSTS = ("0.0.0.0", "[::]", "*")

Fits = Callable[[Channel], bool]


class Named(NamedTuple):
    """An address in its parts: `sysv-msg:0x5151@ipc:[402]` is (`sysv-msg`, `0x5151`, 402)."""

    mechanism: str | None
    """None where the address does not say."""
    name: str
    ipc_namespace: int | None


def find(text: str, snapshot: Snapshot, directory: str = "/") -> tuple[Channel, ...]:
    """The channels that an address fits: none, one, or the candidates among which the user has to choose.

    The first way of reading that fits anything decides: id or alias; process/descriptor; inode of an end; a
    listener of that name; the name of a channel; the address of an end; a listener on all addresses at that port; a
    path relative to `directory`; the name as it is shown (escapes for what does not print). Touches no file.
    """
    for fits in _readings(text, directory):
        found = tuple(channel for channel in snapshot.channels if fits(channel))
        if found:
            return found
    return ()


def parse_descriptor(text: str) -> tuple[int, int] | None:
    """`1234/5` -> (1234, 5); None for anything else."""
    pid, slash, fd = text.partition("/")
    return (int(pid), int(fd)) if slash and _is_number(pid) and _is_number(fd) else None


def parse_name(text: str) -> Named:
    """The parts of an address that names a channel."""
    rest, suffix, number = text.rpartition("@ipc:[")
    namespace = None
    if suffix and number.endswith("]") and _is_number(number[:-1]):
        text, namespace = rest, int(number[:-1])
    prefix, colon, name = text.partition(":")
    mechanism = SHORT.get(prefix, prefix)
    if colon and mechanism in MECHANISMS:
        return Named(mechanism, name, namespace)
    return Named(None, text, namespace)


def clients_of(listener: Channel, snapshot: Snapshot) -> tuple[Channel, ...]:
    """The connected channels that came in through a listener, as far as their server end tells its address."""
    addresses = {end.address for end in listener.endpoints if end.role == "listener" and end.address}
    if not addresses:
        return ()
    ports = {address.rpartition(":")[2] for address in addresses if _is_wildcard(address)}

    def came_in(channel: Channel) -> bool:
        if channel.mechanism != listener.mechanism or channel.key == listener.key:
            return False
        if channel.namespaces.net != listener.namespaces.net and channel.mechanism != "unix":
            return False
        return any(
            end.role == "server"
            and end.address is not None
            and (end.address in addresses or (bool(ports) and end.address.rpartition(":")[2] in ports))
            for end in channel.endpoints
        )

    return tuple(channel for channel in snapshot.channels if came_in(channel))


def _readings(text: str, directory: str) -> Iterator[Fits]:
    """Every way to understand the address, the most exact first."""
    yield lambda channel: channel.id == text or text in channel.aliases
    short, colon, rest = text.partition(":")
    if colon and short in SHORT:
        whole = f"{SHORT[short]}:{rest}"
        yield lambda channel: channel.id == whole or whole in channel.aliases
    descriptor = parse_descriptor(text)
    if descriptor is not None:
        yield lambda channel: _holds(channel, *descriptor, _UPON)
        yield lambda channel: _holds(channel, *descriptor)
        return
    yield from _by_id_in_namespace(text)
    inode = _socket_inode(text)
    if inode is not None:
        yield lambda channel: channel.key.kind == "socket" and any(end.inode == inode for end in channel.endpoints)
        return
    address = parse_name(text)
    yield from _by_name(address)
    path = os.path.normpath(os.path.join(directory, address.name))
    if path != address.name:
        yield from _by_name(address._replace(name=path))
    yield (
        lambda channel: (
            _is_of(channel, address)
            and any(end.role == "listener" and visible(end.address or "") == address.name for end in channel.endpoints)
        )
    )
    yield lambda channel: _is_of(channel, address) and any(visible(name) == address.name for name in _names(channel))


def _by_id_in_namespace(text: str) -> Iterator[Fits]:
    """Ids are told without `@ipc:[N]` where N is our own, with it elsewhere; both forms are understood of either."""
    bare, suffix, number = text.rpartition("@ipc:[")
    if suffix and number.endswith("]") and _is_number(number[:-1]):
        ipc = int(number[:-1])
        yield lambda channel: channel.namespaces.ipc == ipc and channel.id == bare
    else:
        start = text + "@ipc:["
        yield lambda channel: channel.id.startswith(start)


def _by_name(address: Named) -> Iterator[Fits]:
    name = address.name
    yield (
        lambda channel: (
            _is_of(channel, address)
            and any(end.role == "listener" and end.address == name for end in channel.endpoints)
        )
    )
    number = _hexadecimal(name)
    yield (
        lambda channel: (
            _is_of(channel, address)
            and channel.name is not None
            and (channel.name == name or (number is not None and _hexadecimal(channel.name) == number))
        )
    )
    yield lambda channel: _is_of(channel, address) and any(end.address == name for end in channel.endpoints)
    host, colon, port = name.rpartition(":")
    if colon and host and _is_number(port):
        everywhere = {f"{wildcard}:{port}" for wildcard in _WILDCARD_HOSTS}
        yield (
            lambda channel: (
                _is_of(channel, address)
                and any(end.role == "listener" and end.address in everywhere for end in channel.endpoints)
            )
        )


def _is_of(channel: Channel, address: Named) -> bool:
    if address.mechanism is not None and channel.mechanism != address.mechanism:
        return False
    return address.ipc_namespace is None or channel.namespaces.ipc == address.ipc_namespace


def _names(channel: Channel) -> Iterator[str]:
    if channel.name is not None:
        yield channel.name
    for end in channel.endpoints:
        if end.address is not None:
            yield end.address


def _holds(channel: Channel, pid: int, fd: int, except_roles: tuple[str, ...] = ()) -> bool:
    return any(
        end.fd == fd and end.process is not None and end.process.pid == pid and end.role not in except_roles
        for end in channel.endpoints
    )


def _socket_inode(text: str) -> int | None:
    number = text.removeprefix("socket:[").removesuffix("]")
    return int(number) if len(text) - len(number) == len("socket:[]") and _is_number(number) else None


def _hexadecimal(text: str) -> int | None:
    try:
        return int(text, 16) if text.startswith("0x") else None
    except ValueError:
        return None


def _is_wildcard(address: str) -> bool:
    return address.rpartition(":")[0] in _WILDCARD_HOSTS


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18
