"""The only writer to standard output: buffered, with errors that a user understands."""

from __future__ import annotations

import os
import select
import sys

from ipcinspect.cli.complaints import Unable

_STANDARD_OUTPUT = 1
_BUFFERED = 1 << 16
_DEFAULT_WIDTH = 80


class ReaderGone(Exception):
    """Whoever read our output stopped: `ipcinspect list | head`."""


class Output:
    """Standard output. Python's own stream is not used: it would try again at exit and complain in its own words."""

    def __init__(self) -> None:
        self.is_terminal = _is_terminal()
        self._pending: list[bytes] = []
        self._size = 0

    def write(self, text: str) -> None:
        """Text as it is. Raises ReaderGone or Unable."""
        self.write_bytes(text.encode(sys.getfilesystemencoding(), "backslashreplace"))

    def write_bytes(self, part: bytes) -> None:
        """Bytes as they are: no terminal may be there to obey them. Raises ReaderGone or Unable."""
        self._pending.append(part)
        self._size += len(part)
        if self._size >= _BUFFERED:
            self.flush()

    def flush(self) -> None:
        """Hand over all that is written. Raises ReaderGone or Unable."""
        rest = memoryview(b"".join(self._pending))
        self._pending.clear()
        self._size = 0
        while rest:
            try:
                rest = rest[os.write(1, rest) :]
            except BrokenPipeError as error:
                raise ReaderGone from error
            except BlockingIOError:
                select.select([], [_STANDARD_OUTPUT], [])  # somebody made the shared terminal non-blocking
            except OSError as error:
                raise Unable(f"cannot write to standard output: {error.strerror}") from error

    def wait(self, seconds: float) -> None:
        """Rest, unless the reader goes meanwhile. Raises ReaderGone."""
        self.flush()
        poll = select.poll()
        poll.register(_STANDARD_OUTPUT, 0)
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(seconds * 1000)):
            raise ReaderGone

    def width(self, wanted: str | None) -> int:
        """Cells in a line of the terminal: what COLUMNS says, else the terminal, else 80."""
        if wanted is not None and wanted.isascii() and wanted.isdecimal() and 0 < int(wanted) < 10000:
            return int(wanted)
        try:
            return os.get_terminal_size(_STANDARD_OUTPUT).columns or _DEFAULT_WIDTH
        except OSError:
            return _DEFAULT_WIDTH


def _is_terminal() -> bool:
    try:
        return os.isatty(_STANDARD_OUTPUT)
    except OSError:
        return False
