"""What this observer can see on this kernel, by asking the kernel; and what would show more.

Everything here only looks: see `privileges` for what this process is allowed, `interfaces` for what answers it.
"""

from __future__ import annotations

from typing import NamedTuple

from ipcinspect.kernel import interfaces, privileges
from ipcinspect.kernel.privileges import read_rights, root_if_it_helps
from ipcinspect.kernel.sighting import Sighting


class Reached(NamedTuple):
    """How many of a kind a scan could look into."""

    entered: int
    known: int
    unplaced: int = 0
    """Processes of which is not known in which they live."""


class Counts(NamedTuple):
    """What a scan reached."""

    processes: Reached
    net: Reached
    ipc: Reached


def sightings(root: str, release: str, counts: Counts) -> list[Sighting]:
    """All answers."""
    more = root_if_it_helps(read_rights(root))
    return [
        Sighting("kernel", "yes", f"Linux {release}; this program needs 5.10 or newer", None),
        *privileges.sightings(root),
        _processes(counts.processes, more),
        *interfaces.sightings(root),
        _namespaces("network namespaces", "sockets", counts.net, more),
        _namespaces("IPC namespaces", "System V objects and POSIX queues", counts.ipc, more),
    ]


def _processes(reached: Reached, more: str | None) -> Sighting:
    readable, processes, _ = reached
    if readable == processes:
        return Sighting("processes", "yes", f"descriptors of all {processes} processes can be read", None)
    detail = f"descriptors of {readable} of {processes} processes can be read; holders may hide in the others"
    if more is None:
        detail += ", which the kernel or a sandbox shuts even to this user"
    return Sighting("processes", "partly" if readable else "no", detail, more)


def _namespaces(subject: str, what: str, reached: Reached, more: str | None) -> Sighting:
    entered, known, unplaced = reached
    number = "the one that is known" if known == 1 else f"all {known} known ones"
    detail = f"{what} of {number} are told"
    if entered < known:
        detail = f"{what} of {entered} of {known} known ones are told whole"
    if unplaced:
        detail += f"; in which {unplaced} {'process lives' if unplaced == 1 else 'processes live'} is not known"
    is_all = entered == known and not unplaced
    return Sighting(subject, "yes" if is_all else "partly", detail, None if is_all else more)
