"""The first three stages of a walk: creation, preparation, transmission."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator

from ipcinspect.demo import formats
from ipcinspect.demo.checking import sleeps_for_the_first
from ipcinspect.demo.course import Course
from ipcinspect.demo.protocol import Given
from ipcinspect.demo.telling import Told

_SHOWN_BYTES = 48
NOTHING_THERE = (errno.EAGAIN, errno.ENOMSG)
"""What a call says that does not sleep; ENOMSG is that of msgrcv(2)."""


def creation(course: Course) -> Iterator[Told]:
    """The object is made, both processes get it, both take hold of their ends."""
    course.make()
    yield from course.calls()
    course.pair.open()
    yield from course.calls()
    yield course.says(_who_has_what(course), course.look())


def _who_has_what(course: Course) -> str:
    pair = course.pair
    told = (
        f"demo-sender {pair.sender_pid} was given {_given(pair.made.forth, True)}, "
        f"demo-receiver {pair.receiver_pid} {_given(pair.made.forth, False)}"
    )
    back = pair.made.back
    if back is not None:
        told += f"; the answer's channel: {_given(back, False)} and {_given(back, True)}"
    return told


def _given(given: Given, is_sender: bool) -> str:
    args = given.sender_args if is_sender else given.receiver_args
    fds = given.sender_fds if is_sender else given.receiver_fds
    parts = [*args, *(f"descriptor {fd}" for fd in fds)]
    return " ".join(parts) if parts else "memory that it inherits"


def preparation(course: Course) -> Iterator[Told]:
    """Values become bytes, in the sender's process."""
    plan = course.plan
    if not course.demo.carries_payload:
        course.payloads = [b""] * plan.messages
        yield course.says(f"{plan.mechanism} carries no bytes, only that something happened: nothing is serialised")
        return
    for number in range(1, plan.messages + 1):
        value = formats.sample(plan.format, number, plan.messages, plan.size)
        payload = course.pair.prepare(value)
        course.values.append(value)
        course.payloads.append(payload)
        if number == 1:
            yield from course.calls()
            yield course.says(f"{formats.shown(value)} as {_form(course)} is {told_bytes(payload)}", side="a")
            yield course.says(f"{len(payload)} bytes: {_limit(course, len(payload))}")
    yield from course.calls()
    if plan.messages > 1:
        total = sum(map(len, course.payloads))
        yield course.says(f"{plan.messages} messages are ready, {total} bytes in all", side="a")


def _form(course: Course) -> str:
    plan = course.plan
    return f"struct, {plan.byte_order} endian, with a CRC-32" if plan.format == "struct" else plan.format


def told_bytes(payload: bytes) -> str:
    """`64 bytes: ` and the first of them, as text where they are text, else in hexadecimal."""
    start = payload[:_SHOWN_BYTES]
    text = start.decode("ascii") if start.isascii() and start.decode("ascii").isprintable() else start.hex(" ", 4)
    return f"{len(payload)} bytes: {text}{'…' if len(payload) > _SHOWN_BYTES else ''}"


def _limit(course: Course, size: int) -> str:
    """The size against what the channel takes."""
    longest = course.longest
    if longest is None:
        return "one message has no limit here"
    most, told_by = longest
    return f"one message may have {most}{f' ({told_by})' if told_by else ''}"


def transmission(course: Course) -> Iterator[Told]:
    """The sender's calls, and what the channel holds before and after each."""
    yield course.says("before the first message", course.look())
    yield from _receiver_gets_ready(course)
    for number, payload in enumerate(course.payloads, 1):
        course.rest_until_next(number)
        if number == 1:
            course.first_sent_at = time.monotonic()
        course.pair.send(payload)
        course.sent = number
        if number == 1 and sleeps_for_the_first(course.plan):
            course.received.append(course.pair.finish_receive())
        yield from course.calls(("maker", "a"))
        if course.is_looked_at(number) and number < course.plan.messages:
            yield course.shows()
    yield course.says(_sent_and_taken(course), course.look())


def _receiver_gets_ready(course: Course) -> Iterator[Told]:
    """What the receiver does before there is anything: it sleeps in its call, or asks in vain."""
    plan, pair = course.plan, course.pair
    if plan.notification != "read":
        pair.begin_wait()
        yield from course.falls_asleep("b")
    elif sleeps_for_the_first(plan):
        pair.begin_receive(len(course.payloads[0]))
        yield from course.falls_asleep("b")
    elif not plan.blocking:
        pair.begin_receive(len(course.payloads[0]))
        try:
            pair.finish_receive()
        except OSError as error:
            if error.errno not in NOTHING_THERE:
                raise


def _sent_and_taken(course: Course) -> str:
    sent, taken = course.sent, len(course.received)
    if not course.demo.carries_payload:
        told = f"the sender raised it {sent} times"
    else:
        told = f"the sender sent {sent} x {course.plan.size} = {sum(map(len, course.payloads[:sent]))} bytes"
    if not taken:
        return f"{told}, nothing is taken yet"
    return f"{told}, the receiver, who was asleep in its call, took the first at once"
