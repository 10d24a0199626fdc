"""A small machine for the commands to look at."""

from __future__ import annotations

from ipcinspect.model.gap import Gap, Sight
from ipcinspect.model.process import Descriptor
from ipcinspect.model.snapshot import Cost, Snapshot
from tests.fakes import channel, endpoint, pipe, process, snapshot

MAKE = process(2211, "make", container="docker:1f2e")
TEE = process(2212, "tee", uid=33)
NGINX = process(4402, "nginx", uid=33)
SECRET = process(790, "sshd", uid=0, readable=False)

FULL = pipe(123, MAKE, TEE, "full", queued=65536)
IDLE = pipe(99, TEE, MAKE, "idle", queued=0)
LISTENER = channel(
    77,
    "unix",
    "waiting-accept",
    [endpoint("a", "client", TEE, 8, 79), endpoint("b", "listener", NGINX, 3, 77, "/run/app.sock")],
    name="/run/app.sock",
    queued=None,
    messages=1,
    capacity=None,
)
ACCEPTED = channel(
    81,
    "unix",
    "holding",
    [endpoint("a", "client", MAKE, 5, 81), endpoint("b", "server", NGINX, 9, 82, "/run/app.sock")],
    name="/run/app.sock",
    aliases=["socket:[82]"],
    queued=1000,
    capacity=None,
)
REMOTE = channel(
    91,
    "tcp",
    "idle",
    [
        endpoint("a", "client", None, None, None, "10.0.0.9:5555"),
        endpoint("b", "server", NGINX, 7, 91, "10.0.0.1:80"),
    ],
    name="10.0.0.1:80",
    capacity=None,
)


def machine(at: float | None = None) -> Snapshot:
    """Five channels, four processes, one of them hidden."""
    channels = (IDLE, FULL, LISTENER, ACCEPTED, REMOTE)
    made = snapshot(
        channels,
        [SECRET],
        users={0: "root", 1000: "ana", 33: "www"},
        gaps=[Gap("descriptors of processes", "denied", 1), Gap("udp", "unsupported", None)],
        sights=[Sight("processes", "partly", "descriptors of 3 of 4 processes can be read", "run as root")],
        costs=[Cost("processes", 0.0123)],
    )
    file = Descriptor(4, "file", "/src/Makefile")
    descriptors = {**made.descriptors, 2211: (*made.descriptors[2211], file)}
    if at is None:
        return snapshot_with(made, descriptors)
    return snapshot_with(made, descriptors, at)


def snapshot_with(made: Snapshot, descriptors: dict[int, tuple[Descriptor, ...]], at: float | None = None) -> Snapshot:
    """The snapshot with these descriptors, and at another time."""
    from dataclasses import replace

    return replace(made, descriptors=descriptors, taken_at=made.taken_at if at is None else at)
