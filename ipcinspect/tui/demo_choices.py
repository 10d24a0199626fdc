"""What can be chosen for a demo, by mechanism: the plan before and after each choice. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ipcinspect.demo.checking import PlanError, check, filled
from ipcinspect.demo.faults import MAKES_NONBLOCKING, faults_of
from ipcinspect.demo.plan import BYTE_ORDERS, FORMATS, Plan
from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.mechanisms.room import Demo
from ipcinspect.tui import figures
from ipcinspect.tui.demo_fault_words import fault_words
from ipcinspect.tui.demo_words import MECHANISM_WORDS

DEMOS: dict[str, Demo] = {room.NAME: room.DEMO for room in MECHANISMS if room.DEMO is not None}
"""Every mechanism that has a demo."""
_ROOMS = {room.NAME: room for room in MECHANISMS}
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


class Choice(NamedTuple):
    """One line of a chooser."""

    topic: str
    """What it is about; empty where the chooser is about one thing."""
    word: str
    help: str
    is_chosen: bool
    plan: Plan
    """The plan after it."""


def refusal(plan: Plan) -> str | None:
    """Why a plan is not possible, in one line; None where it is."""
    try:
        check(plan, _ROOMS[plan.mechanism])
    except PlanError as error:
        return str(error)
    return None


def whole(plan: Plan) -> Plan:
    """The plan with what it leaves to its mechanism."""
    return filled(plan, DEMOS[plan.mechanism])


def lost_fault(before: Plan, now: Plan) -> str | None:
    """What is told where another mechanism or variant cannot have the fault that was chosen."""
    before, now = whole(before), whole(now)
    if before.fault is None or now.fault is not None or before[:2] == now[:2]:
        return None
    return f"{now.mechanism} {now.variant} cannot have the fault {before.fault}: it is left out"


def with_mechanism(plan: Plan, mechanism: str) -> Plan:
    """The plan for another mechanism, for its usual variant."""
    return _fitting(plan._replace(mechanism=mechanism, variant=None))


def _fitting(plan: Plan) -> Plan:
    """The plan without what its mechanism or its variant cannot do: that is left to the mechanism."""
    demo = DEMOS[plan.mechanism]
    variant = plan.variant or demo.variants[0]
    return plan._replace(
        notification=plan.notification if plan.notification in demo.notifications else None,
        response=plan.response if plan.response in demo.responses_of(variant) else None,
        lock=plan.lock if plan.lock in demo.locks else None,
        blocking=plan.blocking or not demo.nonblocking,
        fault=plan.fault if plan.fault in faults_of(variant, demo) else None,
    )


def with_next_variant(plan: Plan) -> Plan | None:
    """The next kind of the mechanism; None where it has but one."""
    variants = DEMOS[plan.mechanism].variants
    if len(variants) == 1:
        return None
    return _fitting(plan._replace(variant=_after(plan.variant or variants[0], variants)))


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
    demo, now = DEMOS[plan.mechanism], whole(plan)
    words = faults_of(now.variant or "", demo)
    if not words:
        return []
    none = Choice("", "none", "everything goes well", plan.fault is None, plan._replace(fault=None))
    return [
        none,
        *(
            Choice("", word, fault_words(word, now, demo), plan.fault == word, plan._replace(fault=word))
            for word in words
        ),
    ]


def options(plan: Plan) -> list[Choice]:
    """All else that can be chosen for the mechanism."""
    return list(_options(plan, DEMOS[plan.mechanism]))


def _options(plan: Plan, demo: Demo) -> Iterator[Choice]:
    now = whole(plan)
    if demo.nonblocking and plan.fault not in MAKES_NONBLOCKING:
        for blocking, help_ in ((True, "a call waits until it can go on"), (False, "it answers EAGAIN instead")):
            word = "blocking" if blocking else "non-blocking"
            yield Choice("mode", word, help_, plan.blocking == blocking, plan._replace(blocking=blocking))
    for word in demo.notifications:
        yield Choice("told by", word, _NOTIFIED[word], now.notification == word, plan._replace(notification=word))
    for word in demo.responses_of(now.variant or ""):
        help_ = f"the answer comes back through {'the same channel' if word == 'same' else 'another one of its kind'}"
        yield Choice("answer", word, help_, now.response == word, plan._replace(response=word))
    for word in demo.locks:
        yield Choice("lock", word, "guards the memory", now.lock == word, plan._replace(lock=word))
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
