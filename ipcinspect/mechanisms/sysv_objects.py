"""What System V queues, semaphore sets and segments have in common: ids, keys and owners."""

from __future__ import annotations

from collections.abc import Sequence

from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Endpoint, Exposure, FieldValue, Namespaces, Queue, reach_of_mode
from ipcinspect.model.channel_key import ChannelKey


def key_name(key: int) -> str | None:
    """The key as users write it, `0x00005151`; None for a private object (key 0), which has no name."""
    return f"0x{key:08x}" if key else None


def id_of(scan: Scan, mechanism: str, ipc: int | None, number: int) -> str:
    """`sysv-msg:7`; of another IPC namespace than ours `sysv-msg:7@ipc:[4026532281]`."""
    foreign = ipc != scan.surroundings.ipc_namespace
    return f"{mechanism}:{number}@ipc:[{ipc}]" if foreign else f"{mechanism}:{number}"


def channel(
    scan: Scan,
    ipc: int | None,
    mechanism: str,
    number: int,
    key: int,
    state: str,
    relation: str,
    queues: tuple[Queue, ...],
    capacity_bytes: int | None,
    endpoints: Sequence[Endpoint],
    fields: tuple[FieldValue, ...],
    exposure: Exposure | None = None,
) -> Channel:
    """A System V object of the IPC namespace `ipc` as a channel; ids are unique within a namespace only."""
    return Channel(
        key=ChannelKey(mechanism, ipc or 0, number),
        id=id_of(scan, mechanism, ipc, number),
        aliases=(),
        mechanism=mechanism,
        name=key_name(key),
        state=state,
        relation=relation,
        queues=queues,
        capacity_bytes=capacity_bytes,
        namespaces=Namespaces(ipc=ipc),
        created_at=None,
        endpoints=tuple(endpoints),
        fields=fields,
        exposure=exposure,
    )


def by_mode(uid: int, perms: int) -> Exposure:
    """Its permission bits decide, within its IPC namespace; there is no directory above it."""
    mode = perms & 0o777
    return Exposure(reach_of_mode(mode), uid, mode)
