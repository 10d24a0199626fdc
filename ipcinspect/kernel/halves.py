"""Work on a long list shared with a child process: reading /proc is system calls that threads of Python cannot share.

The child is a fork that reads its half, sends it back and ends; it holds none of the descriptors that it inherited,
and dies with its parent. Only for a process without other threads (fork(2)).
"""

from __future__ import annotations

import os
import select
import signal
import struct
import threading
import time
from collections.abc import Sequence
from typing import Callable, TypeVar

from ipcinspect.kernel.libc import die_with_parent

Result = TypeVar("Result")

_CHUNK = 1 << 20
_LENGTH = struct.Struct("=Q")
_GRACE_S, _CHECK_S = 1.0, 0.001
MANY = 400
"""Items from which on a fork costs less than it saves."""


def worth_sharing(items: Sequence[object]) -> bool:
    """Whether a child would help, and may be made."""
    return len(items) >= MANY and len(os.sched_getaffinity(0)) > 1 and threading.active_count() == 1


def share(items: Sequence[int], work: Callable[[Sequence[int]], Result], deadline_s: float) -> list[Result]:
    """What `work` makes of the two halves of a list; a half whose child fails or is late is done here.

    The results of `work` have to be picklable. Raises what `work` raises here.
    """
    ours, theirs = items[::2], items[1::2]
    try:
        receiving, sending = os.pipe2(os.O_CLOEXEC)
    except OSError:
        return [work(items)]
    try:
        child = os.fork()
    except OSError:
        os.close(receiving)
        os.close(sending)
        return [work(items)]
    if child == 0:
        _work_as_child(theirs, work, sending)
    os.close(sending)
    try:
        first = work(ours)
        second = _received(receiving, deadline_s)
    finally:
        os.close(receiving)
        _end(child)
    if second is None:
        return [first, work(theirs)]
    import pickle

    answer: Result = pickle.loads(second)
    return [first, answer]


def _work_as_child(items: Sequence[int], work: Callable[[Sequence[int]], Result], sending: int) -> None:
    """Never returns: whatever happens here ends the child alone."""
    try:
        die_with_parent()
        os.closerange(0, sending)
        os.closerange(sending + 1, sending + _CHUNK)
        import pickle

        answer = pickle.dumps(work(items), pickle.HIGHEST_PROTOCOL)
        view = memoryview(_LENGTH.pack(len(answer)) + answer)
        while view:
            view = view[os.write(sending, view) :]
        os._exit(0)
    finally:
        os._exit(1)


def _received(receiving: int, deadline_s: float) -> bytes | None:
    """The child's answer; None where it is late or did not come whole."""
    until = time.monotonic() + deadline_s
    poll = select.poll()
    poll.register(receiving, select.POLLIN)
    parts = []
    while poll.poll(max(until - time.monotonic(), 0) * 1000):
        part = os.read(receiving, _CHUNK)
        if not part:
            break
        parts.append(part)
    told = b"".join(parts)
    length, answer = told[: _LENGTH.size], told[_LENGTH.size :]
    return answer if length == _LENGTH.pack(len(answer)) else None


def _end(child: int) -> None:
    """Kill it and take its status; one that sleeps uninterruptibly is left to whoever inherits it."""
    os.kill(child, signal.SIGKILL)
    until = time.monotonic() + _GRACE_S
    while os.waitpid(child, os.WNOHANG) == (0, 0) and time.monotonic() < until:
        time.sleep(_CHECK_S)
