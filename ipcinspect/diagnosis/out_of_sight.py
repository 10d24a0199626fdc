"""Ends that nobody can see: in flight in a unix socket, or held by a member of the same job who cannot be read.

Who holds the other end is read from the descriptors of processes. Three places are missing there: a descriptor that was
sent and not received yet (SCM_RIGHTS, unix(7)), those of a process that refuses, as `sudo` does to the user who started
it, and those of one that forks and ends before it is read. All are suspected near at hand alone, in what a shell
started as one job: if any of them on the machine counted, no user could be told of anything. What two who never sleep
hand to and fro may be missed on either side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ipcinspect.mechanisms import field_of
from ipcinspect.model.channel import Channel
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import Process, ProcessKey
from ipcinspect.model.snapshot import Snapshot

_IN_FLIGHT = "an end may be in flight in a unix socket"
_GONE = "a process of the same job, which was gone before it could be read, may have handed on an end"
_HIDDEN = "a process of the same job, which cannot be read, may have an end"


class OutOfSight:
    """What of one snapshot may be where nobody sees it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._processes, self._unread_jobs = snapshot.processes, snapshot.unread_jobs
        self._carriers: set[ProcessKey] = set()
        """Who has a socket in which descriptors are."""
        self._doubtful: dict[ProcessKey, set[ChannelKey]] = {}
        """Who has sockets of which it is not told whether any are."""
        for channel in snapshot.channels:
            if channel.mechanism == "unix":
                self._take(channel)
        self._carrying_jobs = {job for key in self._carriers for job in self._job_of(key)}
        self._hidden: dict[int, list[Process]] = {}
        for process in snapshot.processes.values():
            if not (process.readable or process.kernel_thread or process.job is None):
                self._hidden.setdefault(process.job, []).append(process)

    def why(self, processes: Iterable[ProcessKey], of: ChannelKey) -> str | None:
        """Why an end of a channel may be out of sight that one of these processes once had; None where none may."""
        for key in processes:
            if key in self._carriers or not self._carrying_jobs.isdisjoint(self._job_of(key)):
                return _IN_FLIGHT
            if not self._unread_jobs.isdisjoint(self._job_of(key)):
                return _GONE
            if self._doubtful.get(key, set()) - {of}:
                return _IN_FLIGHT
            if any(self._may_be_heir(one, key) for job in self._job_of(key) for one in self._hidden.get(job, ())):
                return _HIDDEN
        return None

    def _take(self, channel: Channel) -> None:
        count = field_of(channel, "in_flight")
        if count == 0:
            return
        is_listener = any(end.role == "listener" for end in channel.endpoints)
        for end in channel.endpoints:
            if end.process is None:
                continue
            if count:
                self._carriers.add(end.process.key)
            elif not is_listener or end.role == "client":  # only who sends at a listener had what is on its way
                self._doubtful.setdefault(end.process.key, set()).add(channel.key)

    def _job_of(self, key: ProcessKey) -> Iterator[int]:
        process = self._processes.get(key.pid)
        if process is not None and process.job is not None:
            yield process.job

    def _may_be_heir(self, hidden: Process, key: ProcessKey) -> bool:
        """Whether it did not start this process itself: the first process of a container has started all the others."""
        above, seen = self._processes.get(key.pid), set()
        while above is not None and above.pid not in seen:
            if above.key == hidden.key:
                return False
            seen.add(above.pid)
            above = self._processes.get(above.ppid or 0)
        return True
