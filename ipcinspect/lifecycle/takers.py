"""Who came to an end of a channel between two looks, and who left it: events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from ipcinspect.lifecycle.interfaces import INTERFACES
from ipcinspect.lifecycle.life import Event
from ipcinspect.lifecycle.wording import process_name
from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.model.process import Process, ProcessKey
from ipcinspect.model.snapshot import Snapshot

_MOST = 8
"""Events of one channel at one look: a server may hand an end to hundreds at once."""
_OPENED = frozenset(("fifo", "posix-mq", "posix-shm", "posix-sem", "mmap", "pty"))
"""Mechanisms with a name that open(2) takes."""
_LAST_USERS = frozenset(("sysv-msg", "sysv-sem"))
"""Mechanisms whose ends are who acted last: nobody holds them."""

_Part = tuple["ProcessKey", str, str, "int | None"]


class Looks(NamedTuple):
    """The snapshots on both sides of what happened."""

    before: Snapshot
    now: Snapshot
    less_seen: bool
    """Whether this look could not see something that the one before may have seen."""


def comings_and_goings(earlier: Channel, later: Channel, looks: Looks) -> Iterator[Event]:
    """The first of these events, and how many more there are."""
    old, new = _parts(earlier.endpoints), _parts(later.endpoints)
    came = [end for part, end in new.items() if part not in old]
    went = [end for part, end in old.items() if part not in new]
    told = 0
    for event in islice(_events(earlier, later, came, went, looks), _MOST):
        told += 1
        yield event
    if len(came) + len(went) > told == _MOST:
        more = len(came) + len(went) - told
        yield Event(looks.now.taken_at, None, f"{more} more ends came or went", "as the ones before", "inferred")


def _parts(ends: Iterable[Endpoint]) -> dict[_Part, Endpoint]:
    return {
        (end.process.key, end.side, end.role, end.fd): end
        for end in ends
        if end.process is not None and end.role != "creator"
    }


def _events(
    earlier: Channel, later: Channel, came: list[Endpoint], went: list[Endpoint], looks: Looks
) -> Iterator[Event]:
    source = INTERFACES[later.mechanism].ends
    last_users = later.mechanism in _LAST_USERS
    for end in came:
        assert end.process is not None
        if last_users:
            yield _acted(end, end.process, source, looks)
        else:
            yield _came(end, end.process, earlier, source, looks)
    if not last_users:
        for end in went:
            assert end.process is not None
            yield _went(end, end.process, source, looks)


def _acted(end: Endpoint, process: Process, source: str, looks: Looks) -> Event:
    """A queue knows who sent and who received last; a set of semaphores who operated."""
    did, stage = {"writer": ("sent", "transmission"), "reader": ("received", "reception")}.get(
        end.role, ("operated", None)
    )
    return Event(
        looks.now.taken_at, stage, f"{process_name(process)} {did} last", f"its pid is told ({source})", "seen"
    )


def _came(end: Endpoint, process: Process, earlier: Channel, source: str, looks: Looks) -> Event:
    who = process_name(process)
    place = "" if end.fd is None else f" at fd {end.fd}"
    if end.role == "waiter":
        what, how = f"{who} waits", "it stands among those who wait"
    else:
        what = f"{who} has the {end.role} end{place}"
        how = _way(end, process, earlier, looks)
    return Event(looks.now.taken_at, "creation", what, f"{how} ({source})", "inferred")


def _way(end: Endpoint, process: Process, earlier: Channel, looks: Looks) -> str:
    """How it got it, by what else is known; several ways end in the same descriptor."""
    holders = {other.process.key for other in earlier.endpoints if other.process is not None}
    known = looks.before.processes.get(process.pid)
    if known is not None and known.key == process.key:
        if not known.readable:
            return "it may have had it before, when its descriptors could not be read"
        if end.role == "server":
            return "accepted"
        if earlier.mechanism in _OPENED:
            return "it was there without it at the look before: opened, or mapped"
        if process.key in holders:
            return "it had another descriptor of it: a duplicate"
        return "it was there without it at the look before: handed over by a process that has it"
    parent = next((key for key in holders if key.pid == process.ppid), None)
    if parent is not None:
        return f"a new process: inherited by fork from {_comm(looks.before, parent)}"
    return "a new process: opened" if earlier.mechanism in _OPENED else "a new process: inherited or handed over"


def _comm(snapshot: Snapshot, key: ProcessKey) -> str:
    process = snapshot.processes.get(key.pid)
    return process_name(process) if process is not None and process.key == key else f"its parent {key.pid}"


def _went(end: Endpoint, process: Process, source: str, looks: Looks) -> Event:
    who, at = process_name(process), looks.now.taken_at
    place = "" if end.fd is None else f", fd {end.fd}"
    what = f"{who} let go of the {end.role} end{place}" if end.role != "waiter" else f"{who} waits no more"
    known = looks.now.processes.get(process.pid)
    if known is not None and known.key == process.key:
        if not known.readable:
            return Event(
                at, None, f"{who} is out of sight", f"its descriptors cannot be read now ({source})", "inferred"
            )
        return Event(at, "termination", what, f"it is there without it ({source})", "inferred")
    if known is None and looks.less_seen:
        return Event(at, None, f"{who} is out of sight", f"not all processes answered ({source})", "inferred")
    return Event(at, "termination", f"{who} ended and left the {end.role} end", "the process is gone (/proc)", "seen")
