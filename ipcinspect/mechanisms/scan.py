"""One scan: what the kernel told in one pass, each interface read at most once, in the model's processes."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import cached_property
from typing import Callable, NamedTuple, TypeVar

from ipcinspect.kernel import inet_diag, netlink, proc_net, sysvipc, unix_diag
from ipcinspect.kernel.errors import KernelError, TimedOut, Unsupported, translated
from ipcinspect.kernel.inet_diag import InetSocket
from ipcinspect.kernel.maps import SharedMapping
from ipcinspect.kernel.namespaces import inside_network
from ipcinspect.kernel.unix_diag import UnixSocket
from ipcinspect.kernel.walk import ProcessFacts
from ipcinspect.mechanisms.loans import Loans, PipeHolder, SocketHolder
from ipcinspect.model.gap import Gap
from ipcinspect.model.process import Process

Row = TypeVar("Row")

_DUMP_TRIES = 3


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


class Mapper(NamedTuple):
    """A process and one shared mapping of it."""

    process: Process
    mapping: SharedMapping


class Scan:
    """The facts of one pass. Rooms read its properties; `gaps` collects what those readings missed."""

    def __init__(self, surroundings: Surroundings, facts: Sequence[ProcessFacts]) -> None:
        self.surroundings = surroundings
        self.facts = facts
        self.gaps: list[Gap] = []
        self.shut_out_namespaces = 0
        self.loans = Loans(surroundings.root)

    def close(self) -> None:
        """Let go of every process; the scan can be read no further."""
        self.loans.close()

    @cached_property
    def processes(self) -> dict[int, Process]:
        """Every process of the scan by pid."""
        return {facts.pid: _process(facts) for facts in self.facts}

    @cached_property
    def pipe_holders(self) -> dict[int, list[PipeHolder]]:
        """Descriptors of anonymous pipes by the inode of the pipe."""
        found: dict[int, list[PipeHolder]] = {}
        for facts in self.facts:
            if facts.table.pipes:
                process = self.processes[facts.pid]
                for end in facts.table.pipes:
                    found.setdefault(end.inode, []).append(PipeHolder(process, end))
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
        found: dict[int, list[SocketHolder]] = {}
        for facts in self.facts:
            if facts.table.sockets:
                process = self.processes[facts.pid]
                for fd, inode in facts.table.sockets:
                    found.setdefault(inode, []).append(SocketHolder(process, fd))
        return found

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
    def unix_sockets(self) -> dict[int, UnixSocket]:
        """The unix sockets of every network namespace that could be entered, by inode."""
        rows = self._dump("unix sockets", unix_diag.read_unix_sockets, self._unix_as_text)
        return {row.ino: row for row in rows if row.ino}

    @cached_property
    def tcp_sockets(self) -> list[InetSocket]:
        """The TCP sockets of every network namespace that could be entered."""
        return self._inet("tcp", socket.IPPROTO_TCP)

    @cached_property
    def udp_sockets(self) -> list[InetSocket]:
        """The UDP sockets of every network namespace that could be entered."""
        return self._inet("udp", socket.IPPROTO_UDP)

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
            with open(f"{self.surroundings.root}/sysvipc/{name}", "rb", buffering=0) as table:
                return b"".join(iter(lambda: table.read(1 << 20), b""))[: sysvipc.LIMIT]
        except FileNotFoundError as error:
            raise Unsupported(f"sysvipc/{name}") from error
        except OSError as error:
            raise translated(error, f"sysvipc/{name}") from error

    def recorded(self, pid: int, acted_at: int) -> Process | None:
        """The process that the kernel recorded as having acted at that time, if the pid still means it.

        Pids are reused: a process that started after the recorded time (whole seconds) cannot be the one.
        """
        process = self.processes.get(pid)
        if process is None or not acted_at:
            return None
        started_at = self.surroundings.booted_at + process.starttime / self.surroundings.ticks_per_second
        return process if started_at < acted_at + 1 else None

    def _inet(self, name: str, protocol: int) -> list[InetSocket]:
        rows: list[InetSocket] = []
        for family, suffix in ((socket.AF_INET, ""), (socket.AF_INET6, "6")):

            def read(diag: socket.socket, netns: int | None, family: int = family) -> list[InetSocket]:
                return inet_diag.read_inet_sockets(diag, family, protocol, netns)

            def as_text(pid: int, netns: int | None, family: int = family, suffix: str = suffix) -> list[InetSocket]:
                return proc_net.parse_inet(self._net_table(pid, name + suffix), family, protocol, netns)

            rows += self._dump(f"{name} sockets", read, as_text)
        return rows

    def _unix_as_text(self, pid: int, netns: int | None) -> list[UnixSocket]:
        return proc_net.parse_unix(self._net_table(pid, "unix"), netns)

    def _net_table(self, pid: int, name: str) -> bytes:
        try:
            with open(f"{self.surroundings.root}/{pid}/net/{name}", "rb", buffering=0) as table:
                return b"".join(iter(lambda: table.read(1 << 20), b""))[: proc_net.LIMIT]
        except OSError:
            return b""

    def _dump(
        self,
        what: str,
        read: Callable[[socket.socket, int | None], list[Row]],
        as_text: Callable[[int, int | None], list[Row]],
    ) -> list[Row]:
        """One table of every network namespace: our own, then the others through a process that lives in each."""
        own = self.surroundings.net_namespace
        rows = self._own_dump(what, read, as_text, own)
        shut_out = 0
        for netns, pid in self._other_network_namespaces.items():

            def call(netns: int = netns) -> list[Row]:
                return _read_closing(read, netns)

            try:
                rows += inside_network(self.surroundings.root, pid, netns, call)
            except KernelError as error:
                if error.why != "vanished":
                    shut_out += 1
                    rows += as_text(pid, netns)
        self.shut_out_namespaces = max(self.shut_out_namespaces, shut_out)
        if shut_out:
            self.gaps.append(Gap(f"peers of {what} in other network namespaces", "denied", shut_out))
        return rows

    def _own_dump(
        self,
        what: str,
        read: Callable[[socket.socket, int | None], list[Row]],
        as_text: Callable[[int, int | None], list[Row]],
        own: int | None,
    ) -> list[Row]:
        for _ in range(_DUMP_TRIES):
            try:
                return _read_closing(read, own)
            except netlink.Interrupted:
                continue
            except (Unsupported, TimedOut) as error:
                self.gaps.append(Gap(f"peers and queues of {what} by sock_diag", error.why, None))
                return as_text(self._any_pid_here, own)
        self.gaps.append(Gap(f"some {what}: the table changed while it was read", "vanished", None))
        return as_text(self._any_pid_here, own)

    @property
    def _any_pid_here(self) -> int:
        own = self.surroundings.net_namespace
        return next((facts.pid for facts in self.facts if facts.net_namespace == own), 1)

    @cached_property
    def _other_network_namespaces(self) -> dict[int, int]:
        """Inode of each network namespace that is not ours, with the pid of a process in it."""
        own = self.surroundings.net_namespace
        return {
            facts.net_namespace: facts.pid
            for facts in self.facts
            if facts.net_namespace is not None and facts.net_namespace != own
        }


def _read_closing(read: Callable[[socket.socket, int | None], list[Row]], netns: int | None) -> list[Row]:
    diag = netlink.open_diag_socket()
    try:
        return read(diag, netns)
    finally:
        diag.close()


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
    )
