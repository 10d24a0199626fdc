"""More about one process or one channel, on request: the only place of psutil and pyroute2.

Both are slow to load and slow in bulk, and good at telling everything about one thing.
"""

from __future__ import annotations

from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.sources import Detail, Details


def details(root: str, snapshot: Snapshot, key: ProcessKey | ChannelKey) -> Details | None:
    """Facts about one thing of a snapshot of this machine; None where it is gone."""
    if isinstance(key, ProcessKey):
        return _process(snapshot, key)
    channel = snapshot.channels_by_key.get(key)
    return _channel(root, channel) if channel is not None else None


def _process(snapshot: Snapshot, key: ProcessKey) -> Details | None:
    known = snapshot.processes.get(key.pid)
    if known is None or known.key != key:
        return None
    import psutil

    try:
        process = psutil.Process(key.pid)
        with process.oneshot():
            facts = [
                Detail("User", process.username(), None, "psutil"),
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
    return Details(tuple(facts))


def _channel(root: str, channel: Channel) -> Details:
    flags: dict[tuple[int, int], str] = {}
    for end in channel.endpoints[:_MOST_HOLDERS]:
        if end.process is not None and end.fd is not None:
            words = _open_flags(root, end.process.pid, end.fd)
            if words is not None:
                flags[end.process.pid, end.fd] = words
    facts = _tcp_facts(channel) if channel.mechanism == "tcp" else ()
    return Details(facts, flags)
