"""What can be chosen for a demo, by mechanism: the plan before and after each choice. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ipcinspect.demo.faults import faults_of
from ipcinspect.demo.plan import BYTE_ORDERS, FORMATS, Plan
from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.mechanisms.room import Demo
from ipcinspect.tui import figures
from ipcinspect.tui.demo_words import MECHANISM_WORDS

DEMOS: dict[str, Demo] = {room.NAME: room.DEMO for room in MECHANISMS if room.DEMO is not None}
"""Every mechanism that has a demo."""
SIZES = (64, 512, 4096, 16384)
MESSAGES = (1, 4, 8)
FIRST = Plan("pipe", size=512)
"""What the screen begins with."""
_NOTIFIED = {
    "read": "it sleeps in the reading call itself",
    "poll": "it sleeps in poll(2)",
    "epoll": "it sleeps in epoll_wait(2)",
    "signal": "by a signal of its descriptor",
    "mq_notify": "by mq_notify(3)",
}
_FAULTS = {
    "full": "the channel is full, and the sender may not sleep: EAGAIN",
    "denied": "the receiver has no permission",
    "emfile": "no descriptor is left",
    "limit": "the limit of queues or segments is reached",
    "too-big": "a message is bigger than the channel takes",
    "corrupt": "the bytes do not decode, or their check fails",
    "receiver-killed": "the receiver dies: EPIPE or ECONNRESET for the sender",
    "sender-killed": "the sender dies: end of file for the receiver",
    "owner-dies": "who holds the lock dies with it",
    "leak": "an end is never closed",
}


class Choice(NamedTuple):
    """One line of a chooser."""

    topic: str
    """What it is about; empty where the chooser is about one thing."""
    word: str
    help: str
    is_chosen: bool
    plan: Plan
    """The plan after it."""


def with_mechanism(plan: Plan, mechanism: str) -> Plan:
    """The plan for another mechanism: what that cannot do, it leaves to the mechanism."""
    demo = DEMOS[mechanism]
    return plan._replace(
        mechanism=mechanism,
        variant=None,
        notification=plan.notification if plan.notification in demo.notifications else None,
        response=plan.response if plan.response in demo.responses else None,
        lock=plan.lock if plan.lock in demo.locks else None,
        blocking=plan.blocking or not demo.nonblocking,
        fault=plan.fault if plan.fault in faults_of(demo.variants[0], demo) else None,
    )


def with_next_variant(plan: Plan) -> Plan | None:
    """The next kind of the mechanism; None where it has but one."""
    variants = DEMOS[plan.mechanism].variants
    if len(variants) == 1:
        return None
    return plan._replace(variant=_after(plan.variant or variants[0], variants))


def with_next_format(plan: Plan) -> Plan | None:
    """The next format, struct in both byte orders; None where nothing is sent."""
    if not DEMOS[plan.mechanism].carries_payload:
        return None
    forms = [(form, order) for form in FORMATS for order in (BYTE_ORDERS if form == "struct" else BYTE_ORDERS[:1])]
    form, order = forms[(forms.index((plan.format, plan.byte_order)) + 1) % len(forms)]
    return plan._replace(format=form, byte_order=order)


def mechanisms(plan: Plan) -> list[Choice]:
    """Every mechanism with a demo."""
    return [
        Choice("", name, MECHANISM_WORDS.get(name, ""), name == plan.mechanism, with_mechanism(plan, name))
        for name in DEMOS
    ]


def faults(plan: Plan) -> list[Choice]:
    """What can go wrong with the mechanism, and nothing; empty where nothing can."""
    demo = DEMOS[plan.mechanism]
    words = faults_of(plan.variant or demo.variants[0], demo)
    if not words:
        return []
    none = Choice("", "none", "everything goes well", plan.fault is None, plan._replace(fault=None))
    return [none, *(Choice("", word, _FAULTS[word], plan.fault == word, plan._replace(fault=word)) for word in words)]


def options(plan: Plan) -> list[Choice]:
    """All else that can be chosen for the mechanism."""
    return list(_options(plan, DEMOS[plan.mechanism]))


def _options(plan: Plan, demo: Demo) -> Iterator[Choice]:
    if demo.nonblocking:
        for blocking, help_ in ((True, "a call waits until it can go on"), (False, "it answers EAGAIN instead")):
            word = "blocking" if blocking else "non-blocking"
            yield Choice("mode", word, help_, plan.blocking == blocking, plan._replace(blocking=blocking))
    told_by = plan.notification or demo.notifications[0]
    for word in demo.notifications:
        yield Choice("told by", word, _NOTIFIED[word], told_by == word, plan._replace(notification=word))
    answer = plan.response or demo.responses[0]
    for word in demo.responses:
        help_ = "the answer comes back through the same channel" if word == "same" else "... through a second channel"
        yield Choice("answer", word, help_, answer == word, plan._replace(response=word))
    lock = plan.lock or (demo.locks[0] if demo.locks else None)
    for word in demo.locks:
        yield Choice("lock", word, "guards the memory", lock == word, plan._replace(lock=word))
    for size in SIZES if demo.carries_payload else ():
        yield Choice("size", figures.size(size), "of one message", plan.size == size, plan._replace(size=size))
    for number in MESSAGES:
        chosen = plan.messages == number
        yield Choice("messages", str(number), "one after the other", chosen, plan._replace(messages=number))
    for seconds, word in ((0.0, "quick"), (0.5, "slow")):
        help_ = "takes each message at once" if not seconds else f"is busy with each message for {seconds:g} s"
        yield Choice("receiver", word, help_, plan.reading_s == seconds, plan._replace(reading_s=seconds))


def _after(word: str, words: Sequence[str]) -> str:
    return words[(words.index(word) + 1) % len(words)]
