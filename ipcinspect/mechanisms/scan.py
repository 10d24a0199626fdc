"""One scan: what the kernel told in one pass, each interface read at most once, in the model's processes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from ipcinspect.kernel import locks, procfs, sockname, sysvipc
from ipcinspect.kernel.descriptors import OtherEnd
from ipcinspect.kernel.errors import Unsupported, translated
from ipcinspect.kernel.host import own_pid
from ipcinspect.kernel.maps import SharedMapping
from ipcinspect.kernel.relay import Relay
from ipcinspect.kernel.walk import ProcessFacts
from ipcinspect.mechanisms.in_flight import InFlight, read_in_flight
from ipcinspect.mechanisms.ipc_namespaces import IpcNamespaces
from ipcinspect.mechanisms.kernel_memory import NAMES, KernelMemory
from ipcinspect.mechanisms.loans import Loans, PipeHolder, SocketHolder
from ipcinspect.mechanisms.mount_tables import MountTables
from ipcinspect.mechanisms.shm_directories import Inhabitant, Listings, ShmDirectories, relay
from ipcinspect.mechanisms.slept import Slept
from ipcinspect.mechanisms.socket_tables import SocketTables
from ipcinspect.model.gap import Gap
from ipcinspect.model.process import Process, Signals

_PIECE = 256
_DEADLINE_S = 1.0
_ANONYMOUS = "anon_inode:"
_NONE_KNOWN: Mapping[int, Process] = {}


class Surroundings(NamedTuple):
    """Where a scan is made."""

    root: str
    """The /proc to read."""
    net_namespace: int | None
    ipc_namespace: int | None
    kernel: tuple[int, int]
    """Major and minor version of the running kernel."""
    booted_at: float
    """Seconds since the epoch (btime of proc_stat(5))."""
    ticks_per_second: int
    """Unit of start times (SC_CLK_TCK)."""
    pids_agree: bool = True
    """Whether pids in the kernel's records are numbers of the /proc that is read."""
    taken_at: float | None = None
    """Seconds since the epoch, at the start of the look: what is younger may have holders that were not seen yet."""


def let_go(table: list[Any] | dict[Any, Any]) -> None:
    """Empty a table, in pieces between which other threads get their turn."""
    if isinstance(table, list):
        while table:
            del table[-_PIECE:]
    else:
        while table:
            table.popitem()


class Mapper(NamedTuple):
    """A process and one shared mapping of it."""

    process: Process
    mapping: SharedMapping


class OtherHolder(NamedTuple):
    """A process and a descriptor of it that is neither pipe, FIFO nor socket."""

    process: Process
    end: OtherEnd


class Scan:
    """The facts of one pass. Rooms read its properties; `gaps()` tells what those readings missed."""

    def __init__(
        self,
        surroundings: Surroundings,
        facts: list[ProcessFacts],
        shm_listings: Listings | None = None,
        watched: Relay[int, Any] | None = None,
        missed: bool = False,
        counts: bool = False,
        known: Mapping[int, Process] = _NONE_KNOWN,
        slept_in: Slept | None = None,
    ) -> None:
        """`facts` becomes the scan's own. Listings and relay outlive the scan: they remember what did not answer.

        `counts`: as in `Want`. `known`: the processes of the look before, by pid. `slept_in`: where only that is
        wanted in which threads sleep.
        """
        self._known = known
        self._slept_in = slept_in
        self.watched = watched if watched is not None else Relay(_DEADLINE_S)
        """For what may wait for a lock that a process holds: its memory. Items are pids."""
        self.missed = missed
        """Whether there may be processes, or descriptors of them, that are not in `facts` at all."""
        self.surroundings = surroundings
        self.facts = facts
        self.loans = Loans(surroundings.root, facts, surroundings.pids_agree)
        self.sockets = SocketTables(surroundings.root, surroundings.net_namespace, facts, counts)
        self._shm_listings = shm_listings or relay()
        self.ipc = IpcNamespaces(
            surroundings.root, surroundings.ipc_namespace, ((each.ipc_namespace, each.pid) for each in facts)
        )

    def gaps(self) -> list[Gap]:
        """What was missed beside what the rooms tell themselves."""
        outside = [Gap("processes outside of our pid namespace", "other namespace", None)] if self.is_shut_in else []
        return [*outside, *self.sockets.gaps, *self.loans.gaps(), *self.ipc.gaps(), *self._doubtful_memory()]

    def _doubtful_memory(self) -> list[Gap]:
        """Of a kernel before 5.3 alone."""
        what = "file systems of which at most one is the kernel's own memory, and the others are forged"
        doubtful = len(self.kernel_memory.doubtful)
        return [Gap(what, "unsupported", doubtful)] if doubtful else []

    def close(self) -> None:
        """Let go of every process; the scan can be read no further.

        What asks the scan itself is forgotten: such a circle would live until the garbage collector comes by.
        """
        self.loans.close()
        vars(self).pop("kernel_memory", None)

    def free(self) -> None:
        """Free what was read, in small pieces: at once it would hold the interpreter lock for tens of milliseconds."""
        let_go(self.facts)
        for owner, names in (
            (self, ("mappers", "pipe_holders", "socket_holders", "files", "anonymous")),
            (self.sockets, SocketTables.TABLES),
        ):
            for name in names:
                if name in vars(owner):  # a cached property that was read
                    let_go(vars(owner)[name])

    @cached_property
    def processes(self) -> dict[int, Process]:
        """Every process of the scan by pid.

        One that is as it was at the look before is the same object: whoever compares two looks is done with it at once.
        """
        made = {facts.pid: _process(facts) for facts in self.facts}
        if not self._known:
            return made
        known = map(self._known.get, made)
        return {pid: before if before == now else now for (pid, now), before in zip(made.items(), known)}

    @cached_property
    def pipe_holders(self) -> dict[int, list[PipeHolder]]:
        """Descriptors of anonymous pipes by the inode of the pipe."""
        new = tuple.__new__
        found: dict[int, list[PipeHolder]] = {}
        for facts in self.facts:
            if facts.table.pipes:
                process = self.processes[facts.pid]
                for end in facts.table.pipes:
                    found.setdefault(end.inode, []).append(new(PipeHolder, (process, end)))
        return found

    @cached_property
    def fifo_holders(self) -> dict[tuple[int, int], list[PipeHolder]]:
        """Descriptors of named pipes by (device, inode)."""
        found: dict[tuple[int, int], list[PipeHolder]] = {}
        for facts in self.facts:
            for end in facts.table.fifos:
                holder = PipeHolder(self.processes[facts.pid], end)
                found.setdefault((end.file.device, end.file.inode), []).append(holder)
        return found

    @cached_property
    def socket_holders(self) -> dict[int, list[SocketHolder]]:
        """Descriptors of sockets by inode."""
        new = tuple.__new__
        found: dict[int, list[SocketHolder]] = {}
        for facts in self.facts:
            if facts.table.sockets:
                process = self.processes[facts.pid]
                for fd, inode in facts.table.sockets:
                    found.setdefault(inode, []).append(new(SocketHolder, (process, fd)))
        return found

    @cached_property
    def unlisted_sockets(self) -> dict[str, list[int]]:
        """Inodes of held sockets that no table lists, by the kernel's name of their protocol.

        Fresh sockets are in no table, nor are those of a namespace that could not be entered, or in which no process
        lives any more: an accepted socket belongs to the namespace of its client.
        """
        listed = {
            *self.sockets.unix,
            *(row.inode for row in self.sockets.tcp),
            *(row.inode for row in self.sockets.udp),
            *(row.ino for row in self.sockets.netlink),
            *(row.ino for row in self.sockets.packet),
        }
        found: dict[str, list[int]] = {}
        for inode, holders in self.socket_holders.items():
            if inode not in listed:
                protocol = sockname.protocol_of(self.surroundings.root, holders[0].process.pid, holders[0].fd, inode)
                found.setdefault(protocol or "", []).append(inode)
        return found

    @cached_property
    def anonymous(self) -> dict[str, list[OtherHolder]]:
        """Descriptors of what has no file behind it, by the kernel's word for it: `eventfd`, `eventpoll`, `pidfd`.

        Only with all descriptors: a room that reads it says NEEDS_ALL_DESCRIPTORS.
        """
        found: dict[str, list[OtherHolder]] = {}
        for facts in self.facts:
            for end in facts.table.others:
                if end.file is None and end.target.startswith(_ANONYMOUS):
                    word = end.target[len(_ANONYMOUS) :].strip("[]")
                    found.setdefault(word, []).append(OtherHolder(self.processes[facts.pid], end))
        return found

    @cached_property
    def files(self) -> dict[tuple[int, int], list[OtherHolder]]:
        """Descriptors of files, devices and queues by (device, inode), as statx(2) tells them.

        Only with all descriptors: a room that reads it says NEEDS_ALL_DESCRIPTORS.
        """
        found: dict[tuple[int, int], list[OtherHolder]] = {}
        for facts in self.facts:
            for end in facts.table.others:
                if end.file is not None:
                    place = (end.file.device, end.file.inode)
                    found.setdefault(place, []).append(OtherHolder(self.processes[facts.pid], end))
        return found

    @cached_property
    def shm(self) -> ShmDirectories:
        """What stands in the /dev/shm of every mount namespace."""
        own = next((facts.mount_namespace for facts in self.facts if facts.pid == self._own_pid), None)
        inhabitants = (
            Inhabitant(facts.mount_namespace, facts.pid, facts.starttime)
            for facts in self.facts
            if facts.mount_namespace is not None and not facts.is_kernel_thread
        )
        return ShmDirectories(self.surroundings.root, own, inhabitants, self._shm_listings)

    @cached_property
    def _own_pid(self) -> int:
        return own_pid(self.surroundings.root)

    @cached_property
    def unreadable(self) -> int:
        """Processes whose descriptors could not be read: holders may hide in them."""
        return sum(1 for process in self.processes.values() if not (process.readable or process.kernel_thread))

    @cached_property
    def in_flight(self) -> InFlight:
        """Descriptors that wait in unix sockets: what they lead to is held by nobody whom a table shows."""
        return read_in_flight(
            self.sockets.unix, self.socket_holders, lambda holder: self.fdinfo(holder.process, holder.fd)
        )

    @cached_property
    def is_shut_in(self) -> bool:
        """Whether there may be processes outside of the pid namespace that the /proc shows."""
        return locks.sees_all(self.surroundings.root) is False

    @cached_property
    def may_hide(self) -> bool:
        """Whether anything may have a holder that does not show: then no state follows from there being none.

        Processes that cannot be read, or that the /proc mount hides (hidepid), or that live outside of our own pid
        namespace, as the host's do for a container; and descriptors in flight.
        """
        if self.missed or self.unreadable or self.is_shut_in or any(facts.table.refused for facts in self.facts):
            return True
        return self.in_flight.may_be

    def is_wanted(self, *inodes: int | None) -> bool:
        """Whether a pipe or a connection of these is to be told: any, unless only what is slept in is wanted."""
        return self._wanted is None or not self._wanted.isdisjoint(inodes)

    @property
    def wants_anonymous(self) -> bool:
        """Whether what has no inode of its own is to be told: not where only what is slept in is wanted, and nobody
        sleeps in any of it."""
        return self._slept_in is None or self._slept_in.has_anonymous(self.facts)

    @cached_property
    def _wanted(self) -> set[int] | None:
        """Inodes of the pipes and sockets in which somebody sleeps; None for all."""
        return None if self._slept_in is None else self._slept_in.inodes_of(self.facts)

    def fdinfo(self, process: Process, fd: int) -> bytes | None:
        """The text of /proc/PID/fdinfo/FD as it is now; None where it is refused or gone."""
        try:
            return procfs.read_of(self.surroundings.root, process.pid, process.starttime, f"fdinfo/{fd}")
        except OSError:
            return None

    @cached_property
    def mappers(self) -> list[Mapper]:
        """Every shared mapping of every process."""
        return [
            Mapper(self.processes[facts.pid], mapping)
            for facts in self.facts
            if facts.mappings
            for mapping in facts.mappings
        ]

    @cached_property
    def mounts(self) -> MountTables:
        """What is mounted where the processes live."""
        return MountTables(self.surroundings.root, self.processes.values())

    @cached_property
    def kernel_memory(self) -> KernelMemory:
        """Which devices are the kernel's own memory, whatever a file calls itself."""
        return KernelMemory(
            self.surroundings.root, self.surroundings.kernel, lambda: self.mounts.devices(), self._called_kernel_memory
        )

    def _called_kernel_memory(self) -> set[int]:
        mapped = {mapping.device for _, mapping in self.mappers if mapping.name.startswith(NAMES)}
        return mapped | {
            device for (device, _), holders in self.files.items() if holders[0].end.target.startswith(NAMES)
        }

    @cached_property
    def ephemeral_ports(self) -> tuple[int, int]:
        """The port range from which connecting sockets get theirs (ip(7)); the usual one where it cannot be read."""
        try:
            with open(f"{self.surroundings.root}/sys/net/ipv4/ip_local_port_range", "rb", buffering=0) as table:
                first, last = table.read(64).split()
            return int(first), int(last)
        except (OSError, ValueError):
            return 32768, 60999

    def sysv_table(self, name: str) -> bytes:
        """The text of /proc/sysvipc/NAME. Raises Unsupported or Denied."""
        try:
            return procfs.read_table(f"{self.surroundings.root}/sysvipc/{name}", sysvipc.LIMIT)
        except FileNotFoundError as error:
            raise Unsupported(f"sysvipc/{name}") from error
        except OSError as error:
            raise translated(error, f"sysvipc/{name}") from error

    def recorded(self, pid: int, acted_at: int) -> Process | None:
        """The process that the kernel recorded as having acted at that time, if the pid still means it.

        Pids are reused: a process that started after the recorded time (whole seconds) cannot be the one.
        """
        process = self.processes.get(pid)
        if process is None or not acted_at or not self.surroundings.pids_agree:
            return None
        started_at = self.surroundings.booted_at + process.starttime / self.surroundings.ticks_per_second
        return process if started_at < acted_at + 1 else None


def _process(facts: ProcessFacts) -> Process:
    return Process(
        facts.pid,
        facts.starttime,
        facts.comm,
        facts.ppid,
        facts.uid,
        facts.container,
        facts.cmdline,
        facts.is_kernel_thread,
        "descriptors" not in facts.refused,
        facts.net_namespace,
        facts.ipc_namespace,
        facts.mount_namespace,
        Signals(*facts.signals) if facts.signals is not None else None,
        facts.pgrp,
    )
