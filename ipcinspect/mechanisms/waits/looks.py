"""Reads twice what all threads sleep in, with all else that a look reads in between."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import Callable, Optional

from ipcinspect.kernel import procfs
from ipcinspect.kernel.last_ran import LastRan, asleep_s, last_ran
from ipcinspect.kernel.relay import Relay
from ipcinspect.kernel.waiting import Threads, blocked_threads, still_blocked, still_owned
from ipcinspect.mechanisms.slept import Slept
from ipcinspect.mechanisms.waits.translator import Looks
from ipcinspect.model.process import ProcessKey

LEAST_APART_S = 0.25
"""Seconds between the two reads at least: a thread that works wakes up more often, as a rule."""
_PROCESS_WITHIN_S = 1.0
_AGES_WITHIN_S, _CLOCKS_WITHIN_S = 0.1, 0.03
"""Seconds for asking when threads ran last: those that wait, and others, which tell what the time is."""
_TURN_S = 0.02


Answers = Relay[int, Optional[tuple[ProcessKey, Threads]]]
"""Threads of processes, by pid; it remembers who never answered."""


def relay(while_waiting: Callable[[], None]) -> Answers:
    """What outlives a look."""
    return Relay(_PROCESS_WITHIN_S * 2, while_waiting)


class WaitLooks:
    """Two reads of the threads of all processes. A process that does not answer is left behind with its thread."""

    def __init__(
        self,
        root: str,
        pids_agree: bool,
        answers: Answers,
        while_waiting: Callable[[], None],
        apart_s: float = LEAST_APART_S,
    ) -> None:
        """`pids_agree`: whether pids of the /proc mean the same to system calls. `apart_s`: least pause."""
        self._root, self._pids_agree, self._while_waiting = root, pids_agree, while_waiting
        self._apart_s = apart_s
        self._relay = answers
        self._first: dict[ProcessKey, Threads] = {}
        self._at = 0.0

    def begin(self, pids: Iterable[int]) -> None:
        """The first read."""
        answers, _ = self._relay.run(list(pids), self._threads)
        self._first = dict(answer for answer in answers if answer is not None)
        self._at = time.monotonic()

    def slept_in(self) -> Slept:
        """The descriptors that threads slept in at the first read."""
        targets = {
            key.pid: [target for one in threads.blocked for target in one.targets]
            for key, threads in self._first.items()
        }
        return Slept(
            {pid: frozenset(one.fd for one in some if one.fd is not None) for pid, some in targets.items()},
            frozenset(one.inode for some in targets.values() for one in some if one.inode is not None),
        )

    def end(self) -> Looks:
        """The second one, as soon as enough time has gone by."""
        while (left := self._at + self._apart_s - time.monotonic()) > 0:
            time.sleep(min(left, _TURN_S))
            self._while_waiting()
        begun = time.monotonic()
        candidates = {key: threads for key, threads in self._first.items() if threads.blocked}
        still = {
            key: still_blocked(self._root, key.pid, key.starttime, threads.blocked, begun + _PROCESS_WITHIN_S)
            for key, threads in candidates.items()
        }
        unmoved = {key: self._unmoved(key, tids) for key, tids in still.items()}
        return Looks(self._first, unmoved, begun - self._at, self._asleep(unmoved))

    def _asleep(self, still: Mapping[ProcessKey, frozenset[int]]) -> dict[tuple[ProcessKey, int], float]:
        """For how many seconds, at least, threads that wait for something have not run."""
        until = time.monotonic() + _AGES_WITHIN_S
        sleeping: dict[tuple[ProcessKey, int], LastRan] = {}
        others: list[LastRan] = []
        for key, threads in self._first.items():
            waiting = [one.tid for one in threads.blocked if one.targets and one.tid in still.get(key, ())]
            rows = last_ran(self._root, key.pid, key.starttime, waiting, until) if waiting else {}
            sleeping.update(((key, tid), row) for tid, row in rows.items())
        until = time.monotonic() + _CLOCKS_WITHIN_S
        for key, threads in self._first.items():
            if threads.running and not threads.blocked:
                others += last_ran(self._root, key.pid, key.starttime, [key.pid], until).values()
            if time.monotonic() > until:
                break
        return asleep_s(sleeping, others)

    def _unmoved(self, key: ProcessKey, tids: frozenset[int]) -> frozenset[int]:
        """Without those whose lock has gone from one owner to another meanwhile."""
        moved = {
            one.tid
            for one in self._first[key].blocked
            if one.tid in tids
            and any(target.owner_tid is not None for target in one.targets)
            and not still_owned(self._root, key.pid, key.starttime, one, self._pids_agree)
        }
        return tids - moved

    def _threads(self, pid: int) -> tuple[ProcessKey, Threads] | None:
        try:
            process = procfs.open_process(self._root, pid)
        except OSError:
            return None
        try:
            starttime = procfs.parse_stat(procfs.read_file(process, "stat")).starttime
        except (OSError, ValueError):
            return None
        finally:
            os.close(process)
        until = time.monotonic() + _PROCESS_WITHIN_S
        return ProcessKey(pid, starttime), blocked_threads(self._root, pid, starttime, until, self._pids_agree)
