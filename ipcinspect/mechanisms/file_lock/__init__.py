"""Locks on files: flock(2), POSIX record locks and open file description locks (fcntl_locking(2)), leases.

/proc/locks shows every lock that processes of our pid namespace and of those below it asked for, and who waits for it.
It names whoever asked, not whoever holds: a descriptor that was inherited or sent holds a flock too, and an open file
description lock has no pid at all. So holders are known by the `lock:` line in the fdinfo of their descriptors. What
cannot be seen: which process holds a lock whose descriptor is in flight or in a process that we may not read. No
descriptor is borrowed: that would prolong the lock.
"""

from __future__ import annotations

from ipcinspect.kernel import locks
from ipcinspect.kernel.errors import Unsupported
from ipcinspect.kernel.locks import LockPlace, LockRow
from ipcinspect.mechanisms.file_lock.channels import channel
from ipcinspect.mechanisms.file_lock.looking import Looking, unexplained
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Collected, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Field
from ipcinspect.model.contents import Contents
from ipcinspect.model.gap import Gap

NAME = "file-lock"

FIELDS = (
    Field("path", "Path", None, "the locked file, as a descriptor of it names it (proc_pid_fd(5))"),
    Field("kinds", "Kinds", None, "flock, posix, ofd, lease: which calls made the locks (/proc/locks)"),
    Field("modes", "Modes", None, "read: others may read-lock too; write: held by one alone"),
    Field("ranges", "Ranges", None, "bytes that are locked, first to last; the first ones of many"),
    Field("locks", "Locks", None, "number of locks held on the file"),
    Field("waiting", "Waiting", None, "requests that wait for one of them"),
    Field("asked", "Asked for", None, "what the waiting requests want; the first ones of many"),
)

TELLS = Tells("lock table", "none", None, ("synchronisation",), "none")

NEEDS_ALL_DESCRIPTORS = True

WAITS = (
    Wait("flock", "waiter", "holder", "full"),
    Wait("fcntl", "waiter", "holder", "full"),
    Wait("open", "waiter", "holder", "full"),
)

DEMO = None


def collect(scan: Scan) -> Collected:
    """Every file on which somebody holds a lock. Raises Unsupported or Denied."""
    rows = locks.read(scan.surroundings.root)
    by_place: dict[LockPlace, list[LockRow]] = {}
    for row in rows:
        by_place.setdefault(row.place, []).append(row)
    looking = Looking(scan, {place.inode for place in by_place})
    held = {place: looking.holders(place, of_file) for place, of_file in by_place.items()}
    doubted = {place for place, of_file in by_place.items() if unexplained(of_file, held[place])}
    if doubted:
        by_place = _still_there(scan, by_place, doubted)
    channels = [channel(looking, place, of_file, held[place]) for place, of_file in by_place.items()]
    return Collected(channels, [*looking.gaps(), *_of_other_namespaces(scan)])


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """Raises Unsupported."""
    raise Unsupported("a lock carries no bytes: its ends tell who holds it and who waits")


def _still_there(
    scan: Scan, by_place: dict[LockPlace, list[LockRow]], doubted: set[LockPlace]
) -> dict[LockPlace, list[LockRow]]:
    """Without the rows of doubted files that are in the table no more: such a lock was released meanwhile."""
    now: dict[LockPlace, list[LockRow]] = {}
    for row in locks.read(scan.surroundings.root):
        if row.place in doubted:
            now.setdefault(row.place, []).append(row)
    return {
        place: now[place] if place in doubted else rows
        for place, rows in by_place.items()
        if place not in doubted or place in now
    }


def _of_other_namespaces(scan: Scan) -> list[Gap]:
    surroundings = scan.surroundings
    if surroundings.pids_agree and locks.sees_all(surroundings.root) is False:
        return [Gap("file locks that processes outside of this pid namespace asked for", "other namespace", None)]
    return []
