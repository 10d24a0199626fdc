"""A program in a pseudo-terminal, with somebody at the other side who answers what terminals are asked."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

ANSWERS = {
    b"\x1b[6n": b"\x1b[1;2R",  # the cursor stands in column 2: the glyph before it was one cell wide
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",  # synchronised output is known
}
END_WITHIN_S = 10


class Terminal:
    """The other side of a pseudo-terminal."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self._descriptor = descriptor
        self.process = process
        self.started_at = time.perf_counter()
        self.received = bytearray()
        """Everything that the program wrote so far."""

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self._descriptor, keys)

    def read(self, within_s: float) -> bytes:
        """What the program writes next, as soon as it writes something; b'' where it stays silent."""
        readable, _, _ = select.select([self._descriptor], [], [], max(within_s, 0))
        if not readable:
            return b""
        with contextlib.suppress(OSError):  # EIO: the program closed the terminal
            chunk = os.read(self._descriptor, 1 << 16)
            self.received += chunk
            for question, answer in ANSWERS.items():
                for _ in range(chunk.count(question)):
                    self.press(answer)
            return chunk
        return b""

    def read_for(self, seconds: float) -> int:
        """How many bytes the program writes in that time."""
        deadline = time.perf_counter() + seconds
        count = 0
        while (left := deadline - time.perf_counter()) > 0:
            count += len(self.read(left))
        return count

    def wait_for(self, *texts: bytes, within_s: float) -> float:
        """Seconds from the start until all that was written holds one of the texts. Raises TimeoutError."""
        deadline = time.perf_counter() + within_s
        while not any(text in self.received for text in texts):
            left = deadline - time.perf_counter()
            if left <= 0 or (not self.read(left) and self.process.poll() is not None):
                raise TimeoutError(f"never wrote any of {texts}; last of it: {bytes(self.received[-300:])!r}")
        return time.perf_counter() - self.started_at

    def silence(self, seconds: float, within_s: float) -> None:
        """Wait until the program has written nothing for that long. Raises TimeoutError."""
        deadline = time.perf_counter() + within_s
        while self.read(seconds):
            if time.perf_counter() > deadline:
                raise TimeoutError("never stopped writing")


@contextmanager
def in_terminal(command: Sequence[str], columns: int = 120, rows: int = 40) -> Iterator[Terminal]:
    """The command in a terminal of that size, ended with `q` or, where that does not help, by its pid."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(slave)
    terminal = Terminal(master, process)
    try:
        yield terminal
    finally:
        _end(terminal)
        os.close(master)


def _take_terminal() -> None:
    """Make the terminal on standard input the controlling one of the new session."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _end(terminal: Terminal) -> None:
    for wish in (b"q", signal.SIGTERM, signal.SIGKILL):
        if terminal.process.poll() is not None:
            return
        if isinstance(wish, bytes):
            with contextlib.suppress(OSError):
                terminal.press(wish)
        else:
            terminal.process.send_signal(wish)
        deadline = time.perf_counter() + END_WITHIN_S
        while terminal.process.poll() is None and time.perf_counter() < deadline:
            terminal.read(0.05)
