"""What System V queues, semaphore sets and segments have in common: ids, keys and owners."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Callable

from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Endpoint, FieldValue, Namespaces, Queue
from ipcinspect.model.channel_key import ChannelKey


def key_name(key: int) -> str | None:
    """The key as users write it, `0x00005151`; None for a private object (key 0), which has no name."""
    return f"0x{key:08x}" if key else None


def channel(
    scan: Scan,
    mechanism: str,
    number: int,
    key: int,
    state: str,
    relation: str,
    queues: tuple[Queue, ...],
    capacity_bytes: int | None,
    endpoints: Sequence[Endpoint],
    fields: tuple[FieldValue, ...],
) -> Channel:
    """A System V object of our own IPC namespace as a channel."""
    ipc = scan.surroundings.ipc_namespace
    return Channel(
        key=ChannelKey(mechanism, ipc or 0, number),
        id=f"{mechanism}:{number}",
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
    )


def remover(remove: Callable[[int], None], number: int) -> Callable[[], None]:
    """The `remove` of a demo's own object; its being gone already is fine."""

    def remove_it() -> None:
        try:
            remove(number)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EIDRM):
                raise

    return remove_it
