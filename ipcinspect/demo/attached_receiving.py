"""The last four stages of a walk on a channel that is there already: delivery, reception, response, termination."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from ipcinspect.demo import formats, sending
from ipcinspect.demo.attached_course import SIDE_OF, AttachedCourse, Late
from ipcinspect.demo.formats import Message
from ipcinspect.demo.process import DemoError
from ipcinspect.demo.telling import Evidence, Told
from ipcinspect.demo.watching import listens
from ipcinspect.mechanisms.demo_attach import counted
from ipcinspect.model.text import visible

TAKEN_WITHIN_S = 1.0
"""How long it is looked whether somebody takes what was sent; then it is told as it is."""
_LOOKS_AGAIN_S = 0.1
_CLOSES_WITHIN_S = 1.0
_LONGEST_ANSWER = 4096
_SHOWN_BYTES = 48
_LAYOUT = "\r\n\t"
_NOTHING_CAME = "nothing came"
_MICROSECONDS = 1e6


def delivery(course: AttachedCourse) -> Iterator[Told]:
    """How the receiver was told that something is there. Raises Late where nothing came."""
    plan = course.plan
    if not course.attachment.attach.waits:
        yield course.says("memory wakes nobody: who has it mapped finds other bytes in it only by looking")
    elif not course.has("receiver"):
        yield course.says("the demo does not receive: what was sent is for whoever does", course.look())
    elif plan.notification != "read":
        course.awaits("receiver", _NOTHING_CAME)
        woken = course.halves.finish_wait()
        yield from course.calls()
        how = " while it slept" if woken.slept else ": something was there when it asked"
        yield course.says(f"the receiver was told by {woken.how}{how}", course.look(), "b")
    elif plan.blocking:
        course.received.append(course.finish("receiver", _NOTHING_CAME))
        took = course.done("b")[-1].took_s or 0.0
        yield from course.calls()
        told = f"the receiver's call returned {took * _MICROSECONDS:.0f} µs after it began"
        yield course.says(told, course.look(), "b")
    else:
        yield course.says("the receiver's calls do not sleep: it asks once for each message")


def reception(course: AttachedCourse) -> Iterator[Told]:
    """What the receiver takes, or whether others take what was sent."""
    if course.has("receiver"):
        yield from _received(course)
    elif course.attachment.attach.waits and course.demo.carries_payload:
        yield from _taken_by_others(course)
    else:
        yield course.says("who takes it, and when, the kernel does not tell")


def _received(course: AttachedCourse) -> Iterator[Told]:
    """Each message as it comes. What others sent may be among them."""
    ours = list(course.payloads)
    for number in range(1, course.plan.messages + 1):
        ends = None if number <= len(course.received) else _take_one(course)
        yield from course.calls()
        if ends is None and not course.received[number - 1]:
            ends = course.attachment.access.empty
        if ends is not None:
            yield course.says(ends, course.look(), "b")
            return
        if course.demo.carries_payload:
            came = _what_came(course, course.received[number - 1], ours)
            yield from course.calls()
            yield course.says(came, side="b")
        if course.is_looked_at(number):
            yield course.shows()
    if not course.demo.carries_payload:
        yield course.says(f"the receiver took it {counted(len(course.received), 'time')}", side="b")


def _take_one(course: AttachedCourse) -> str | None:
    """Receive once more; a sentence where nothing more comes. Raises Late or OSError where nothing came at all."""
    course.halves.begin_receive(course.plan.size)
    try:
        course.received.append(course.finish("receiver", "nothing more came"))
    except (Late, OSError) as error:
        nothing_there = isinstance(error, Late) or error.errno in sending.NOTHING_THERE
        if not course.received or not nothing_there:
            raise
        return str(error) if isinstance(error, Late) else "nothing more is there"
    return None


def _what_came(course: AttachedCourse, payload: bytes, ours: list[bytes]) -> str:
    """What the receiver makes of a message. `ours`: what was sent and did not come yet. Raises DemoError."""
    if payload not in ours:
        whose = ", not one that this demo sent" if course.has("sender") else ""
        return f"{_told(payload)}{whose}"
    ours.remove(payload)
    value = course.halves.decode(payload)
    if not isinstance(value, (bytes, Message)):
        value = formats.from_plain(value)
    equal = value == course.values[course.payloads.index(payload)]
    return f"{len(payload)} bytes decoded: {formats.shown(value)}{', equal to what was sent' if equal else ''}"


def _taken_by_others(course: AttachedCourse) -> Iterator[Told]:
    """Whether somebody takes what was sent, for a moment: a queue may be read much later, or never."""
    until = time.monotonic() + TAKEN_WITHIN_S
    evidence = course.look()
    while _waits_on(course, evidence) and time.monotonic() < until:
        course.rest(_LOOKS_AGAIN_S)
        evidence = course.look()
    waits_on = _waits_on(course, evidence)
    if waits_on is None:
        told = "whether somebody took it is not told here"
    elif not waits_on:
        told = "somebody took it: no more waits than before"
    elif evidence.channel is not None and listens(evidence.channel):
        told = f"nobody has accepted the connection within {TAKEN_WITHIN_S:g} s: what was sent waits in it"
    else:
        told = f"nobody has taken all of it within {TAKEN_WITHIN_S:g} s: it waits there"
    yield course.says(told, evidence)


def _waits_on(course: AttachedCourse, evidence: Evidence) -> bool | None:
    """Whether more waits to be taken than did before; None where that is not known."""
    if evidence.channel is not None and listens(evidence.channel):
        return True
    before = course.waited_before
    now = course.looks.waiting(evidence, before)
    return None if now is None else now > (before or 0)


def response(course: AttachedCourse) -> Iterator[Told]:
    """What a server answers to a client, if it does; nobody else knows of the demo."""
    access = course.attachment.access
    if not access.answers:
        yield course.says("no answer: nobody at this channel knows of the demo")
        return
    course.halves.begin_take_answer(_LONGEST_ANSWER)
    course.hear_of("a")
    try:
        answer = course.finish("sender", "no answer came")
    except (Late, BlockingIOError) as late:
        told = str(late) if isinstance(late, Late) else "no answer is there, and its call does not sleep"
    else:
        told = access.empty or "" if not answer and access.empty else f"an answer came: {_told(answer)}"
    yield from course.calls()
    yield course.says(told, course.look(), "a")


def termination(course: AttachedCourse) -> Iterator[Told]:
    """The halves let go or are ended; the channel stays as it is."""
    if not course.is_made:
        yield course.says("nothing was done to the channel")
        return
    for role in course.attachment.halves:
        yield from _lets_go(course, role)
    pids = " or ".join(str(half.pid) for half in course.halves.halves)
    course.end()
    yield from course.calls()
    evidence, left = course.looks.what_is_left()
    if left:
        yield course.fails(f"something is left: {', '.join(left)}", evidence)
    else:
        yield course.says(f"nothing of the channel was removed, and no process {pids} is left", evidence)


def _lets_go(course: AttachedCourse, role: str) -> Iterator[Told]:
    """One that sleeps for good has nothing to close: it is ended, and the kernel closes its end."""
    if not course.halves.half(role).is_alive:
        yield course.says(f"the {role} is gone", side=SIDE_OF[role])
        return
    if course.halves.is_busy(role) and not _is_done(course, role):
        yield course.says(
            f"the {role} sleeps in {course.asleep.get(role, 'its call')}: it is ended", side=SIDE_OF[role]
        )
        return
    if role not in course.opened:
        return
    try:
        course.halves.begin_close(role)
        if course.halves.comes(role, _CLOSES_WITHIN_S):
            course.halves.finish(role)
        told = f"the {role} has let go"
    except OSError as error:
        told = f"the {role} could not close: {error.strerror}"
    except DemoError as error:
        told = str(error)
    yield from course.calls()
    yield course.says(told, course.look())


def _is_done(course: AttachedCourse, role: str) -> bool:
    """Whether what was begun there, and nobody wants any more, is over."""
    with contextlib.suppress(DemoError):
        if course.halves.comes(role, 0.0):
            with contextlib.suppress(OSError):
                course.halves.finish(role)
            return True
    return False


def _told(payload: bytes) -> str:
    """What somebody sent, as text where it is text."""
    start = payload[:_SHOWN_BYTES]
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        is_cut = len(payload) > len(start) and error.end == len(start)
        text = start[: error.start].decode() if is_cut else ""
    if not text or not all(letter.isprintable() or letter in _LAYOUT for letter in text):
        return sending.told_bytes(payload)
    return f"{len(payload)} bytes: {visible(text)}{'…' if len(payload) > len(start) else ''}"
