"""More about one process or one channel, on request: the only place of psutil and pyroute2.

Both are slow to load and slow in bulk, and good at telling everything about one thing.
"""

from __future__ import annotations

import os
import socket

from ipcinspect.kernel import fdinfo, procfs
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.sources import Detail, Details
from ipcinspect.sources.came_by import came_by

_MOST_HOLDERS = 256
"""Holders whose open flags are read; each costs about 10 microseconds."""

_TCP_INFO = 1 << 1
_TCP_TITLES = (
    ("tcpi_bytes_acked", "Bytes acknowledged", "bytes"),
    ("tcpi_bytes_received", "Bytes received", "bytes"),
    ("tcpi_notsent_bytes", "Not sent yet", "bytes"),
    ("tcpi_retransmits", "Retransmits now", None),
    ("tcpi_total_retrans", "Retransmits in all", None),
    ("tcpi_rtt", "Round trip", "microseconds"),
    ("tcpi_snd_cwnd", "Congestion window", None),
    ("tcpi_last_data_sent", "Since last sent", "milliseconds"),
    ("tcpi_last_data_recv", "Since last received", "milliseconds"),
)


def details(root: str, snapshot: Snapshot, key: ProcessKey | ChannelKey) -> Details | None:
    """Facts about one thing of a snapshot of this machine; None where it is gone."""
    if isinstance(key, ProcessKey):
        return _process(root, snapshot, key)
    channel = snapshot.channels_by_key.get(key)
    return _channel(root, channel, snapshot) if channel is not None else None


def _process(root: str, snapshot: Snapshot, key: ProcessKey) -> Details | None:
    known = snapshot.processes.get(key.pid)
    if known is None or known.key != key or not _still_is(root, key):
        return None
    import psutil

    try:
        process = psutil.Process(key.pid)
        with process.oneshot():
            facts = [
                Detail("User", snapshot.users.get(known.uid) if known.uid is not None else None, None, "passwd"),
                Detail("Status", process.status(), None, "psutil"),
                Detail("Threads", process.num_threads(), None, "psutil"),
                Detail("Resident memory", process.memory_info().rss, "bytes", "psutil"),
                Detail("CPU time", sum(process.cpu_times()[:2]), "seconds", "psutil"),
                Detail("Started", process.create_time(), "time", "psutil"),
            ]
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        return Details(())
    return Details(tuple(facts)) if _still_is(root, key) else None


def _still_is(root: str, key: ProcessKey) -> bool:
    """Whether the pid still means that process: what is asked by a bare pid is asked between two such answers."""
    try:
        process = procfs.open_process(root, key.pid)
    except OSError:
        return False
    try:
        return procfs.parse_stat(procfs.read_file(process, "stat")).starttime == key.starttime
    except (OSError, ValueError):
        return False
    finally:
        os.close(process)


def _channel(root: str, channel: Channel, snapshot: Snapshot) -> Details:
    shared = came_by(root, channel, snapshot.processes)
    flags: dict[tuple[int, int], str] = {}
    for end in channel.endpoints[:_MOST_HOLDERS]:
        if end.process is not None and end.fd is not None:
            words = _open_flags(root, end.process.key, end.fd, end.inode)
            if words is not None:
                flags[end.process.pid, end.fd] = words
    facts = tuple(_connection_facts(channel)) if channel.mechanism == "tcp" else ()
    # the flags were read after the comparison, and of the channel's own file
    return Details(facts, flags, {place: came for place, came in shared.items() if place in flags})


def _open_flags(root: str, key: ProcessKey, fd: int, inode: int | None) -> str | None:
    """The words for the open flags in fdinfo (proc_pid_fdinfo(5)); None where it is refused, gone or another file."""
    try:
        process = procfs.open_process(root, key.pid)
    except OSError:
        return None
    try:
        if procfs.parse_stat(procfs.read_file(process, "stat")).starttime != key.starttime:
            return None
        text = procfs.read_file(process, f"fdinfo/{fd}")
        if inode is not None and fdinfo.parse_inode(text) not in (inode, None):
            return None
        flags = fdinfo.parse_flags(text)
    except (OSError, ValueError):
        return None
    finally:
        os.close(process)
    return fdinfo.flag_words(flags)


def _connection_facts(channel: Channel) -> list[Detail]:
    """tcp_info of the ends that are on this machine."""
    ports = {end.side: int(end.address.rsplit(":", 1)[1]) for end in channel.endpoints if end.address}
    inodes = {end.side: end.inode for end in channel.endpoints if end.inode}
    facts: list[Detail] = []
    if len(ports) == 2:
        for side, inode in sorted(inodes.items()):
            other = ports["b" if side == "a" else "a"]
            facts += _tcp_facts(side, inode, ports[side], other)
    return facts


def _tcp_facts(side: str, inode: int, sport: int, dport: int) -> list[Detail]:
    """tcp_info of one socket (tcp(7)); nothing where the socket is gone or its table cannot be read.

    The kernel picks by port, so that a machine with many sockets is not read whole for one.
    """
    from pyroute2 import DiagSocket
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        with DiagSocket() as diag:
            diag.bind()
            rows = [
                row
                for family in (socket.AF_INET, socket.AF_INET6)
                for row in diag.get_sock_stats(family=family, extensions=_TCP_INFO, sport=sport, dport=dport)
                if row["idiag_inode"] == inode
            ]
    except (NetlinkError, OSError):
        return []
    info = rows[0].get_attr("INET_DIAG_INFO") if rows else None
    if info is None:
        return []
    return [
        Detail(f"{title} of {side}", info[name], unit, f"tcp_info.{name}")
        for name, title, unit in _TCP_TITLES
        if isinstance(info.get(name), (int, float))
    ]
