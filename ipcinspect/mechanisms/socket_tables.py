"""The socket tables of every network namespace that can be entered, each namespace entered once in a scan."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Callable, NamedTuple, TypeVar

from ipcinspect.kernel import inet_diag, netlink, netlink_diag, packet_diag, proc_net, procfs, unix_diag
from ipcinspect.kernel.errors import KernelError, TimedOut, Unsupported, Vanished
from ipcinspect.kernel.inet_diag import InetSocket
from ipcinspect.kernel.namespaces import inside
from ipcinspect.kernel.netlink_diag import NetlinkSocket
from ipcinspect.kernel.packet_diag import PacketSocket
from ipcinspect.kernel.unix_diag import UnixSocket
from ipcinspect.kernel.walk import ProcessFacts
from ipcinspect.model.gap import Gap

Row = TypeVar("Row")

_DUMP_TRIES = 3
_DOORS = 3
"""Processes through which a namespace is tried to be entered, should the first ones end meanwhile."""
_FAMILIES = ((socket.AF_INET, ""), (socket.AF_INET6, "6"))


class Rows(NamedTuple):
    """What one namespace holds."""

    unix: list[UnixSocket]
    tcp: list[InetSocket]
    udp: list[InetSocket]
    netlink: list[NetlinkSocket]
    packet: list[PacketSocket]


class SocketTables:
    """Reads on first use; what it misses goes to `gaps`."""

    TABLES = ("unix", "tcp", "udp", "netlink", "packet")

    def __init__(self, root: str, own: int | None, facts: Sequence[ProcessFacts], counts: bool = False) -> None:
        """`own` is the inode of the namespace that this thread is in; `counts`: also what went through TCP sockets."""
        self._counts = counts
        self._root = root
        self._own = own
        self._pids: dict[int | None, list[int]] = {}
        for process in facts:
            self._pids.setdefault(process.net_namespace, []).append(process.pid)
        self.gaps: list[Gap] = []
        self.shut_out = 0
        """Namespaces that could not be entered; known once a table was read."""

    @cached_property
    def unix(self) -> dict[int, UnixSocket]:
        """Unix sockets by inode."""
        rows = [*self._here("unix sockets", _read_unix, self._unix_as_text), *self._elsewhere.unix]
        first: dict[int, UnixSocket] = {}
        for row in rows:
            if row.ino:
                first.setdefault(row.ino, row)
        return first

    @cached_property
    def tcp(self) -> list[InetSocket]:
        """TCP sockets over IPv4 and IPv6."""
        return _once([*self._here("TCP sockets", self._tcp_here, self._tcp_as_text), *self._elsewhere.tcp])

    @cached_property
    def udp(self) -> list[InetSocket]:
        """UDP sockets over IPv4 and IPv6."""
        return _once([*self._here("UDP sockets", _read_udp, self._udp_as_text), *self._elsewhere.udp])

    @cached_property
    def netlink(self) -> list[NetlinkSocket]:
        """Bound netlink sockets, the kernel's own among them."""
        own = self._here("netlink sockets", netlink_diag.read_netlink_sockets, self._netlink_as_text)
        return [*own, *self._elsewhere.netlink]

    @cached_property
    def packet(self) -> list[PacketSocket]:
        """Packet sockets."""
        own = self._here("packet sockets", packet_diag.read_packet_sockets, self._packet_as_text)
        return [*own, *self._elsewhere.packet]

    def _here(
        self,
        what: str,
        read: Callable[[socket.socket, int | None], list[Row]],
        as_text: Callable[[int, int | None], list[Row]],
    ) -> list[Row]:
        """One table of our own namespace; as text, without peers and some queues, where sock_diag fails."""
        why = "vanished"
        for _ in range(_DUMP_TRIES):
            try:
                with netlink.open_diag_socket() as diag:
                    return read(diag, self._own)
            except netlink.Interrupted:
                continue
            except (Unsupported, TimedOut) as error:
                why = error.why
                break
        self.gaps.append(Gap(f"peers and queues of {what} by sock_diag", why, None))
        pids = self._pids.get(self._own)
        return as_text(pids[0], self._own) if pids else []

    @cached_property
    def _elsewhere(self) -> Rows:
        """All tables of all other namespaces together."""
        found = Rows([], [], [], [], [])
        shut: Counter[str] = Counter()
        for netns, pids in self._pids.items():
            if netns is None or netns == self._own:
                continue
            rows = self._enter(netns, pids)
            if isinstance(rows, str):
                shut[rows] += 1
                rows = self._all_as_text(pids[0], netns)
            found.unix.extend(rows.unix)
            found.tcp.extend(rows.tcp)
            found.udp.extend(rows.udp)
            found.netlink.extend(rows.netlink)
            found.packet.extend(rows.packet)
        self.shut_out = sum(shut.values())
        for why, number in shut.items():
            self.gaps.append(Gap("peers and queues of sockets in other network namespaces", why, number))
        return found

    def _enter(self, netns: int, pids: Sequence[int]) -> Rows | str:
        """The tables of one namespace; why not, where it is closed to us; nothing where it ended meanwhile."""
        for pid in pids[:_DOORS]:
            try:
                return inside(self._root, pid, "net", netns, partial(self._read_all, pid, netns))
            except Vanished:
                continue
            except KernelError as error:
                return error.why
            except netlink.Interrupted:
                return "vanished"
        return Rows([], [], [], [], [])

    def _read_all(self, pid: int, netns: int) -> Rows:
        """What the thread reads that is inside. Not every kernel has the families of the last two."""
        with netlink.open_diag_socket() as diag:
            unix, tcp, udp = _read_unix(diag, netns), self._tcp_here(diag, netns), _read_udp(diag, netns)
        return Rows(
            unix,
            tcp,
            udp,
            _told(netlink_diag.read_netlink_sockets, self._netlink_as_text, pid, netns),
            _told(packet_diag.read_packet_sockets, self._packet_as_text, pid, netns),
        )

    def _all_as_text(self, pid: int, netns: int) -> Rows:
        return Rows(
            self._unix_as_text(pid, netns),
            self._tcp_as_text(pid, netns),
            self._udp_as_text(pid, netns),
            self._netlink_as_text(pid, netns),
            self._packet_as_text(pid, netns),
        )

    def _netlink_as_text(self, pid: int, netns: int | None) -> list[NetlinkSocket]:
        return proc_net.parse_netlink(self._text(pid, "netlink"), netns)

    def _packet_as_text(self, pid: int, netns: int | None) -> list[PacketSocket]:
        return proc_net.parse_packet(self._text(pid, "packet"), netns)

    def _unix_as_text(self, pid: int, netns: int | None) -> list[UnixSocket]:
        return proc_net.parse_unix(self._text(pid, "unix"), netns)

    def _tcp_here(self, diag: socket.socket, netns: int | None) -> list[InetSocket]:
        return _read_inet(diag, socket.IPPROTO_TCP, netns, self._counts)

    def _tcp_as_text(self, pid: int, netns: int | None) -> list[InetSocket]:
        return self._inet_as_text("tcp", socket.IPPROTO_TCP, pid, netns)

    def _udp_as_text(self, pid: int, netns: int | None) -> list[InetSocket]:
        return self._inet_as_text("udp", socket.IPPROTO_UDP, pid, netns)

    def _inet_as_text(self, name: str, protocol: int, pid: int, netns: int | None) -> list[InetSocket]:
        return [
            row
            for family, suffix in _FAMILIES
            for row in proc_net.parse_inet(self._text(pid, name + suffix), family, protocol, netns)
        ]

    def _text(self, pid: int, name: str) -> bytes:
        try:
            return procfs.read_table(f"{self._root}/{pid}/net/{name}", proc_net.LIMIT)
        except OSError:
            return b""


def _once(rows: list[InetSocket]) -> list[InetSocket]:
    """Each socket once: a dump that the kernel takes up again in the middle of a chain may repeat a row."""
    known: set[tuple[int | None, int]] = set()
    kept = []
    for row in rows:
        place = (row.netns, row.cookie)
        if not row.cookie or place not in known:
            known.add(place)
            kept.append(row)
    return kept


def _told(
    read: Callable[[socket.socket, int | None], list[Row]],
    as_text: Callable[[int, int | None], list[Row]],
    pid: int,
    netns: int,
) -> list[Row]:
    """One table by sock_diag, or as text where this kernel does not tell it so."""
    try:
        with netlink.open_diag_socket() as diag:
            return read(diag, netns)
    except (Unsupported, TimedOut, netlink.Interrupted):
        return as_text(pid, netns)


def _read_unix(diag: socket.socket, netns: int | None) -> list[UnixSocket]:
    return unix_diag.read_unix_sockets(diag, netns)


def _read_udp(diag: socket.socket, netns: int | None) -> list[InetSocket]:
    return _read_inet(diag, socket.IPPROTO_UDP, netns)


def _read_inet(diag: socket.socket, protocol: int, netns: int | None, counts: bool = False) -> list[InetSocket]:
    return [
        row for family, _ in _FAMILIES for row in inet_diag.read_inet_sockets(diag, family, protocol, netns, counts)
    ]
