"""Internet addresses as users write them, and which listening address covers which local one."""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import Optional

from ipcinspect.kernel.inet_diag import InetSocket

_ANY = frozenset((b"\0" * 4, b"\0" * 16))
_FOR_IPV4 = b"\0" * 16 + b"4"
"""In the place of `::` where that takes IPv4 too."""
_LOOPBACK6 = b"\0" * 15 + b"\1"


@lru_cache(maxsize=65536)
def shown(address: bytes, port: int) -> str:
    """`127.0.0.1:5432`, `[::1]:80`; an unspecified IPv4 address is `0.0.0.0`."""
    if len(address) == 4:
        return f"{socket.inet_ntop(socket.AF_INET, address)}:{port}"
    return f"[{socket.inet_ntop(socket.AF_INET6, address)}]:{port}"


def is_any(address: bytes) -> bool:
    """Whether it is the unspecified address, which stands for every address of the host."""
    return address in _ANY


def is_loopback(address: bytes) -> bool:
    """Whether it never leaves the host."""
    return address[0] == 127 if len(address) == 4 else address == _LOOPBACK6


Place = tuple[Optional[int], bytes, int]
"""(namespace, address, port)."""


def places(row: InetSocket) -> tuple[Place, ...]:
    """Where a listener or receiver is to be found by `covering`; `::` takes IPv4 too unless IPV6_V6ONLY."""
    own = (row.netns, row.src, row.sport)
    if len(row.src) == 16 and is_any(row.src) and not row.v6only:
        return own, (row.netns, _FOR_IPV4, row.sport)
    return (own,)


def covering(row: InetSocket) -> tuple[Place, ...]:
    """The places at which a listener or receiver may stand in order to get what is for `row`, most specific first."""
    wildcards = (b"\0" * 4, _FOR_IPV4) if len(row.src) == 4 else (b"\0" * 16,)
    return tuple((row.netns, address, row.sport) for address in (row.src, *wildcards))
