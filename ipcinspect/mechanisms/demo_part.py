"""What the halves of a demo pair are given: their end, the terms they work under, a recorder of calls.

Every system call that a half makes for the walk goes through `Calls`, so that what is told of it is what happened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Callable, NamedTuple, TypeVar

NOTIFICATIONS = ("read", "poll", "epoll", "signal", "mq_notify")
"""How a receiver learns that data is there: it sleeps in the reading call itself; in poll(2); in epoll_wait(2); by a
signal of its descriptor (O_ASYNC, fcntl(2)); by mq_notify(3)."""
RESPONSES = ("same", "second")
"""The answer comes back through the same channel, or through a second one of the same mechanism."""
WAYS = ("forth", "back")
"""The channel of the messages, and the second one, of their answers."""
LOCKS = ("sysv-sem", "posix-sem", "futex")
"""What guards shared memory."""

BROKEN = {errno.EPIPE: "; SIGPIPE came with it, which this process ignores"}
"""What a write into a pipe or a stream does beside failing: the signal ends a program that does not ignore it (Python
does). A message that keeps its boundary (SOCK_SEQPACKET, SOCK_DGRAM) fails without the signal (net/unix/af_unix.c)."""

T = TypeVar("T")
if TYPE_CHECKING:
    from typing import ParamSpec  # since Python 3.10; this floor runs on 3.9, too

    P = ParamSpec("P")


class Report(NamedTuple):
    """One call of a demo process: begun, or done."""

    call: str
    """As the man page names it: `pipe2`, `sendmsg`, `shmat`."""
    args: tuple[str, ...]
    """As one would read them: `4`, `512 bytes`, `O_WRONLY`."""
    began_at: float
    """Seconds of CLOCK_MONOTONIC, which all processes of the machine share."""
    took_s: float | None = None
    """None while it has not returned."""
    result: str | None = None
    """None where it failed or has not returned."""
    errno: str | None = None
    """Name of the error (`EPIPE`) where it failed in the kernel."""
    message: str | None = None
    """Words for the error."""
    about: str = ""
    """Which of the pair's channels it was done to, one of `WAYS`; empty where to none of them alone (fork(2))."""

    @property
    def has_failed(self) -> bool:
        """Whether it came back without a result."""
        return self.took_s is not None and self.result is None


class Calls:
    """Makes calls and reports each, when it begins and when it has returned."""

    def __init__(
        self,
        report: Callable[[Report], None] = lambda report: None,
        clock: Callable[[], float] = time.monotonic,
        whole: Calls | None = None,
    ) -> None:
        """`whole`: those that these are a part of, and are quiet with."""
        self._report = report
        self._clock = clock
        self._whole = whole or self
        self._is_quiet = False

    def about(self, way: str) -> Calls:
        """The same for what is done to one of the two channels."""
        return Calls(lambda report: self._report(report._replace(about=way)), self._clock, self._whole)

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Within it only calls that fail are reported: for the same one thousands of times."""
        self._whole._is_quiet = True
        try:
            yield
        finally:
            self._whole._is_quiet = False

    def tell(self, report: Report) -> None:
        """Report a call that was made elsewhere (fork(2): it returns twice)."""
        self._report(report)

    def __call__(
        self,
        call: str,
        shown: Sequence[object],
        function: Callable[[], T],
        returns: Callable[[T], object] = lambda result: result,
        comes_with: Mapping[int, str] = {},
    ) -> T:
        """What `function` gives. `shown`: its arguments for the reader; `returns`: its result for the reader.

        `comes_with`: by errno, what else such a failure does. Raises what `function` raises.
        """
        begun = Report(call, tuple(str(arg) for arg in shown), self._clock())
        if not self._whole._is_quiet:
            self._report(begun)
        try:
            result = function()
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, "EIO")
            words = os.strerror(error.errno or errno.EIO) + comes_with.get(error.errno or 0, "")
            self._report(begun._replace(took_s=self._clock() - begun.began_at, errno=name, message=words))
            raise
        except Exception as error:
            self._report(begun._replace(took_s=self._clock() - begun.began_at, message=str(error)))
            raise
        if self._whole._is_quiet:
            return result
        took = self._clock() - begun.began_at
        told = returns(result)
        self._report(begun._replace(took_s=took, result="0" if told is None else str(told)))
        return result

    def bound(
        self,
        call: str,
        function: Callable[P, T],
        shown: Callable[P, Sequence[object]],
        returns: Callable[[T], object] = lambda result: result,
        comes_with: Mapping[int, str] = {},
    ) -> Callable[P, T]:
        """`function`, reported each time that it is called; `shown`: what it is called with, for the reader."""

        def tell(*args: P.args, **named: P.kwargs) -> T:
            return self(call, shown(*args, **named), lambda: function(*args, **named), returns, comes_with)

        return tell


class BareCalls(Calls):
    """Makes calls and tells nobody: for halves whose time is measured. What fails is raised, and told by that."""

    def about(self, way: str) -> Calls:
        """The same for either channel."""
        return self

    def __call__(
        self,
        call: str,
        shown: Sequence[object],
        function: Callable[[], T],
        returns: Callable[[T], object] = lambda result: result,
        comes_with: Mapping[int, str] = {},
    ) -> T:
        """What `function` gives. Raises what it raises."""
        return function()

    def bound(
        self,
        call: str,
        function: Callable[P, T],
        shown: Callable[P, Sequence[object]],
        returns: Callable[[T], object] = lambda result: result,
        comes_with: Mapping[int, str] = {},
    ) -> Callable[P, T]:
        """`function` itself."""
        return function


class Terms(NamedTuple):
    """How a half works."""

    blocking: bool = True
    """False: a call that would sleep answers EAGAIN instead."""
    lock: str | None = None
    """One of `LOCKS`; for memory alone."""
    size: int = 64
    """Bytes of one message; memory makes its slots by it."""
    messages: int = 1
    """Messages that shall fit at once."""
    measured: bool = False
    """Whether the time of its calls is measured. Then none is told of, and TCP does not wait for more to send."""


class Making(NamedTuple):
    """What the making of a demo's object is given."""

    calls: Calls
    directory: str
    """Exists, is empty, and belongs to this demo: for names."""
    variant: str
    terms: Terms = Terms()
    mode: int = 0o600
    """Permission bits for what has them."""


class Part(NamedTuple):
    """What one half is made from: of `Handover` its own (args, fds)."""

    calls: Calls
    terms: Terms
    args: tuple[str, ...]
    fds: tuple[int, ...]


class Leaving(NamedTuple):
    """Something that stays in the system until it is removed; any process that may, can."""

    how: str
    """A key of `REMOVERS`."""
    what: str
    """A path, a System V id, the name of a queue."""
