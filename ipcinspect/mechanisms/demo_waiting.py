"""How a demo's receiver is told that data is there: set up before any can come, so that no wake-up is lost.

See `demo_part.NOTIFICATIONS`. The signal is a real-time one, blocked and taken by sigwaitinfo(2): no handler runs.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import signal
import struct
import time
from typing import Callable, NamedTuple, Protocol

from ipcinspect.kernel.libc import last_error
from ipcinspect.mechanisms.demo_descriptors import told_events
from ipcinspect.mechanisms.demo_part import Calls

_LIBRARY = ctypes.CDLL(None, use_errno=True)
_F_SETSIG = 10
_O_ASYNC = 0o20000
_SIGNAL = signal.SIGRTMIN + 1
_NAME = "SIGRTMIN+1"
_SIGNALS = {_SIGNAL, signal.SIGIO}
"""SIGIO comes in its place where no more signals can be queued (RLIMIT_SIGPENDING, fcntl(2)); it would end us."""
_SIGEVENT = struct.Struct("=qii48x")  # struct sigevent: sigev_value, sigev_signo, sigev_notify, the rest of 64 bytes
_SIGEV_SIGNAL = 0


class Wakeup(NamedTuple):
    """How the receiver was told."""

    how: str
    """One of `demo_part.NOTIFICATIONS`."""
    slept: bool
    """Whether it had to wait; False: the data was there already."""
    woken_at: float | None
    """Seconds of CLOCK_MONOTONIC; None for `read`: it is told by the reading call itself."""


class HasDescriptor(Protocol):
    """The receiver's half."""

    def fileno(self) -> int | None:
        """What can be asked; None where there is none."""
        ...


def block_signal() -> None:
    """Keep the notifying signal pending; before any other thread is started, which would else die of it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


class Waiting:
    """The receiver's way to wait."""

    def __init__(self, calls: Calls, how: str, half: HasDescriptor) -> None:
        self._calls, self._how, self._half = calls, how, half
        self._epoll: select.epoll | None = None
        self._is_registered = False
        """For mq_notify(3), whose registration ends with the signal."""
        self._prepare: dict[str, Callable[[int], None]] = {
            "epoll": self._prepare_epoll,
            "signal": self._prepare_signal,
            "mq_notify": self._prepare_notify,
        }

    def prepare(self) -> None:
        """Set up what the way needs. Raises OSError."""
        if self._how in self._prepare:
            self._prepare[self._how](self._fd())

    def wait(self) -> Wakeup:
        """Wait until data is there; `read` does not wait here. Raises OSError."""
        if self._how == "read":
            return Wakeup("read", False, None)
        if self._how == "poll":
            slept = self._wait_by_poll()
        elif self._how == "epoll":
            slept = self._wait_by_epoll()
        else:
            slept = self._wait_by_signal()
        return Wakeup(self._how, slept, time.monotonic())

    def _fd(self) -> int:
        fd = self._half.fileno()
        if fd is None:
            raise ValueError(f"there is no descriptor that {self._how} could wait for")
        return fd

    def _wait_by_poll(self) -> bool:
        fd, slept = self._fd(), not _poll(self._fd(), 0)
        shown = (f"[{{{fd}, POLLIN}}]", "-1")
        self._calls("poll", shown, lambda: _poll(fd, -1), lambda ready: told_events(ready, "POLL"))
        return slept

    def _prepare_epoll(self, fd: int) -> None:
        epoll = self._calls("epoll_create1", ("EPOLL_CLOEXEC",), select.epoll, lambda made: made.fileno())
        self._calls("epoll_ctl", (epoll.fileno(), "ADD", fd, "EPOLLIN"), lambda: epoll.register(fd, select.EPOLLIN))
        self._epoll = epoll

    def _wait_by_epoll(self) -> bool:
        epoll = self._epoll
        assert epoll is not None, "wait before prepare"
        slept = not epoll.poll(0)
        shown = (epoll.fileno(), "-1")
        self._calls("epoll_wait", shown, lambda: epoll.poll(-1), lambda ready: told_events(ready, "EPOLL"))
        return slept

    def _prepare_signal(self, fd: int) -> None:
        self._calls("fcntl", (fd, "F_SETOWN", os.getpid()), lambda: fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid()))
        self._calls("fcntl", (fd, "F_SETSIG", _NAME), lambda: fcntl.fcntl(fd, _F_SETSIG, _SIGNAL))
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        self._calls("fcntl", (fd, "F_SETFL", "O_ASYNC"), lambda: fcntl.fcntl(fd, fcntl.F_SETFL, flags | _O_ASYNC))

    def _prepare_notify(self, fd: int) -> None:
        event = _SIGEVENT.pack(0, _SIGNAL, _SIGEV_SIGNAL)

        def register() -> None:
            if _LIBRARY.mq_notify(fd, event) < 0:
                raise last_error("mq_notify")

        self._calls("mq_notify", (fd, f"SIGEV_SIGNAL, {_NAME}"), register)
        self._is_registered = True

    def _wait_by_signal(self) -> bool:
        """The signal tells of a change, not of what is there: one of earlier data is passed over.

        In this order no wake-up is lost: what comes after the look at the descriptor raises a signal that stays.
        """
        while _SIGNALS & signal.sigpending():
            self._take_signal("sigtimedwait", (f"[{_NAME}]", "0"), lambda: signal.sigtimedwait(_SIGNALS, 0))
        self._register_again()
        slept = False
        while not _poll(self._fd(), 0):
            slept = True
            self._take_signal("sigwaitinfo", (f"[{_NAME}]",), lambda: signal.sigwaitinfo(_SIGNALS))
            if not _poll(self._fd(), 0):
                self._register_again()
        return slept

    def _take_signal(self, call: str, shown: tuple[str, ...], take: Callable[[], signal.struct_siginfo | None]) -> None:
        self._calls(call, shown, take, _told_by)
        self._is_registered = False

    def _register_again(self) -> None:
        """mq_notify(3) tells once, and only of the first message in an empty queue. Raises OSError."""
        if self._how == "mq_notify" and not self._is_registered:
            self._prepare_notify(self._fd())


def _poll(fd: int, milliseconds: int) -> list[tuple[int, int]]:
    """The descriptor with its events, where there are any."""
    asked = select.poll()
    asked.register(fd, select.POLLIN)
    return asked.poll(milliseconds)


def _told_by(info: signal.struct_siginfo | None) -> str:
    return "no signal" if info is None else f"signal {info.si_signo}, si_code {info.si_code}"
