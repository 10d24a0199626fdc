"""What threads wait for, in the model's terms: which channel, whose lock, which child.

The kernel floor tells in which call a thread sleeps and on which descriptor, word or number; here that becomes the
channel of the same look, and who could end the wait where the channel's ends do not tell it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ipcinspect.kernel import anon_info, fdinfo, procfs, thread_ids
from ipcinspect.kernel.wait_target import Target
from ipcinspect.kernel.waiting import Blocked, Threads, still_owned
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.mechanisms.waits import call_words
from ipcinspect.mechanisms.waits.socket_limits import SocketLimits
from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.model.process import Process, ProcessKey
from ipcinspect.model.wait import Awaited, Sleepers, ThreadKey, Wait

_STOPPED = frozenset("Tt")
_NOT_ORDINARY = "D"
"""Of a thread that only the kernel's own work wakes, or that is frozen; also of one whose vfork(2) made a child."""
_MAKES_CHILD = frozenset(("vfork", "clone", "clone3"))
_NUMBERED = frozenset(("sysv-msg", "sysv-sem"))
"""Kinds of channels that a call names by a number."""
_JOIN = "thread join"
_RING = "anon_inode:[io_uring]"


class Looks(NamedTuple):
    """Two reads of all threads, some time apart."""

    first: Mapping[ProcessKey, Threads]
    still: Mapping[ProcessKey, frozenset[int]]
    """By process, the threads that have not run between the two."""
    apart_s: float
    asleep_s: Mapping[tuple[ProcessKey, int], float]
    """For how long, at least, threads of the second read have not run; without those of which it is not told."""


class _Place(NamedTuple):
    channel: Channel
    end: Endpoint


def sleepers(scan: Scan, channels: Sequence[Channel], looks: Looks) -> dict[ProcessKey, Sleepers]:
    """The threads of every process that is in the scan, and what each waits for."""
    translator = _Translator(scan, channels, looks)
    try:
        return {
            process.key: translator.sleepers(process)
            for process in scan.processes.values()
            if not process.kernel_thread
        }
    finally:
        translator.close()


class _Translator:
    """Knows the channels of one look by who holds them."""

    def __init__(self, scan: Scan, channels: Sequence[Channel], looks: Looks) -> None:
        self._scan, self._looks = scan, looks
        self._limits = SocketLimits(scan.surroundings.root)
        self._by_fd: dict[tuple[int, int], list[_Place]] = {}
        self._by_number: dict[tuple[str, int, int], Channel] = {}
        waiting = {
            key.pid
            for key, threads in looks.first.items()
            if any(target.fd is not None for one in threads.blocked for target in one.targets)
        }
        for channel in channels:
            key = channel.key
            if key.kind in _NUMBERED:
                self._by_number[key.kind, key.space, key.number] = channel
            for end in channel.endpoints:
                if end.fd is not None and end.process is not None and end.process.pid in waiting:
                    self._by_fd.setdefault((end.process.pid, end.fd), []).append(_Place(channel, end))
        self._with_ring = {facts.pid for facts in scan.facts if any(end.target == _RING for end in facts.table.others)}
        self._children: dict[int, list[ProcessKey]] = {}
        for process in scan.processes.values():
            if process.ppid is not None:
                self._children.setdefault(process.ppid, []).append(process.key)

    def close(self) -> None:
        """Let go of what was borrowed from."""
        self._limits.close()

    def sleepers(self, process: Process) -> Sleepers:
        """Of one process. For one with an io_uring(7) the kernel may read and write while all its threads sleep."""
        threads = self._looks.first.get(process.key)
        if threads is None:
            return Sleepers((), 1, False)
        still = self._looks.still.get(process.key, frozenset())
        waits = tuple(self._wait(process, threads, one, still) for one in threads.blocked)
        others = threads.running + (process.pid in self._with_ring)
        return Sleepers(waits, others, not (threads.refused or threads.late))

    def _wait(self, process: Process, threads: Threads, one: Blocked, still: frozenset[int]) -> Wait:
        awaited = tuple(found for target in one.targets for found in self._awaited(process, threads, one, target))
        return Wait(
            thread=ThreadKey(process.key, one.tid),
            call=one.call,
            told=call_words.told(one),
            awaited=tuple(dict.fromkeys(awaited)),
            has_timeout=self._has_timeout(process, one),
            timeout_s=one.timeout_s,
            complete=one.is_complete and (one.state != _NOT_ORDINARY or one.call in _MAKES_CHILD),
            stopped=one.state in _STOPPED,
            wchan=one.wchan,
            arguments=one.arguments,
            switches=one.switches,
            unchanged_s=self._looks.apart_s if one.tid in still else 0.0,
            since=self._since(process, one),
        )

    def _since(self, process: Process, one: Blocked) -> float | None:
        """Since when it sleeps, at the latest; None where nothing tells more than the two reads."""
        taken_at, asleep_s = self._scan.surroundings.taken_at, self._looks.asleep_s.get((process.key, one.tid))
        if taken_at is None or asleep_s is None or asleep_s <= self._looks.apart_s:
            return None
        return taken_at + self._looks.apart_s - asleep_s

    def _has_timeout(self, process: Process, one: Blocked) -> bool | None:
        """That of the call, or of the socket that it was given (SO_RCVTIMEO, SO_SNDTIMEO, socket(7))."""
        if one.has_timeout is not False or one.call in call_words.LISTS:
            return one.has_timeout
        answers = [self._has_own_limit(process, one.call, target) for target in one.targets if target.fd is not None]
        return True if True in answers else None if None in answers else False

    def _has_own_limit(self, process: Process, call: str, target: Target) -> bool | None:
        """Whether a socket that a call was given gives up after a time; no for what is no socket."""
        fd = -1 if target.fd is None else target.fd
        places = self._by_fd.get((process.pid, fd), [])
        if call not in call_words.SOCKET_CALLS and not any(place.channel.key.kind == "socket" for place in places):
            return False
        inode = next((place.end.inode for place in places if place.end.inode is not None), None)
        return None if inode is None else self._limits.has_one(process.pid, fd, inode)

    def _awaited(self, process: Process, threads: Threads, one: Blocked, target: Target) -> Iterator[Awaited]:
        if target.kind == "descriptor":
            yield from self._of_descriptor(process, one, target)
        elif target.kind == "futex":
            yield self._of_futex(process, one, target)
        elif target.kind == "semaphore":
            yield self._of_semaphore(process, target)
        elif target.kind == "message queue":
            channel = self._numbered("sysv-msg", process, target.number)
            what = "room" if target.direction == "out" else "data"
            yield Awaited(what, channel=channel.key) if channel is not None else Awaited("unknown")
        elif target.kind == "child":
            yield Awaited("child", processes=self._children_of(process, threads, target))
        elif target.kind == "path":
            yield Awaited("partner", how=target.path)
        else:
            yield Awaited("signal" if target.kind == "signal" else "unknown")

    def _of_descriptor(self, process: Process, one: Blocked, target: Target) -> Iterator[Awaited]:
        place = self._place(process, target)
        if place is None:
            child = self._child_of_pidfd(process, target)
            yield Awaited("unknown", target.fd) if child is None else Awaited("child", target.fd, processes=(child,))
            return
        key = place.channel.key
        if target.direction == "in" and self._is_self_pipe(process, place.channel):
            yield Awaited("signal")
        for direction in (target.direction or "").split("|"):
            if direction in ("in", "hangup"):
                yield Awaited("client" if place.end.role == "listener" else "data", target.fd, key)
            elif direction == "out":
                yield Awaited("partner" if one.call == "connect" else "room", target.fd, key)
            else:
                yield Awaited("lock" if direction == "lock" else "unknown", target.fd, key, how="lock of")

    def _child_of_pidfd(self, process: Process, target: Target) -> ProcessKey | None:
        """The child whose pidfd is polled (pidfd_open(2)); None for a descriptor of anything else."""
        text = self._scan.fdinfo(process, target.fd) if target.fd is not None and target.via is None else None
        pid = None if text is None else anon_info.parse_pid(text)
        return next((key for key in self._children.get(process.pid, ()) if key.pid == pid), None)

    def _is_self_pipe(self, process: Process, channel: Channel) -> bool:
        """Whether its signal handlers write into it: it catches signals, and has a write end that never makes it sleep.

        An interpreter catches SIGINT for itself, so to catch signals alone says nothing (signal-safety(7)).
        """
        if channel.mechanism != "pipe" or process.signals is None or not process.signals.caught:
            return False
        own = [end for end in channel.endpoints if end.process is not None and end.process.key == process.key]
        return any(end.role == "writer" and self._never_sleeps(process, end) for end in own)

    def _never_sleeps(self, process: Process, end: Endpoint) -> bool:
        text = None if end.fd is None else self._scan.fdinfo(process, end.fd)
        try:
            return text is not None and bool(fdinfo.parse_flags(text) & os.O_NONBLOCK)
        except ValueError:
            return False

    def _place(self, process: Process, target: Target) -> _Place | None:
        """The channel and the end behind a descriptor; what an epoll watches is known by its inode."""
        places = self._by_fd.get((process.pid, target.fd if target.fd is not None else -1), [])
        if target.direction == "lock":
            return next((place for place in places if place.end.role == "waiter"), None)
        wanted = [place for place in places if place.end.role not in ("holder", "waiter")]
        if target.via is not None:
            wanted = [place for place in wanted if target.inode in (place.end.inode, place.channel.key.number)]
        if len({place.channel.key for place in wanted}) != 1:
            return None
        return wanted[0]

    def _of_futex(self, process: Process, one: Blocked, target: Target) -> Awaited:
        what = "thread" if target.owner_by == _JOIN else "lock"
        if target.owner_thread is not None:
            return Awaited(what, owner=ThreadKey(process.key, target.owner_thread), how=target.owner_by)
        if target.owner_tid is not None:
            return self._of_shared_lock(process, what, one, target)
        return Awaited("wake", processes=None if target.is_shared else (process.key,))

    def _of_shared_lock(self, process: Process, what: str, one: Blocked, target: Target) -> Awaited:
        """The one process that has the memory and a thread of that number, as its own pid namespace numbers it."""
        root, tid = self._scan.surroundings.root, target.owner_tid or 0
        mappers = self._mappers(process, target.address or 0)
        owners = [each for each in mappers if thread_ids.has_thread(root, each.pid, each.starttime, tid)]
        if len(owners) == 1:
            threads = self._looks.first.get(owners[0].key)
            if threads is not None and not threads.is_nested:
                return Awaited(what, owner=ThreadKey(owners[0].key, tid), how=target.owner_by)
            return Awaited(what, processes=(owners[0].key,), how=target.owner_by)
        is_gone = not owners and bool(mappers) and not self._is_there(tid) and self._is_still_of(process, one)
        return Awaited(what, how=target.owner_by, gone_tid=tid if is_gone else None)

    def _is_still_of(self, process: Process, one: Blocked) -> bool:
        """Whether the lock names the same owner after that one was looked for: else it was given on before he went."""
        surroundings = self._scan.surroundings
        return still_owned(surroundings.root, process.pid, process.starttime, one, surroundings.pids_agree)

    def _is_there(self, tid: int) -> bool:
        """Whether there is any thread of that number; also where that cannot be told."""
        try:
            os.close(procfs.open_process(self._scan.surroundings.root, tid))
        except (FileNotFoundError, ProcessLookupError):
            return False
        except OSError:
            return True
        return True

    def _mappers(self, process: Process, address: int) -> list[Process]:
        """The processes that have the shared memory at an address of one of them."""
        rows = self._scan.mappers
        places = {
            (row.mapping.device, row.mapping.inode)
            for row in rows
            if row.process.key == process.key and row.mapping.start <= address < row.mapping.end
        }
        found = (row.process for row in rows if (row.mapping.device, row.mapping.inode) in places)
        return list({one.key: one for one in found}.values())

    def _of_semaphore(self, process: Process, target: Target) -> Awaited:
        """Who used it last: the kernel knows no owner of a semaphore."""
        channel = self._numbered("sysv-sem", process, target.number)
        if channel is None:
            return Awaited("unknown")
        users = tuple(
            end.process.key for end in channel.endpoints if end.process is not None and end.process.key != process.key
        )
        return Awaited("count", channel=channel.key, part=target.sub, processes=users, how="last operation")

    def _numbered(self, kind: str, process: Process, number: int | None) -> Channel | None:
        """The System V object of that id in the process's own namespace."""
        if number is None or process.ipc_namespace is None:
            return None
        return self._by_number.get((kind, process.ipc_namespace, number))

    def _children_of(self, process: Process, threads: Threads, target: Target) -> tuple[ProcessKey, ...]:
        """The child that is waited for, or all of them where it may be one of several or is not told."""
        children: Iterable[ProcessKey] = self._children.get(process.pid, ())
        if target.number is not None and not threads.is_nested:
            children = [key for key in children if key.pid == target.number]
        return tuple(children)
