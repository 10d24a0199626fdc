"""One scan of the machine, every mechanism isolated and timed -> Snapshot.

Whatever a room cannot see becomes a gap; what a room does wrong becomes one too, so that one mechanism's trouble
leaves the others on the screen.
"""

from __future__ import annotations

import gc
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Callable, NamedTuple

from ipcinspect.kernel import halves, procfs
from ipcinspect.kernel.descriptors import Detail
from ipcinspect.kernel.doctor import Counts, Reached, sightings
from ipcinspect.kernel.errors import KernelError
from ipcinspect.kernel.host import HostFacts, read_host
from ipcinspect.kernel.newcomers import Newcomers, read_newcomers
from ipcinspect.kernel.passwd import UserNames
from ipcinspect.kernel.privileges import read_rights, root_if_it_helps
from ipcinspect.kernel.relay import Relay
from ipcinspect.kernel.walk import ProcessFacts, Walk
from ipcinspect.mechanisms import MECHANISMS, held, limits, waits
from ipcinspect.mechanisms.ipc_namespaces import IpcNamespaces
from ipcinspect.mechanisms.kernel_memory import KernelMemory
from ipcinspect.mechanisms.lights import Lights
from ipcinspect.mechanisms.mount_tables import MountTables
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Collected, Room
from ipcinspect.mechanisms.scan import Scan, Surroundings
from ipcinspect.mechanisms.shm_directories import relay as shm_relay
from ipcinspect.mechanisms.sights import Found, sights_of
from ipcinspect.mechanisms.slept import Slept
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents, refused
from ipcinspect.model.gap import Gap, Sight
from ipcinspect.model.process import Process, ProcessKey
from ipcinspect.model.snapshot import Cost, Host, Snapshot, Want

_DEADLINE_S = 1.0
"""Seconds for the descriptors of one process."""
_SHARED_DEADLINE_S = 10.0
"""Seconds after which a child that reads half of the processes is given up."""
_PEEK_DEADLINE_S = 2.0
"""Seconds within which what is in a channel has to be copied."""
_SETTLES_WITHIN_S = 0.2
"""Seconds for processes that come while others are read."""
_GRACE_S = 1.0
"""Seconds more before a process that does not answer at all is left behind."""


_FIRST_PID = 1
"""Lives as long as its pid namespace: a /proc without it hides processes."""


class Collector:
    """Takes snapshots of one machine.

    Holds what outlives a scan: user names, watched pipes, who did not answer, the processes of the last look.
    """

    def __init__(
        self,
        root: str,
        passwd_file: str,
        clock: Callable[[], float],
        while_waiting: Callable[[], None],
        rooms: Sequence[Room] = MECHANISMS,
        alone: bool = False,
        apart_s: float = waits.LEAST_APART_S,
    ) -> None:
        """`root` is a /proc; `while_waiting` runs in the calling thread about every 50 ms. Raises OSError.

        `alone`: the program has nothing else to do meanwhile, as long as it has no other thread. Then it may share the
        reading of very many processes with a child, and need not leave gaps for another thread. `apart_s`: seconds
        between the two reads of what threads sleep in; with fewer than `diagnosis.stuck.LEAST_UNCHANGED_S` nobody is
        called stuck.
        """
        self._apart_s = apart_s
        self._alone = alone
        self._root = root
        self._clock = clock
        self._rooms = rooms
        self._users = UserNames(passwd_file)
        self._relay: Relay[int, ProcessFacts | KernelError] = Relay(_DEADLINE_S + _GRACE_S, while_waiting)
        self._memories: Relay[int, Any] = Relay(_DEADLINE_S, while_waiting)
        self._peeks: Relay[ChannelKey, Contents] = Relay(_PEEK_DEADLINE_S, while_waiting)
        self._shm = shm_relay()
        self._lights = Lights(while_waiting)
        self._sleeping = waits.relay(while_waiting)
        self._while_waiting = while_waiting
        self._processes: Mapping[int, Process] = {}
        """Of the last look."""

    def collect(self, want: Want) -> Snapshot:
        """One look at the machine. Raises OSError where there is no /proc to read."""
        with no_full_garbage_collection():
            return self._collect(want)

    def peek(self, channel: Channel, processes: Iterable[Process], most: int) -> Contents:
        """At most `most` bytes of what is in a channel of the last look, copied without taking anything out.

        Whatever stands in the way (nobody visible to ask through, a refusal, a holder that hangs) is the `refusal` of
        the answer. A mapped file of a dead server would not answer, so a thread asks, and is left behind when late.
        """
        room = next(room for room in self._rooms if channel.mechanism == room.NAME)
        host = read_host(self._root)
        people = list(processes)
        ipc = IpcNamespaces(self._root, host.ipc_namespace, ((each.ipc_namespace, each.pid) for each in people))
        memory = KernelMemory(self._root, host.version, MountTables(self._root, people).devices)
        peeking = Peeking(self._root, host.pids_agree, ipc, most, memory)

        def look(_: ChannelKey) -> Contents:
            with self._lights.own_look(channel.key):
                return _peek_isolated(room, peeking, channel)

        try:
            answers, _ = self._peeks.run([channel.key], look)
        except OSError as error:
            return refused(f"no thread could be started to look: {error.strerror}")
        return answers[0] if answers else refused("the kernel did not answer in time: a holder or file server hangs")

    def _collect(self, want: Want) -> Snapshot:
        taken_at, start = self._clock(), time.perf_counter()
        host = read_host(self._root)
        looks = self._first_look(host) if want.waits else None
        only = looks.slept_in() if looks is not None and want.only_waited else None
        rooms = [room for room in self._rooms if room.WAITS or only is None]
        walked = self._walk(want)
        costs = [Cost("processes", time.perf_counter() - start)]
        surroundings = _surroundings(self._root, host, taken_at)
        with closing(self._scan(surroundings, walked, want, only)) as scan:
            collected, room_costs = self._visit(rooms, scan)
            costs += room_costs
            channels = [channel for _, found in collected for channel in found.channels]
            gaps = [*walked.gaps, *(gap for _, found in collected for gap in found.gaps), *scan.gaps()]
            descriptors = held.descriptors(scan, channels) if want.descriptors else {}
            sights = _sights(self._root, host, scan, collected) if want.sights else ()
            users, in_time = self._users.names(_uids(self._rooms, scan, channels))
            lights, unlit = self._lights.turn(scan, want.lights)
            near = limits.near(scan, channels) if want.limits else ()
            sleepers = waits.sleepers(scan, channels, looks.end()) if looks is not None else {}
            if not self._is_alone:
                scan.free()
        self._processes = scan.processes
        gaps += unlit
        if not in_time:
            gaps.append(Gap("user names", "timed out", None))
        return Snapshot(
            host=_host(host),
            taken_at=taken_at,
            duration_s=time.perf_counter() - start,
            channels=tuple(channels),
            processes=scan.processes,
            gaps=tuple(gaps),
            users=users,
            descriptors=descriptors,
            sights=sights,
            costs=tuple(costs),
            lights=lights,
            limits=near,
            waits=sleepers,
            settled=walked.settled,
            unread_jobs=walked.unread_jobs,
            sees_all=not (walked.missed or scan.is_shut_in),
        )

    @property
    def _is_alone(self) -> bool:
        """Whether no other thread wants its turn now: the screen has two."""
        return self._alone and threading.active_count() == 1

    def _scan(self, surroundings: Surroundings, walked: _Walked, want: Want, only: Slept | None) -> Scan:
        shm, memories, known = self._shm, self._memories, self._processes
        return Scan(surroundings, walked.facts, shm, memories, walked.missed, want.counts, known, only)

    def _first_look(self, host: HostFacts) -> waits.WaitLooks:
        """What threads sleep in before anything else is read: who slept on had the same descriptors all the while."""
        looks = waits.WaitLooks(self._root, host.pids_agree, self._sleeping, self._while_waiting, self._apart_s)
        looks.begin(procfs.list_pids(self._root))
        return looks

    def _walk(self, want: Want) -> _Walked:
        for_rooms = Detail.CHANNELS if any(room.NEEDS_ALL_DESCRIPTORS for room in self._rooms) else Detail.NOTHING
        detail = Detail.EVERYTHING if want.descriptors else for_rooms
        walk = Walk(self._root, detail, want.descriptors or want.waits, want.cmdlines, _DEADLINE_S)
        pids = procfs.list_pids(self._root)
        answers, late = self._read(pids, walk.read)
        facts = [answer for answer in answers if isinstance(answer, ProcessFacts)]
        came = Newcomers([], True, frozenset())
        if want.waits:
            came = read_newcomers(
                self._root, facts, late, lambda some: self._relay.run(some, walk.read), _SETTLES_WITHIN_S
            )
            facts += came.facts
        unseen = Counter(answer.why for answer in answers if isinstance(answer, KernelError))
        gaps = _walk_gaps(facts, unseen, late)
        if _FIRST_PID not in pids:
            gaps.append(Gap("processes that the /proc mount hides (hidepid)", "denied", None))
        if not came.settled or came.groups:
            gaps.append(Gap("processes that came and went faster than they could be read", "timed out", None))
        return _Walked(facts, gaps, came.settled, came.groups)

    def _read(
        self, pids: Sequence[int], read: Callable[[int], ProcessFacts | KernelError]
    ) -> tuple[list[ProcessFacts | KernelError], list[int]]:
        """What is read of each process, and those that were late; by two of us where there are very many."""

        def run(some: Sequence[int]) -> tuple[list[ProcessFacts | KernelError], list[int]]:
            return self._relay.run(some, read)

        if not (self._is_alone and halves.worth_sharing(pids)):
            return run(pids)
        parts = halves.share(pids, run, _SHARED_DEADLINE_S)
        return [answer for answers, _ in parts for answer in answers], [pid for _, late in parts for pid in late]

    def _visit(self, rooms: Iterable[Room], scan: Scan) -> tuple[list[tuple[Room, Collected]], list[Cost]]:
        collected = []
        costs = []
        for room in rooms:
            self._while_waiting()
            start = time.perf_counter()
            collected.append((room, _collect_isolated(room, scan)))
            costs.append(Cost(room.NAME, time.perf_counter() - start))
        return collected, costs


class _Halt:
    """How many threads want no full garbage collection now, and how often there was one before."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.wanted_by = 0
        self.before = gc.get_threshold()


_HALT = _Halt()
_NEVER = 1 << 30


@contextmanager
def no_full_garbage_collection() -> Iterator[None]:
    """A scan makes a hundred thousand tuples and no cycle: a full collection would walk them all, again and again.

    What is young is looked through as ever, a millisecond at a time: cycles that other threads leave behind meanwhile
    would else add up. Two threads may be in such a block at once; the one that leaves first ends it for none.
    """
    with _HALT.lock:
        if not _HALT.wanted_by:
            _HALT.before = gc.get_threshold()
            gc.set_threshold(_HALT.before[0], _HALT.before[1], _NEVER)
        _HALT.wanted_by += 1
    try:
        yield
    finally:
        with _HALT.lock:
            _HALT.wanted_by -= 1
            if not _HALT.wanted_by:
                gc.set_threshold(*_HALT.before)


class _Walked(NamedTuple):
    facts: list[ProcessFacts]
    gaps: list[Gap]
    settled: bool
    unread_jobs: frozenset[int]
    """As in `Snapshot`."""

    @property
    def missed(self) -> bool:
        """Whether something alive was left out, which may hold anything."""
        return any(gap.why != "vanished" for gap in self.gaps)


def _collect_isolated(room: Room, scan: Scan) -> Collected:
    """What a room found; a gap that names the error where it failed, so that the other rooms still show."""
    try:
        return room.collect(scan)
    except KernelError as error:
        return Collected([], [Gap(f"{room.NAME} ({error})", error.why, None)])
    except Exception as error:  # noqa: BLE001 (a fault in one room must not take the others off the screen)
        return Collected([], [Gap(f"{room.NAME} (fault in the program: {error!r})", "unsupported", None)])


def _peek_isolated(room: Room, peeking: Peeking, channel: Channel) -> Contents:
    """What a room copied; one line that names the error where it failed."""
    try:
        return room.peek(peeking, channel)
    except KernelError as error:
        return refused(f"{error} ({error.why})", error.why)
    except OSError as error:
        return refused(f"{error.strerror} ({error.filename or 'while it was looked into'})")
    except Exception as error:  # noqa: BLE001 (a fault in one room must not take the program down)
        return refused(f"fault in the program: {error!r}")


def _walk_gaps(facts: Sequence[ProcessFacts], unseen: Counter[str], late: Sequence[int]) -> list[Gap]:
    denied = sum(1 for process in facts if "descriptors" in process.refused)
    maps_denied = sum(1 for process in facts if "maps" in process.refused)
    unreached = sum(process.table.unreached for process in facts)
    untyped = sum(process.table.untyped for process in facts)
    unplaced = sum(1 for process in facts if process.ipc_namespace is None and "descriptors" in process.refused)
    rows = (
        Gap("descriptors of processes", "denied", denied),
        Gap("shared mappings of processes", "denied", maps_denied),
        Gap("processes of which nothing is told (hidepid)", "denied", unseen["denied"]),
        Gap("processes that ended during the look", "vanished", unseen["vanished"]),
        Gap("processes that could not be read", "unsupported", unseen["unsupported"]),
        Gap("namespaces of processes", "denied", unplaced),
        Gap("descriptors whose file could not be asked", "unsupported", untyped),
        Gap(f"processes that did not answer ({', '.join(map(str, late[:5]))})", "timed out", len(late)),
        Gap("descriptors of processes with very many", "timed out", unreached),
    )
    return [gap for gap in rows if gap.count]


def _surroundings(root: str, host: HostFacts, taken_at: float) -> Surroundings:
    return Surroundings(
        root,
        host.net_namespace,
        host.ipc_namespace,
        host.version,
        host.booted_at,
        host.ticks_per_second,
        host.pids_agree,
        taken_at,
    )


def _host(facts: HostFacts) -> Host:
    return Host(
        name=facts.name,
        boot_id=facts.boot_id,
        kernel=facts.release,
        uid=facts.uid,
        observer=ProcessKey(facts.pid, facts.starttime),
        ipc_namespace=facts.ipc_namespace,
        net_namespace=facts.net_namespace,
    )


def _uids(rooms: Sequence[Room], scan: Scan, channels: Iterable[Channel]) -> set[int]:
    """The user ids that can show: of processes, and the owners that fields name."""
    uids: set[object] = {process.uid for process in scan.processes.values()}
    places = {room.NAME: [place for place, field in enumerate(room.FIELDS) if field.unit == "uid"] for room in rooms}
    for channel in channels:
        uids.update([channel.fields[place] for place in places[channel.mechanism]])
        if channel.exposure is not None:
            uids.add(channel.exposure.owner_uid)
    return {uid for uid in uids if isinstance(uid, int)}


def _sights(root: str, host: HostFacts, scan: Scan, collected: Iterable[tuple[Room, Collected]]) -> tuple[Sight, ...]:
    people = [process for process in scan.processes.values() if not process.kernel_thread]
    readable = sum(1 for process in people if process.readable)
    hidden = [process for process in people if not process.readable]
    known = {process.net_namespace for process in people if process.net_namespace is not None}
    ipc = len(scan.ipc.others) + 1
    counts = Counts(
        Reached(readable, len(people)),
        Reached(len(known) - scan.sockets.shut_out, len(known), sum(one.net_namespace is None for one in hidden)),
        Reached(ipc - len(scan.ipc.shut), ipc, sum(one.ipc_namespace is None for one in hidden)),
    )
    found = (Found(room, len(one.channels), tuple(one.gaps)) for room, one in collected)
    more = root_if_it_helps(read_rights(root))
    return (*(Sight(*row) for row in sightings(root, host.release, counts)), *sights_of(found, scan, more))
