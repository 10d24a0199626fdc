"""What happens in a walk in which something goes wrong: for each fault the acts in place of the usual ones.

A fault shows where the kernel, a decoder or silence shows it: `FaultShown` carries the sentence for it, and the walk
goes on to its end with cleaning up. An error that belongs to the fault becomes one by `shown_by`; every other error is
a failure, as in a walk without a fault.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping

from ipcinspect.demo import formats, limits, receiving, sending
from ipcinspect.demo.checking import PROC
from ipcinspect.demo.course import Course
from ipcinspect.demo.faults import STAYS
from ipcinspect.demo.formats import FormatError
from ipcinspect.demo.limits import Machine
from ipcinspect.demo.process import Incapable
from ipcinspect.demo.telling import SIDES, Told
from ipcinspect.mechanisms import demo_leaving

Act = Callable[[Course], Iterator[Told]]
"""What happens in one stage of a walk. May raise OSError, DemoError, FormatError or FaultShown."""

_MOST_FILLED = 1_000_000
"""Messages after which a channel that never gets full is left alone."""
_SILENT_AFTER_S = 0.5
"""How long somebody sleeps of whom we say that nobody wakes it."""
_LATE_CALLS = 2
"""Calls after the receiver's death, beside the first."""


class FaultShown(Exception):
    """The fault that was wanted is there; the text says how it shows, and why."""


def acts_with(usual: Mapping[str, Act], word: str | None) -> Mapping[str, Act]:
    """The acts of a walk with this fault in it; the usual ones where there is none."""
    return usual if word is None else {**usual, **_ACTS.get(word, {})}


def shown_by(course: Course, error: Exception) -> str | None:
    """The sentence for an error that is the wanted fault; None for every other."""
    word = course.plan.fault
    if word is None or not isinstance(error, OSError) or error.errno not in _ERRORS.get(word, ()):
        return None
    name = errno.errorcode.get(error.errno or 0, str(error.errno))
    refusal = course.last_refusal
    told = refusal.message if refusal is not None and refusal.errno == name else os.strerror(error.errno or 0)
    return f"{name}, {told}: {_WORDS[word](course)}"


def _full(course: Course) -> Iterator[Told]:
    """Nobody reads; the sender sends until its call, which may not sleep, says that there is no room."""
    yield course.says("nobody reads; before the first message", course.look())
    payload = course.payloads[0]
    fits = limits.at_once(course.plan.mechanism, course.plan.variant or "", len(payload), True, Machine(PROC))
    drops = course.plan.mechanism == _DROPS
    filled = course.pair.fill(payload, 2 * fits.messages + 2 if drops else _MOST_FILLED)
    course.sent = filled.sent
    yield from course.calls(("maker", "a"))
    told = f"{filled.sent} messages of {len(payload)} bytes were accepted"
    if filled.error is not None:
        number = getattr(errno, filled.error)
        raise FaultShown(
            f"{filled.error}, {os.strerror(number)}: {told}, then the channel was full; a call that may not sleep says "
            f"so, one that may would sleep now until somebody reads"
        )
    if drops:
        raise FaultShown(
            f"no error: {told}, but the receiver's buffer holds fewer ({fits.why}): what came later is dropped, and "
            f"nobody is told but the receiver's counter of drops"
        )
    yield course.says(f"{told}, and it is not full yet")


_DROPS = "udp"
"""Its kernel drops what has no room."""


def _too_big(course: Course) -> Iterator[Told]:
    """A message of one byte more than the channel takes."""
    most, told_by = course.longest or (0, None)
    plan = course.plan._replace(size=most + 1, messages=1)
    value = formats.sample(plan.format, 1, 1, plan.size)
    course.values.append(value)
    course.payloads.append(course.pair.prepare(value, plan.size))
    yield from course.calls()
    where = f" ({told_by})" if told_by else ""
    yield course.says(f"{plan.size} bytes: one more than a message may have here{where}", side="a")


def _send_too_big(course: Course) -> Iterator[Told]:
    """Its sending."""
    yield course.says("before the first message", course.look())
    course.pair.send(course.payloads[0])
    course.sent = 1
    yield from course.calls()


def _corrupt(course: Course) -> Iterator[Told]:
    """The messages as they should be, and a bit of the first one turned before it is sent."""
    yield from sending.preparation(course)
    first = course.payloads[0]
    course.payloads[0] = bytes((first[0] ^ 1,)) + first[1:]
    yield course.says(f"on its way a bit of message 1 turns: byte 0 is {first[0] ^ 1:02x}, it was {first[0]:02x}")


def _read_corrupt(course: Course) -> Iterator[Told]:
    """The receiver takes it whole, and cannot make a value of it."""
    try:
        yield from receiving.reception(course)
    except (Incapable, FormatError) as error:
        yield from course.calls()
        raise FaultShown(
            f"{error}. The call that read it went well: the kernel carries bytes, whether they are right only their "
            f"form or a check in them can tell"
        ) from error


def _receiver_killed(course: Course) -> Iterator[Told]:
    """One message arrives in the channel, its reader dies, the sender goes on."""
    pair = course.pair
    first, *later = course.payloads[: 2 + _LATE_CALLS]
    pair.send(first)
    course.sent = 1
    yield from course.calls(("maker", "a"))
    yield course.says("one message is sent, nobody has read it", course.look())
    course.kill("b")
    yield course.says(f"demo-receiver {pair.receiver_pid} is killed by SIGKILL", course.look())
    for payload in later:
        pair.send(payload)
        course.sent += 1
        yield from course.calls(("maker", "a"))
    raise FaultShown(
        f"no error: {len(later)} calls after the receiver's death went well. Nothing tells this sender that nobody "
        f"reads; what it sent waits for whoever comes, or for nobody"
    )


def _sender_killed(course: Course) -> Iterator[Told]:
    """The sender dies after its last message; the receiver reads what there is, and then once more."""
    pair = course.pair
    course.kill("a")
    yield course.says(f"demo-sender {pair.sender_pid} is killed by SIGKILL", course.look())
    try:
        yield from receiving.reception(course)
    except Incapable as error:
        if course.received[-1]:
            raise
        yield from course.calls()
        raise FaultShown(
            f"0 bytes, end of file, after {len(course.received) - 1} of {course.sent} messages: the sender's death is "
            f"a hangup here, and what waited to be read is thrown away with it"
        ) from error
    yield course.says("everything that was sent is read; the receiver asks once more", course.look())
    size = len(course.payloads[0])
    pair.begin_receive(size)
    if pair.sleeps("b", _SILENT_AFTER_S):
        yield from course.calls()
        raise FaultShown(
            "no error and no end of file: the receiver waits on. Nothing tells it that its sender is gone; it would "
            "wait until somebody else sends"
        )
    data = pair.finish_receive()
    yield from course.calls()
    if data:
        raise FormatError(f"{len(data)} bytes came that nobody sent")
    raise FaultShown(
        "0 bytes, end of file: the kernel closed the dead sender's end, and it was the last one. A receiver that "
        "does not stop here reads 0 for ever"
    )


def _owner_dies(course: Course) -> Iterator[Told]:
    """The sender stores a message, takes the lock once more and dies with it; the receiver wants the lock."""
    pair = course.pair
    pair.send(course.payloads[0])
    course.sent = 1
    pair.hold_lock()
    yield from course.calls(("maker", "a"))
    yield course.says("one message is stored, and the sender has taken the lock again", course.look())
    course.kill("a")
    yield course.says(f"demo-sender {pair.sender_pid} is killed by SIGKILL, while the lock is its own", course.look())
    pair.begin_receive(len(course.payloads[0]))
    course.received.append(pair.finish_receive())
    yield from course.calls()
    raise FaultShown(_SURVIVED[course.plan.lock or ""])


_SURVIVED = {
    "sysv-sem": "no error: the kernel took back what the dead owner did to the semaphore (SEM_UNDO), so the lock was "
    "free again; that the memory behind it may be half written nobody is told",
    "futex": "EOWNERDEAD, Owner died: the mutex is robust, so the kernel hands it on and says that its owner died in "
    "the middle; the receiver has looked the memory over and called pthread_mutex_consistent",
}


def _leak(course: Course) -> Iterator[Told]:
    """Something is not closed, or not removed; a look finds it."""
    yield from _leaks_object(course) if course.plan.mechanism in STAYS else _leaks_end(course)
    yield from receiving.ends(course)


def _leaks_object(course: Course) -> Iterator[Told]:
    yield from receiving.closes(course)
    for side in SIDES[1:]:
        course.kill(side)
    left = demo_leaving.shown(course.pair.made.leaves)
    yield course.shows_fault(
        f"both processes are gone, and nobody has removed what they used. It stays until the machine is started anew, "
        f"or until somebody removes it ({left}). A look finds it"
    )


def _leaks_end(course: Course) -> Iterator[Told]:
    keeps = "a" if course.plan.mechanism in _NEEDS_A_WRITER else "b"
    yield from receiving.closes(course, [side for side in SIDES[1:] if side != keeps])
    cast = course.pair
    who = f"demo-sender {cast.sender_pid}" if keeps == "a" else f"demo-receiver {cast.receiver_pid}"
    yield course.shows_fault(
        f"{who} has done its work and never closes its end; the kernel keeps the channel as long as it lives. "
        f"A look finds it"
    )


_NEEDS_A_WRITER = frozenset(("mmap",))
"""Mechanisms that are no channel where one process alone reads: a mapped program or library is that, too."""
_ACTS: Mapping[str, Mapping[str, Act]] = {
    "full": {"transmission": _full},
    "too-big": {"preparation": _too_big, "transmission": _send_too_big},
    "corrupt": {"preparation": _corrupt, "reception": _read_corrupt},
    "receiver-killed": {"transmission": _receiver_killed},
    "sender-killed": {"reception": _sender_killed},
    "owner-dies": {"transmission": _owner_dies},
    "leak": {"termination": _leak},
}
_ERRORS: Mapping[str, tuple[int, ...]] = {
    "denied": (errno.EACCES, errno.EPERM),
    "emfile": (errno.EMFILE,),
    "limit": (errno.ENOSPC, errno.EMFILE, errno.EFBIG),
    "too-big": (errno.EMSGSIZE, errno.EINVAL),
    "receiver-killed": (errno.EPIPE, errno.ECONNRESET, errno.ECONNREFUSED, errno.ENOTCONN, errno.EIO),
    "sender-killed": (errno.EAGAIN, errno.ENOMSG, errno.EIO, errno.ECONNRESET),
    "owner-dies": (errno.ETIMEDOUT,),
}
"""By fault, what the kernel says that is the fault itself."""
_WORDS: Mapping[str, Callable[[Course], str]] = {
    "denied": lambda course: (
        "its permission bits are 0000, and the demo has put down the privileges that pass over them"
    ),
    "emfile": lambda course: (
        "the process has as many descriptors as it may (RLIMIT_NOFILE). Close what is not needed, or raise the limit "
        "with ulimit -n"
    ),
    "limit": lambda course: (
        f"{course.limited_by} allows no larger file, for this demo alone. Raise the limit with ulimit -f"
        if course.limited_by == "RLIMIT_FSIZE"
        else f"{course.limited_by} allows no more, for this demo alone. Remove what nobody uses, or raise the limit"
    ),
    "too-big": lambda course: (
        f"one message may have {(course.longest or (0,))[0]} bytes, this one has {len(course.payloads[0])}; "
        f"nothing of it is sent"
    ),
    "receiver-killed": lambda course: (
        f"call {course.sent} after the receiver's death tells the sender that nobody is left to read"
    ),
    "sender-killed": lambda course: "nothing is there, and nothing tells the receiver that its sender is gone",
    "owner-dies": lambda course: (
        "a POSIX semaphore has no owner that the kernel knows, so the lock of a dead process stays taken for good; the "
        "receiver gave up waiting"
    ),
}
