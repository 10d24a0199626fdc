"""The last four stages of a walk: delivery, reception, response, termination."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ipcinspect.demo import formats
from ipcinspect.demo.checking import sleeps_for_the_first
from ipcinspect.demo.course import Course
from ipcinspect.demo.formats import FormatError, Message, Value
from ipcinspect.demo.process import DemoError
from ipcinspect.demo.telling import Told
from ipcinspect.mechanisms.demo_part import Report

_MICROSECONDS = 1e6


def delivery(course: Course) -> Iterator[Told]:
    """How the receiver was told that something is there, and when."""
    plan = course.plan
    if plan.notification != "read":
        woken = course.pair.finish_wait()
        yield from course.calls()
        course.first_arrived_at = woken.woken_at if woken.slept else None
        how = f"told by {woken.how}" + (" while it slept" if woken.slept else ": it was ready when it asked")
        yield course.says(f"the receiver was {how}{_after_sending(course)}", course.look(), "b")
    elif sleeps_for_the_first(plan):
        waited = [report for report in course.done("b") if report.took_s]
        if waited:
            longest = max(waited, key=lambda report: report.took_s or 0.0)
            course.first_arrived_at = longest.began_at + (longest.took_s or 0.0)
        yield from course.calls()
        yield course.says(_woke(course, waited), course.look(), "b")
    elif not plan.blocking:
        yield from course.calls()
        yield course.says("asked before anything was there: its call did not sleep", course.look(), "b")
    else:
        yield from course.calls()
        yield course.says("nobody waits: what was sent is ready for whoever reads", course.look())


def _woke(course: Course, waited: list[Report]) -> str:
    call = max(waited, key=lambda report: report.took_s or 0.0).call if waited else "its call"
    return f"the receiver slept in {call} until the first message woke it{_after_sending(course)}"


def _after_sending(course: Course) -> str:
    """How long after the sender's first call began; empty where nobody was waiting."""
    sent, arrived = course.first_sent_at, course.first_arrived_at
    if sent is None or arrived is None or arrived < sent:
        return ""
    return f", {(arrived - sent) * _MICROSECONDS:.0f} µs after the sender began"


def reception(course: Course) -> Iterator[Told]:
    """Each message is read, decoded in the receiver's process, and compared with what was sent."""
    merges = course.plan.variant in course.demo.merges
    last = min(len(course.received) + 1, course.plan.messages) if merges else course.plan.messages
    for number in range(1, last + 1):
        is_new = number > len(course.received)
        if is_new:
            course.received.append(course.pair.receive())
            yield from course.calls()
        if course.demo.carries_payload:
            decoded = _decoded(course, number)
            yield from course.calls()
            yield course.says(decoded, side="b")
        yield from course.calls()
        if course.plan.reading_s:
            course.rest(course.plan.reading_s)
        if is_new and course.is_looked_at(number):
            yield course.shows()
    if not course.demo.carries_payload:
        often = f"taken {last} times" + ("" if merges else ", as often as it was raised")
        yield course.says(f"{often}: {'one read takes all that was added' if merges else 'nothing is left'}", side="b")


def _decoded(course: Course, number: int) -> str:
    """What the receiver makes of the bytes. Raises FormatError where it is not what was sent."""
    payload, sent = course.received[number - 1], course.values[number - 1]
    value = course.pair.decode(payload)
    if not isinstance(value, (bytes, Message)):
        value = formats.from_plain(value)
    if value != sent:
        raise FormatError(f"message {number} is not what was sent")
    return f"{len(payload)} bytes decoded: {formats.shown(sent)}, equal to what was sent"


def response(course: Course) -> Iterator[Told]:
    """The receiver answers; the sender sleeps until the answer is there, unless its calls do not sleep."""
    plan, pair = course.plan, course.pair
    value = _answer(course)
    payload = b"" if value is None else formats.encode(value, plan.format, plan.byte_order, plan.size)
    if plan.blocking:
        pair.begin_take_answer(len(payload))
        course.hear_of("a")
    pair.begin_answer(payload)
    pair.finish_answer()
    if not plan.blocking:
        pair.begin_take_answer(len(payload))
    answer = pair.finish_take_answer()
    returned = [report.began_at + (report.took_s or 0.0) for report in course.done("a")]
    began = [report.began_at for report in course.done("b")]
    yield from course.calls()
    if value is not None and formats.decode(answer, plan.format, plan.byte_order) != value:
        raise FormatError("the answer is not what the receiver answered")
    where = "through the same channel" if plan.response == "same" else f"through a second {plan.mechanism}"
    told = "raised it" if value is None else f"answered {formats.shown(value)}"
    way_back = max(returned) - min(began) if returned and began else None
    yield course.says(f"the receiver {told} {where}{_round_trip(course, way_back)}", course.look(), "a")


def _answer(course: Course) -> Value | None:
    plan = course.plan
    if not course.demo.carries_payload:
        return None
    if plan.format == "raw":
        return (b"taken " * (plan.size // 6 + 1))[: plan.size]
    room = plan.size - formats.smallest(plan.format, plan.messages)
    return Message(plan.messages, f"{plan.messages} taken"[:room])


def _round_trip(course: Course, way_back: float | None) -> str:
    if way_back is None:
        return ""
    back = f"{way_back * _MICROSECONDS:.0f} µs back"
    if course.first_sent_at is None or course.first_arrived_at is None:
        return f", {back}"
    there = course.first_arrived_at - course.first_sent_at
    whole = (there + way_back) * _MICROSECONDS
    return f": {there * _MICROSECONDS:.0f} µs there and {back}, {whole:.0f} µs the round trip"


def termination(course: Course) -> Iterator[Told]:
    """Both let go; what the kernel shows after each; nothing is left."""
    if not course.is_made:
        yield course.says("nothing was made, nothing is left")
        return
    yield from closes(course)
    yield from ends(course)


def ends(course: Course) -> Iterator[Told]:
    """Everything is ended and removed, and a look finds nothing of it."""
    course.end()
    yield from course.calls()
    evidence, left = course.watching.what_is_left()
    names = [leaving.what for leaving in course.pair.made.leaves]
    if left:
        yield course.fails("something is left", evidence)
        return
    gone = f"no process {course.pair.sender_pid} or {course.pair.receiver_pid}"
    removed = f", removed: {', '.join(names)}" if names else ""
    yield course.says(f"nothing is left: {evidence.seen}, {gone}{removed}", evidence)


_WHO = {"a": "sender", "b": "receiver"}


def closes(course: Course, sides: Sequence[str] = ("a", "b")) -> Iterator[Told]:
    """One after the other. A process that is gone, or sleeps in a call, has nothing to close: the kernel does it."""
    for side in sides:
        told = _closed(course, side)
        yield from course.calls()
        yield course.says(told, course.look())


def _closed(course: Course, side: str) -> str:
    """How it lets go."""
    pair, who = course.pair, _WHO[side]
    if side in course.killed:
        return f"the {who} is dead: the kernel has closed what it had"
    try:
        if pair.sleeps(side):
            course.kill(side)
            return f"the {who} still sleeps: it is killed, and the kernel closes what it had"
        (pair.close_sender if side == "a" else pair.close_receiver)()
    except OSError as error:
        return f"the {who} could not close: {error.strerror}"
    except DemoError as error:
        return str(error)
    return f"the {who} has let go"
