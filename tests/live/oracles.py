"""What other people's tools say of this machine, in one form: who holds what, and who is at the other end.

The tables are taken twice with our own look in between; what both tables say alike did not change meanwhile and can
be compared. Run as a program (`python -m tests.live.oracles`) it prints how many rows were compared.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot
from tests.live.subjects import look

Facts = TypeVar("Facts")

SOCKETS = ("unix", "tcp", "udp")
_USERS = re.compile(r'\("(?:[^"\\]|\\.)*",pid=(\d+),fd=(\d+)\)')
_TRIES = 20


class Held(NamedTuple):
    """One descriptor of one process, and what it leads to."""

    pid: int
    fd: int
    kind: str
    """`pipe`, `fifo`, or `socket`."""
    inode: int


class UnixRow(NamedTuple):
    """A unix socket as ss tells it."""

    inode: int
    peer: int
    holders: frozenset[tuple[int, int]]
    state: str


class InetRow(NamedTuple):
    """A TCP or UDP socket as ss tells it."""

    protocol: str
    inode: int
    local: str
    remote: str
    holders: frozenset[tuple[int, int]]
    receive_queue: int
    send_queue: int
    state: str


def run(*command: str) -> str:
    """What a tool prints."""
    return subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout.decode(
        errors="surrogateescape"
    )


def lsfd() -> frozenset[Held]:
    """Pipes, FIFOs and sockets of all processes, threads left out."""
    rows = json.loads(run("lsfd", "-J", "-o", "PID,ASSOC,TYPE,INODE,NAME,FD"))["lsfd"]
    held = set()
    for row in rows:
        if row["fd"] is None or row["type"] not in ("FIFO", "SOCK"):
            continue
        kind = "socket" if row["type"] == "SOCK" else "pipe" if row["name"].startswith("pipe:[") else "fifo"
        held.add(Held(row["pid"], row["fd"], kind, row["inode"]))
    return frozenset(held)


def ss_unix() -> frozenset[UnixRow]:
    """Unix sockets with their peers and holders, of our network namespace."""
    rows = set()
    for line in run("ss", "-H", "-x", "-a", "-n", "-p").splitlines():
        cells, users = line.partition(" users:")[::2]
        words = cells.split()
        ports = [int(word) for word in words[4:] if word.isdecimal()]
        if len(ports) >= 2:
            rows.add(UnixRow(ports[0], ports[-1], _holders(users), words[1]))
    return frozenset(rows)


def ss_inet() -> frozenset[InetRow]:
    """TCP and UDP sockets with their holders and queues, of our network namespace."""
    rows = set()
    for line in run("ss", "-H", "-t", "-u", "-a", "-n", "-p", "-e").splitlines():
        words = line.split()
        found = re.search(r"\bino:(\d+)", line)
        if found and words[1] != "TIME-WAIT":
            rows.add(
                InetRow(
                    words[0], int(found[1]), words[4], words[5], _holders(line), int(words[2]), int(words[3]), words[1]
                )
            )
    return frozenset(rows)


def _holders(text: str) -> frozenset[tuple[int, int]]:
    return frozenset((int(pid), int(fd)) for pid, fd in _USERS.findall(text))


def steady(read: Callable[[], frozenset[Facts]]) -> tuple[frozenset[Facts], Snapshot]:
    """What the tool said both before and after our look, and the look."""
    before = read()
    snapshot = look()
    return before & read(), snapshot


def sysvipc(name: str) -> list[dict[str, str]]:
    """The rows of /proc/sysvipc/NAME by their titles."""
    titles, *lines = Path(f"/proc/sysvipc/{name}").read_text().splitlines()
    return [dict(zip(titles.split(), line.split(), strict=True)) for line in lines]


def held_by_us(snapshot: Snapshot) -> set[Held]:
    """The same as `lsfd`, as our channels tell it."""
    held = set()
    for channel in snapshot.channels:
        kind = "socket" if channel.mechanism in SOCKETS else channel.mechanism
        if kind in ("pipe", "fifo", "socket"):
            held |= {
                Held(end.process.pid, end.fd, kind, end.inode or 0)
                for end in channel.endpoints
                if end.process is not None and end.fd is not None
            }
    return held


def channels_by_inode(snapshot: Snapshot, mechanism: str) -> dict[int, list[Channel]]:
    """The channels of a mechanism by the inodes of their ends."""
    found: dict[int, list[Channel]] = {}
    for channel in snapshot.channels:
        if channel.mechanism == mechanism:
            for number in {end.inode for end in channel.endpoints if end.inode}:
                found.setdefault(number, []).append(channel)
    return found


def main() -> None:
    """Print the counts of one comparison of each table."""
    held, snapshot = steady(lsfd)
    ours = held_by_us(snapshot)
    print(f"lsfd: {len(held)} descriptors, {len(held & ours)} equal, {len(ours)} ours")
    unix, snapshot = steady(ss_unix)
    pairs = [row for row in unix if row.peer]
    by_inode = channels_by_inode(snapshot, "unix")
    same = [row for row in pairs if any(_joins(channel, row) for channel in by_inode.get(row.inode, []))]
    print(f"ss -xp: {len(unix)} unix sockets, {len(pairs)} with a peer, {len(same)} equal")
    inet, snapshot = steady(ss_inet)
    known = {*channels_by_inode(snapshot, "tcp"), *channels_by_inode(snapshot, "udp")}
    print(f"ss -tuanp: {len(inet)} sockets, {len([row for row in inet if row.inode in known or not row.inode])} known")
    for name in ("msg", "sem", "shm"):
        rows = sysvipc(name)
        mine = [channel for channel in snapshot.channels if channel.mechanism == f"sysv-{name}"]
        print(f"/proc/sysvipc/{name}: {len(rows)} objects, {len(mine)} ours")


def _joins(channel: Channel, row: UnixRow) -> bool:
    return {row.inode, row.peer} <= {end.inode for end in channel.endpoints}


if __name__ == "__main__":
    main()
