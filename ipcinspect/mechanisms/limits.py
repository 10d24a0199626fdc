"""What comes near a limit of the kernel: processes with many descriptors, IPC namespaces with many System V objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ipcinspect.kernel import limits
from ipcinspect.kernel.errors import KernelError
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.snapshot import Limit

_LEAST_DESCRIPTORS = 100
"""Processes with fewer are not asked for their limit: no usual one is near."""


def near(scan: Scan, channels: Sequence[Channel]) -> tuple[Limit, ...]:
    """Everything of which at least half is used."""
    return tuple(one for one in (*_of_processes(scan), *_of_namespaces(scan, channels)) if one.used * 2 >= one.most)


def _of_processes(scan: Scan) -> Iterator[Limit]:
    for facts in scan.facts:
        if facts.table.listed >= _LEAST_DESCRIPTORS:
            most = limits.descriptors_of(scan.surroundings.root, facts.pid, facts.starttime)
            if most is not None:
                yield Limit("descriptors", facts.table.listed, most, ProcessKey(facts.pid, facts.starttime))


def _of_namespaces(scan: Scan, channels: Sequence[Channel]) -> Iterator[Limit]:
    used = Counter(
        (channel.key.kind, channel.key.space) for channel in channels if channel.key.kind.startswith("sysv-")
    )
    if not used:
        return
    try:
        for namespace, found in scan.ipc.ask(lambda: limits.system_v(scan.surroundings.root)):
            for mechanism, most in found.items():
                yield Limit(mechanism, used[mechanism, namespace or 0], most, namespace=namespace)
    except KernelError:
        return
