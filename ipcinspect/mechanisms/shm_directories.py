"""The tmpfs at /dev/shm of every mount namespace in which a process lives, each looked into once.

A namespace is entered only through /proc/PID/root and only where its mountinfo (proc_pid_mountinfo(5)) says that a
tmpfs is at /dev/shm and that no server of a user (FUSE, NFS) stands on the way to it. One tmpfs that several namespaces
share is one place, told apart by its device.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ipcinspect.kernel import procfs, shm_files
from ipcinspect.kernel.errors import KernelError
from ipcinspect.kernel.host import own_pid
from ipcinspect.kernel.mounts import LIMIT, is_safe_to_walk_to, parse_mounts
from ipcinspect.kernel.relay import Relay
from ipcinspect.kernel.shm_files import MOUNT_POINT, ShmFile, ShmListing
from ipcinspect.model.gap import Gap

DEADLINE_S = 1.0
"""Seconds after which a directory that does not answer is left behind."""
_READING_S = 0.3
"""Seconds for the files of one directory."""
_DOORS = 3
"""Processes through which a namespace is tried to be looked into, should the first ones end meanwhile."""
_MEMORY = b"tmpfs"
_AT_SHM = re.compile(rb"^.* /dev/shm .*$", re.MULTILINE)


class Inhabitant(NamedTuple):
    """A process through which a mount namespace can be reached."""

    namespace: int
    pid: int
    starttime: int


class Place(NamedTuple):
    """One tmpfs at /dev/shm."""

    device: int
    namespace: int | None
    """The mount namespace that it was found in; None for our own."""
    door: str
    """The pid that sees it."""


class Found(NamedTuple):
    """A file in one of them."""

    namespace: int | None
    """None for our own mount namespace."""
    entry: ShmFile


Listings = Relay[Place, "tuple[Place, ShmListing | KernelError]"]


def relay(deadline_s: float = DEADLINE_S) -> Listings:
    """What remembers, from one scan to the next, the directories that do not answer."""
    return Relay(deadline_s)


class ShmDirectories:
    """All of one scan, read when made."""

    def __init__(self, root: str, own: int | None, inhabitants: Iterable[Inhabitant], listings: Listings) -> None:
        """`own` is the mount namespace of this process; None where it could not be told."""
        self._root = root
        self._own = own
        self._people: dict[int, list[Inhabitant]] = {}
        for one in inhabitants:
            self._people.setdefault(one.namespace, []).append(one)
        self._gaps: list[Gap] = []
        self.devices: set[int] = set()
        """Of every tmpfs that stands at a /dev/shm, looked into or not."""
        self.complete: set[int] = set()
        """Of those of which every file is in `files`."""
        self.namespaces: dict[int, int | None] = {}
        """The mount namespace in which each was found, by device: ours where it is in ours too."""
        self.files: dict[tuple[int, int], Found] = {}
        """By (device, inode)."""
        self._read(self._places(), listings)

    def gaps(self) -> list[Gap]:
        """The namespaces that were not looked into, by name, and what was not reached in the others."""
        return self._gaps

    def _places(self) -> list[Place]:
        places: dict[int, Place] = {}
        for namespace in [None, *sorted(set(self._people) - {self._own})]:
            found = self._table(namespace)
            if found is None:
                continue
            door, text = found
            named = _devices_named(text)
            if named and named <= set(places):
                continue  # the same tmpfs, by another way
            self.devices |= named
            device = _reachable_tmpfs(text)
            if device is None:
                self._tell(namespace, "unsupported", "no tmpfs there, or a file server on the way to it")
            else:
                places.setdefault(device, Place(device, namespace, door))
        return list(places.values())

    def _table(self, namespace: int | None) -> tuple[str, bytes] | None:
        """A process of the namespace and its mountinfo; None with a gap where nobody lets us read it."""
        why = "vanished"
        people = [None] if namespace is None else self._people[namespace][:_DOORS]
        for one in people:
            try:
                return (str(own_pid(self._root)), _own_mounts(self._root)) if one is None else _mounts(self._root, one)
            except PermissionError:
                why = "denied"
            except OSError:
                continue
        if why == "denied" or namespace is None:
            self._tell(namespace, why, "")
        return None

    def _read(self, places: Sequence[Place], listings: Listings) -> None:
        until = time.monotonic() + _READING_S

        def look(place: Place) -> tuple[Place, ShmListing | KernelError]:
            try:
                return place, shm_files.list_files(self._root, place.door, place.device, until)
            except KernelError as error:
                return place, error

        answers, late = listings.run(places, look)
        for place in late:
            self._tell(place.namespace, "timed out", "")
        for place, answer in answers:
            self.namespaces[place.device] = self._own if place.namespace is None else place.namespace
            if isinstance(answer, KernelError):
                self._tell(place.namespace, answer.why, "")
                continue
            if answer.unreached:
                self._gaps.append(Gap("files in /dev/shm that were not reached", "timed out", answer.unreached))
            else:
                self.complete.add(place.device)
            for entry in answer.files:
                self.files.setdefault((place.device, entry.file.inode), Found(place.namespace, entry))

    def _tell(self, namespace: int | None, why: str, detail: str) -> None:
        where = "our own mount namespace" if namespace is None else f"mount namespace {namespace}"
        self._gaps.append(Gap(f"/dev/shm of {where}" + (f" ({detail})" if detail else ""), why, None))


def own_place(root: str) -> Place | None:
    """The tmpfs at our own /dev/shm; None where there is none, or no safe way to it. Raises OSError."""
    device = _reachable_tmpfs(_own_mounts(root))
    return None if device is None else Place(device, None, str(own_pid(root)))


def _own_mounts(root: str) -> bytes:
    process = procfs.open_process(root, own_pid(root))
    try:
        return procfs.read_file(process, "mountinfo", LIMIT)
    finally:
        os.close(process)


def _mounts(root: str, one: Inhabitant) -> tuple[str, bytes]:
    return str(one.pid), procfs.read_of(root, one.pid, one.starttime, "mountinfo", LIMIT)


def _devices_named(text: bytes) -> set[int]:
    """The devices of everything that is mounted at /dev/shm, covered or not."""
    return {mount.device for mount in parse_mounts(b"\n".join(_AT_SHM.findall(text)))}


def _reachable_tmpfs(text: bytes) -> int | None:
    """The device of the tmpfs that a step to /dev and one to shm lead to, past no file server of a user."""
    mounts = parse_mounts(text)
    if not any(mount.mount_point == b"/" for mount in mounts):
        return None  # of a process in a chroot: what file system its root directory is on is not told
    for mount in mounts:
        if mount.mount_point == MOUNT_POINT and mount.fstype == _MEMORY and is_safe_to_walk_to(mount, mounts):
            return mount.device
    return None
