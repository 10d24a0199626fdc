"""Whether wanted pipes were written to and read between two scans: a light for each, never a count.

What is not known has no light: a pipe that is watched only since this scan, that may not be watched, or of which events
were dropped that could have told more. A light that is out means that no write (read) was told; see `kernel.inotify`
for what a kernel does not tell. Only anonymous pipes: a watch on a FIFO goes through a user's file system.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Callable, NamedTuple, Union

from ipcinspect.kernel.errors import KernelError, TimedOut, Unsupported, Vanished
from ipcinspect.kernel.inotify import IN_ACCESS, IN_MODIFY, Inotify
from ipcinspect.kernel.relay import Relay
from ipcinspect.mechanisms.loans import PipeHolder
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.gap import Gap
from ipcinspect.model.snapshot import Light

MOST = 64
"""Pipes that are watched at a time. Each watch makes every write and read of its pipe about 0.5 us slower."""
_ASKED_HOLDERS = 3
"""Holders of a pipe through whom a watch is tried."""
_DEADLINE_S = 1.0
"""Within which the kernel has to accept a watch."""

_Holders = Mapping[int, Sequence[PipeHolder]]
_Answer = Union[int, KernelError]


class _Watch(NamedTuple):
    number: int
    device: int
    told: int = 0
    """The events since the last turn."""
    told_before_look: int = 0
    """Those before the program itself looked inside, which counts as a read."""


class Lights:
    """Watches what is wanted, from the first wish to the end of the last; holds no instance while nothing is wanted."""

    def __init__(self, while_waiting: Callable[[], None] = lambda: None) -> None:
        """`while_waiting` is called about every 50 ms in the thread that calls `turn`."""
        self._inotify: Inotify | None = None
        self._watches: dict[int, _Watch] = {}
        """By inode."""
        self._lost = self._stale = False
        self._looking: set[int] = set()
        self._looked: set[int] = set()
        self._relay: Relay[int, _Answer] = Relay(_DEADLINE_S, while_waiting)

    def turn(self, scan: Scan, wanted: Sequence[ChannelKey]) -> tuple[Mapping[ChannelKey, Light], list[Gap]]:
        """The lights since the last turn; from now on the wanted pipes are watched, and no others."""
        if not wanted:
            self.close()
            return {}, []
        lights = self._lights(wanted)
        holders = {
            key.number: scan.pipe_holders[key.number]
            for key in wanted
            if key.kind == "pipe" and key.number in scan.pipe_holders
        }
        refusals: list[KernelError] = [Unsupported("no anonymous pipe") for key in wanted if key.kind != "pipe"]
        refusals += [Unsupported(f"more than {MOST} at a time")] * (len(holders) - MOST)
        refusals += self._watch_only(scan.surroundings.root, dict(list(holders.items())[:MOST]))
        return lights, _gaps(refusals)

    @contextmanager
    def own_look(self, key: ChannelKey) -> Iterator[None]:
        """The program itself copies out of a pipe within the block; that a read is told meanwhile proves nothing."""
        inode = key.number
        if key.kind != "pipe" or inode not in self._watches:
            yield
            return
        self._drain()
        watch = self._watches.get(inode)
        if watch is not None and inode not in self._looked | self._looking:
            self._watches[inode] = watch._replace(told_before_look=watch.told)
        self._looking.add(inode)
        try:
            yield
        finally:
            self._looked.add(inode)
            self._looking.discard(inode)

    def close(self) -> None:
        """Watch nothing any more."""
        if self._inotify is not None:
            self._inotify.close()
        self._inotify = None
        self._watches = {}
        self._lost = self._stale = False

    def _lights(self, wanted: Sequence[ChannelKey]) -> dict[ChannelKey, Light]:
        looked, self._looked = self._looked, set()
        self._drain()
        looked |= self._looking | self._looked  # a look that was late may end only now
        lights = {}
        for key in wanted:
            watch = self._watches.get(key.number)
            if key.kind == "pipe" and watch is not None and key.space in (0, watch.device):
                light = _light(watch, key.number in looked, self._lost)
                if light is not None:
                    lights[key] = light
        if self._stale:
            self.close()
        self._watches = {inode: watch._replace(told=0, told_before_look=0) for inode, watch in self._watches.items()}
        self._lost = False
        return lights

    def _drain(self) -> None:
        if self._inotify is None:
            return
        events = self._inotify.read()
        self._lost, self._stale = self._lost or events.lost, self._stale or events.more
        self._watches = {
            inode: watch._replace(told=watch.told | events.masks.get(watch.number, 0))
            for inode, watch in self._watches.items()
            if watch.number not in events.ended
        }

    def _watch_only(self, root: str, holders: _Holders) -> list[KernelError]:
        """Watch these pipes and no others; the reasons for those that cannot be."""
        new = {inode: some for inode, some in holders.items() if inode not in self._watches}
        try:
            inotify = self._inotify = self._inotify or Inotify()
            for inode in self._watches.keys() - holders.keys():
                inotify.forget(self._watches.pop(inode).number)
            return self._add(inotify, root, new) if new else []
        except KernelError as error:
            self.close()
            return [error] * len(holders)

    def _add(self, inotify: Inotify, root: str, holders: _Holders) -> list[KernelError]:
        """Raises Unsupported where it cannot be proved what is watched."""
        added, late = self._try(inotify, root, holders)
        marks = inotify.marks(root)
        for inode, answer in added.items():
            if not isinstance(answer, KernelError) and answer in marks and marks[answer].inode == inode:
                self._watches[inode] = _Watch(answer, marks[answer].device)
        ours = {watch.number for watch in self._watches.values()}
        for number in marks.keys() - ours:
            inotify.forget(number)
        refusals: list[KernelError] = [TimedOut("the kernel did not answer in time") for _ in late]
        refusals += [answer for answer in added.values() if isinstance(answer, KernelError)]
        return [error for error in refusals if not isinstance(error, Vanished)]

    def _try(self, inotify: Inotify, root: str, holders: _Holders) -> tuple[dict[int, _Answer], list[int]]:
        """The answers by inode, and the pipes at which the kernel still waits for something."""

        def add(inode: int) -> _Answer:
            return _added(inotify, root, inode, holders[inode])

        inodes = list(holders)
        try:
            answers, late = self._relay.run(inodes, add)
        except OSError as error:
            raise Unsupported(f"no thread could be started: {error.strerror}") from error
        return dict(zip([inode for inode in inodes if inode not in late], answers)), late


def _added(inotify: Inotify, root: str, inode: int, holders: Sequence[PipeHolder]) -> _Answer:
    """The number of the watch on a pipe, through the first holder that leads to it."""
    refusal: KernelError = Vanished(f"pipe {inode}")
    for holder in holders[:_ASKED_HOLDERS]:
        try:
            return inotify.watch(root, holder.process.pid, holder.end.fd, inode)
        except KernelError as error:
            refusal = error
    return refusal


def _light(watch: _Watch, looked_inside: bool, lost: bool) -> Light | None:
    """None where either half is not known."""
    written = bool(watch.told & IN_MODIFY)
    read = bool(watch.told & IN_ACCESS)
    if looked_inside and read and not watch.told_before_look & IN_ACCESS:
        return None
    if lost and not (written and read):
        return None
    return Light(written, read)


def _gaps(refusals: Sequence[KernelError]) -> list[Gap]:
    """One for all, with the first reason."""
    if not refusals:
        return []
    return [Gap(f"activity of pipes ({refusals[0]})", refusals[0].why, len(refusals))]
