"""Reads many processes one after the other, and goes on when one of them does not answer.

Reading a process can wait for a lock that the process holds (its memory map, an exec in progress) for as long as a
dead file server pleases. Such a wait cannot be called off from outside, so a thread reads and the caller watches it: a
reader that is late is left behind with its process, and another thread takes over the rest of the list.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Callable, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHECK_S = 0.05


class _Reader(Generic[Item, Result]):
    """One thread working on a shared list."""

    def __init__(self, items: Iterator[Item], work: Callable[[Item], Result], done: threading.Event) -> None:
        self._items, self._work, self._done = items, work, done
        self.results: list[Result] = []
        self.failure: BaseException | None = None
        self.current: tuple[Item, float] | None = None
        self.replaced = False
        self.thread = threading.Thread(target=self._run, name="ipcinspect-reader", daemon=True)

    def _run(self) -> None:
        try:
            for item in self._items:
                self.current = (item, time.monotonic())
                result = self._work(item)
                if self.replaced:
                    return
                self.results.append(result)
                self.current = None
        except BaseException as error:  # noqa: BLE001 (carried to the caller, who raises it)
            self.failure = error
        if not self.replaced:
            self._done.set()


class Relay(Generic[Item, Result]):
    """Works through lists; remembers which items still hold a thread, and leaves those out until they let it go."""

    def __init__(self, deadline_s: float, while_waiting: Callable[[], None] = lambda: None) -> None:
        """`while_waiting` is called about every 50 ms in the thread that calls `run`."""
        self._deadline_s = deadline_s
        self._while_waiting = while_waiting
        self._stuck: dict[Item, threading.Thread] = {}

    def run(self, items: Sequence[Item], work: Callable[[Item], Result]) -> tuple[list[Result], list[Item]]:
        """The results in order, and the items that were late. Raises what `work` raises."""
        self._stuck = {item: thread for item, thread in self._stuck.items() if thread.is_alive()}
        late = [item for item in items if item in self._stuck]
        rest = iter([item for item in items if item not in self._stuck])
        results: list[Result] = []
        while True:
            done = threading.Event()
            reader = _Reader(rest, work, done)
            reader.thread.start()
            stuck_at = self._wait(reader, done)
            results += reader.results
            if stuck_at is None:
                if reader.failure is not None:
                    raise reader.failure
                return results, late
            self._stuck[stuck_at] = reader.thread
            late.append(stuck_at)

    def _wait(self, reader: _Reader[Item, Result], done: threading.Event) -> Item | None:
        while not done.wait(_CHECK_S):
            self._while_waiting()
            current = reader.current
            if current is not None and time.monotonic() - current[1] > self._deadline_s:
                reader.replaced = True
                return current[0]
        return None
