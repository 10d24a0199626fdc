"""What a borrowed descriptor of a pseudo-terminal tells (ioctl_tty(2), ioctl_console(2)).

None of these questions takes input, sets a mode or makes the asker a member of the terminal's session. poll(2) comes
first: it lets what was just written arrive in the line discipline, where FIONREAD counts it.
"""

from __future__ import annotations

import ctypes
import struct
from typing import NamedTuple

from ipcinspect.kernel.descriptor_calls import FIONREAD, POLLHUP, POLLIN, POLLNVAL, POLLOUT, PollFd
from ipcinspect.kernel.descriptor_calls import ioctl as _ioctl
from ipcinspect.kernel.descriptor_calls import poll as _poll

_TCGETS, _TIOCGPGRP, _TIOCGSID = 0x5401, 0x540F, 0x5429
_TIOCGDEV = 0x80045432
_ICANON, _ECHO = 0x2, 0x8
_LFLAG_OFFSET, _TIME_OFFSET, _MIN_OFFSET = 12, 17 + 5, 17 + 6
_TERMIOS_BYTES = 64
COUNTED = 4094
"""Bytes up to which FIONREAD is all there is (N_TTY_BUF_SIZE, drivers/tty/n_tty.c): what is beyond is not counted."""


class TerminalLook(NamedTuple):
    """A terminal as one of its ends sees it."""

    readable: int | None
    """FIONREAD: bytes that a read at this end would get now; of a terminal in line mode those of whole lines."""
    writable: bool
    """POLLOUT: a write at this end would not block now."""
    hung_up: bool
    """POLLHUP: the other side is closed; not told by a master whose slave was never open."""
    device: int | None
    """TIOCGDEV: the device number of the terminal itself, also behind /dev/tty."""
    line_mode: bool | None
    """ICANON: input is read by whole lines."""
    echo: bool | None
    timed_reads: bool | None
    """MIN 0 and TIME above 0, not in line mode: a read ends after that time without input (termios(3))."""
    foreground: int | None
    """TIOCGPGRP: its foreground process group, in our numbers; a slave tells only members of its session."""
    session: int | None
    """TIOCGSID."""


class TerminalQuestion:
    """To be asked of a duplicate (`Lender.ask`); the answer stays here."""

    def __init__(self) -> None:
        self._poll = PollFd()
        self._number = ctypes.c_int()
        self._termios = ctypes.create_string_buffer(_TERMIOS_BYTES)
        self.look: TerminalLook | None = None

    def __call__(self, fd: int) -> int:
        """0, or below it with errno."""
        poll = self._poll
        poll.fd, poll.events = fd, POLLIN | POLLOUT
        if _poll(ctypes.addressof(poll), 1, 0) < 0:
            return -1
        events = poll.revents
        if events & POLLNVAL:
            return -1
        modes = self._modes(fd)
        self.look = TerminalLook(
            self._told(fd, FIONREAD),
            bool(events & POLLOUT),
            bool(events & POLLHUP),
            self._told(fd, _TIOCGDEV),
            None if modes is None else bool(modes & _ICANON),
            None if modes is None else bool(modes & _ECHO),
            None if modes is None else not modes & _ICANON and self._gives_up(),
            self._told(fd, _TIOCGPGRP) or None,
            self._told(fd, _TIOCGSID) or None,
        )
        return 0

    def _told(self, fd: int, request: int) -> int | None:
        self._number.value = 0
        return self._number.value if _ioctl(fd, request, ctypes.addressof(self._number)) >= 0 else None

    def _modes(self, fd: int) -> int | None:
        if _ioctl(fd, _TCGETS, ctypes.addressof(self._termios)) < 0:
            return None
        flags: int = struct.unpack_from("=I", self._termios, _LFLAG_OFFSET)[0]
        return flags

    def _gives_up(self) -> bool:
        return self._termios.raw[_MIN_OFFSET] == 0 and self._termios.raw[_TIME_OFFSET] > 0
