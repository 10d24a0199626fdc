"""Memory files (memfd_create(2)): a mechanism added by one file, to prove that one file is enough.

/proc/PID/maps shows them as `/memfd:NAME (deleted)` with an inode of their own.
"""

from __future__ import annotations

import mmap
import os
import time

from ipcinspect.mechanisms import demo_ring
from ipcinspect.mechanisms.demo_part import Making
from ipcinspect.mechanisms.peeking import cannot
from ipcinspect.mechanisms.room import Collected, Demo, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Mapper, Scan
from ipcinspect.model.channel import Channel, Endpoint, Field, Namespaces
from ipcinspect.model.channel_key import ChannelKey

NAME = "memfd"

FIELDS = (
    Field("label", "Label", None, "what memfd_create(2) was given"),
    Field("mappings", "Mappings", None, "shared mappings of it in processes seen"),
)

TELLS = Tells("mappings", "none", None, ("resource sharing",), "none")

NEEDS_ALL_DESCRIPTORS = False

WAITS: tuple[Wait, ...] = ()

_PREFIX, _SUFFIX = "/memfd:", " (deleted)"

peek = cannot


def collect(scan: Scan) -> Collected:
    """Every memory file that a visible process has mapped shared."""
    files: dict[int, list[Mapper]] = {}
    for mapper in scan.mappers:
        if mapper.mapping.name.startswith(_PREFIX):
            files.setdefault(mapper.mapping.inode, []).append(mapper)
    return Collected([_channel(inode, mappers) for inode, mappers in files.items()], [])


def _channel(inode: int, mappers: list[Mapper]) -> Channel:
    label = mappers[0].mapping.name[len(_PREFIX) : -len(_SUFFIX)]
    users = sorted({mapper.process.pid: mapper.process for mapper in mappers}.values(), key=lambda user: user.pid)
    return Channel(
        key=ChannelKey(NAME, 0, inode),
        id=f"memfd:[{inode}]",
        aliases=(),
        mechanism=NAME,
        name=label,
        state="idle",
        relation="resource sharing",
        queues=(),
        capacity_bytes=max(mapper.mapping.end - mapper.mapping.start for mapper in mappers),
        namespaces=Namespaces(),
        created_at=None,
        endpoints=tuple(
            Endpoint("b" if place else "a", "attached", user, None, inode) for place, user in enumerate(users)
        ),
        fields=(label, len(mappers)),
    )


class _Half:
    def __init__(self, fd: int) -> None:
        self._fd = fd

    def open(self) -> None:
        self._ring = demo_ring.Ring(memoryview(mmap.mmap(self._fd, demo_ring.LEAST)), 1)

    def send(self, payload: bytes) -> None:
        self._ring.put(payload)

    def receive(self, size: int) -> bytes:
        while not self._ring.has_message():
            time.sleep(0.001)
        return self._ring.take(size)

    def fileno(self) -> None:
        """Nothing that poll(2) could ask about."""

    def close(self) -> None:
        os.close(self._fd)


def _make(making: Making) -> Handover:
    fd = os.memfd_create("ipcinspect-demo")
    os.ftruncate(fd, demo_ring.LEAST)
    return Handover((), (fd,), (), (fd,))


DEMO = Demo(("memfd",), _make, lambda part: _Half(part.fds[0]), lambda part: _Half(part.fds[0]), True)
