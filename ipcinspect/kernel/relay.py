"""Reads many processes, and goes on when some of them do not answer.

Reading a process can wait for a lock that the process holds (its memory map, an exec in progress) for as long as a
dead file server pleases. Such a wait cannot be called off from outside, so a thread reads and the caller watches it.
Where a reader is slow, others go on with the list beside it, so that many silent processes cost no more time than
one; a reader that is late is left behind with its process.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Callable, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHECK_S = 0.05
_PATIENCE_S = 0.1
"""After which a reader counts as slow and gets company."""
_COMPANY = 2
_MOST_SILENT = 64
"""Threads that may be stuck at a time; with more of them the machine is past being read."""


class _Reader(Generic[Item, Result]):
    """One thread working on a shared list."""

    def __init__(self, items: Iterator[Item], work: Callable[[Item], Result], woken: threading.Event) -> None:
        self._items, self._work, self._woken = items, work, woken
        self._lock = threading.Lock()
        self._current: tuple[Item, float] | None = None
        self.results: list[tuple[Item, Result]] = []
        self.failure: BaseException | None = None
        self.over = False
        """It is through, or was left behind."""
        self.has_company = False
        self.thread = threading.Thread(target=self._run, name="ipcinspect-reader", daemon=True)
        try:
            self.thread.start()
        except RuntimeError as error:  # the limit of processes is reached
            raise OSError(errno.EAGAIN, str(error)) from error

    def age_s(self) -> float:
        """For how long it has been at its present item."""
        current = self._current
        return time.monotonic() - current[1] if current is not None else 0.0

    def leave_after(self, deadline_s: float) -> list[Item]:
        """Take its present item from it if it is late with that; nothing where it got through at the last moment."""
        with self._lock:
            if self._current is None or self.age_s() <= deadline_s:
                return []
            self.over = True
            return [self._current[0]]

    def _run(self) -> None:
        try:
            for item in self._items:
                self._current = (item, time.monotonic())
                result = self._work(item)
                with self._lock:
                    if self.over:
                        return
                    self.results.append((item, result))
                    self._current = None
                self.has_company = False
        except BaseException as error:  # noqa: BLE001 (carried to the caller, who raises it)
            self.failure = error
        self.over = True
        self._woken.set()


class Relay(Generic[Item, Result]):
    """Works through lists; remembers which items still hold a thread, and leaves those out until they let it go."""

    def __init__(self, deadline_s: float, while_waiting: Callable[[], None] = lambda: None) -> None:
        """`while_waiting` is called about every 50 ms in the thread that calls `run`."""
        self._deadline_s = deadline_s
        self._while_waiting = while_waiting
        self._stuck: dict[Item, threading.Thread] = {}

    def run(self, items: Sequence[Item], work: Callable[[Item], Result]) -> tuple[list[Result], list[Item]]:
        """The results in the order of the items, and the items that were late. Raises what `work` raises.

        `work` may run in several threads at a time.
        """
        self._stuck = {item: thread for item, thread in self._stuck.items() if thread.is_alive()}
        late = [item for item in items if item in self._stuck]
        rest = iter([item for item in items if item not in self._stuck])
        woken = threading.Event()
        readers: list[_Reader[Item, Result]] = [_Reader(rest, work, woken)]
        while not all(reader.over for reader in readers):
            if not woken.wait(_CHECK_S):
                self._while_waiting()
            woken.clear()
            for reader in [reader for reader in readers if not reader.over]:
                for item in reader.leave_after(self._deadline_s):
                    self._stuck[item] = reader.thread
                    late.append(item)
                busy = len(self._stuck) + sum(1 for reader in readers if not reader.over)
                if reader.age_s() > _PATIENCE_S and not reader.has_company and busy < _MOST_SILENT:
                    reader.has_company = True
                    readers += [_Reader(rest, work, woken) for _ in range(_COMPANY)]
        return _in_order(items, readers), [*late, *rest]


def _in_order(items: Sequence[Item], readers: Sequence[_Reader[Item, Result]]) -> list[Result]:
    found: dict[Item, Result] = {}
    for reader in readers:
        if reader.failure is not None:
            raise reader.failure
        found.update(reader.results)
    return [found[item] for item in items if item in found]
