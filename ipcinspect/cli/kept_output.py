"""What a started command writes while the screen has the terminal: read at once, the last of it kept."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

from ipcinspect.kernel.gate import hold_signals
from ipcinspect.model.text import visible

KEPT = 1 << 16
"""Bytes."""
_CHUNK = 1 << 16
_LONGEST_LINE = 2000
_LAST_WORDS_S = 0.5


class KeptOutput:
    """A pipe and the thread that empties it, so that whoever writes never waits for us."""

    def __init__(self) -> None:
        self._source, self.sink = os.pipe2(os.O_CLOEXEC)
        self._kept = bytearray()
        self.size = 0
        """Bytes that were written in all."""
        self._thread = threading.Thread(target=self._read, name="output", daemon=True)

    def begin(self) -> None:
        """The writers have their end; ours of it is closed."""
        os.close(self.sink)
        with hold_signals():  # for the thread: else a signal meant for the screen could end up in it
            self._thread.start()

    def finish(self) -> None:
        """The writers have ended: take in what they wrote last."""
        self._thread.join(_LAST_WORDS_S)

    def lines(self) -> Iterator[str]:
        """What is kept, as lines that can be printed."""
        text = bytes(self._kept).decode("utf-8", "surrogateescape")
        for line in text.splitlines():
            yield visible(line.expandtabs(), _LONGEST_LINE)

    def __len__(self) -> int:
        """Bytes that are kept."""
        return len(self._kept)

    @property
    def is_cut(self) -> bool:
        """Whether more was written than is kept."""
        return self.size > len(self._kept)

    def _read(self) -> None:
        while chunk := os.read(self._source, _CHUNK):
            self.size += len(chunk)
            self._kept += chunk
            del self._kept[:-KEPT]
