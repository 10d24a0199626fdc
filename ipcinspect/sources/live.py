"""Snapshots of this machine, now."""

from __future__ import annotations

import threading
import time

from ipcinspect.collector import Collector
from ipcinspect.kernel.gate import hold_signals, take_pending
from ipcinspect.mechanisms.waits import LEAST_APART_S
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.sources import Details


class LiveSource:
    """This machine. Holds signals while it looks; the main thread lets pending ones act between two borrows."""

    def __init__(
        self,
        root: str = "/proc",
        passwd_file: str = "/etc/passwd",
        alone: bool = False,
        apart_s: float = LEAST_APART_S,
    ) -> None:
        """`alone`: the program does nothing else while it looks; see `Collector`, also for `apart_s`."""
        self._root = root
        self._collector = Collector(
            root, passwd_file, time.time, _take_pending_in_main_thread, alone=alone, apart_s=apart_s
        )
        self._last: Snapshot | None = None

    def take(self, want: Want) -> Snapshot:
        """One look. Raises OSError where there is no /proc to read."""
        with hold_signals():
            self._last = self._collector.collect(want)
        return self._last

    def details(self, key: ProcessKey | ChannelKey) -> Details | None:
        """More about one process or channel of the last look; None where it is gone."""
        from ipcinspect.sources.live_details import details

        return details(self._root, self._last, key) if self._last is not None else None

    def peek(self, key: ChannelKey, most: int) -> Contents | None:
        """What is in one channel of the last look; None where that look had no such channel."""
        channel = self._last.channels_by_key.get(key) if self._last is not None else None
        if channel is None or self._last is None:
            return None
        with hold_signals():
            return self._collector.peek(channel, self._last.processes.values(), most)


def _take_pending_in_main_thread() -> None:
    if threading.current_thread() is threading.main_thread():
        take_pending()
