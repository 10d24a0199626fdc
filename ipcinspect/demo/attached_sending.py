"""The first three stages of a walk on a channel that is there already: creation, preparation, transmission."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ipcinspect.demo import sending
from ipcinspect.demo.attached_course import AttachedCourse
from ipcinspect.demo.telling import Told
from ipcinspect.mechanisms.demo_attach import counted


def creation(course: AttachedCourse) -> Iterator[Told]:
    """Nothing is made: the halves take hold of what is there. Raises Late where nobody comes to the other end."""
    course.make()
    yield from course.calls()
    yield course.says(f"nothing is made: {course.attachment.channel.id} is there already", course.look())
    _opens(course)
    yield from course.calls()
    who = " and ".join(f"demo-{half.role} {half.pid}" for half in course.halves.halves)
    evidence = course.look()
    course.waited_before = course.looks.waiting(evidence)
    yield course.says(f"{who} {'has' if len(course.opened) == 1 else 'have'} taken hold of it", evidence)


def _opens(course: AttachedCourse) -> None:
    """Both at once, since they may wait for each other in it; where they do not wait, the one that can be first is."""
    roles = course.attachment.halves[::-1]
    for together in (roles,) if course.plan.blocking else zip(roles):
        for role in together:
            course.halves.begin_open(role)
        for role in together:
            course.finish(role, "nobody came to its other end")
            course.opened.add(role)


def preparation(course: AttachedCourse) -> Iterator[Told]:
    """Values become bytes, where there is a sender."""
    if course.has("sender") or not course.demo.carries_payload:
        yield from sending.preparation(course)
    else:
        yield course.says("who only receives prepares nothing: what comes is bytes to it")


def transmission(course: AttachedCourse) -> Iterator[Told]:
    """The sender sends, or others do. Raises Late where there is no room for long."""
    _receiver_gets_ready(course)
    if not course.has("sender"):
        yield course.says(_what_others_do(course), course.look())
        return
    for number, payload in enumerate(course.payloads, 1):
        course.rest_until_next(number)
        if number == 1:
            course.first_sent_at = time.monotonic()
        course.halves.begin_send(payload)
        course.finish("sender", "there is no room, and nobody took anything out")
        course.sent = number
        yield from course.calls(("maker", "a"))
        if course.is_looked_at(number) and number < course.plan.messages:
            yield course.shows()
    yield course.says(_what_was_sent(course), course.look())


def _what_others_do(course: AttachedCourse) -> str:
    if not course.demo.carries_payload:
        return "the demo raises nothing: what it takes, others have raised"
    if not course.attachment.attach.waits:
        return "the demo stores nothing: what it copies, others have stored"
    return "the demo sends nothing: what it receives, others send"


def _receiver_gets_ready(course: AttachedCourse) -> None:
    """The receiver sleeps in its call before anything is sent, where that can be."""
    if not course.has("receiver") or not course.attachment.attach.waits:
        return
    if course.plan.notification != "read":
        course.halves.begin_wait()
    elif course.plan.blocking:
        course.halves.begin_receive(course.plan.size)
    else:
        return
    course.hear_of("b")


def _what_was_sent(course: AttachedCourse) -> str:
    if not course.demo.carries_payload:
        return f"the sender raised it {counted(course.sent, 'time')}"
    return f"the sender sent {course.sent} x {course.plan.size} = {sum(map(len, course.payloads))} bytes"
