"""Whether a plan is possible, told before anything is created: one line that names what is wrong and what would do."""

from __future__ import annotations

from collections.abc import Sequence

from ipcinspect.demo import formats, limits
from ipcinspect.demo.faults import BEYOND_LIMITS, MAKES_NONBLOCKING, NEEDS_CHECK, NEEDS_MESSAGES, faults_of
from ipcinspect.demo.limits import Machine
from ipcinspect.demo.plan import BYTE_ORDERS, FORMATS, Plan
from ipcinspect.mechanisms.room import Demo, Room

PROC = "/proc"
_LONGEST_READING_S = 60.0
_LOWEST_RATE = 0.05


class PlanError(ValueError):
    """The plan is not possible; the text is one line for whoever made it."""


def check(plan: Plan, room: Room, root: str = PROC) -> Plan:
    """The plan with everything filled in that it left to the mechanism. Raises PlanError."""
    demo = room.DEMO
    if demo is None:
        raise PlanError(f"{room.NAME} has no demo: the program only looks at it")
    whole = filled(plan, demo)
    _check_words(whole, room.NAME, demo)
    check_figures(whole)
    _check_room(whole, demo, Machine(root))
    return whole


def filled(plan: Plan, demo: Demo) -> Plan:
    """The plan with everything filled in that it left to the mechanism, possible or not."""
    variant = plan.variant or demo.variants[0]
    return plan._replace(
        variant=variant,
        notification=plan.notification or demo.notifications[0],
        response=plan.response or next(iter(demo.responses_of(variant)), None),
        lock=plan.lock or (demo.locks[0] if demo.locks else None),
        blocking=plan.blocking and plan.fault not in MAKES_NONBLOCKING,
    )


def queues_at_once(plan: Plan) -> int:
    """How many messages of a walk wait together: a receiver asleep in the read takes the first at once."""
    return plan.messages - 1 if sleeps_for_the_first(plan) else plan.messages


def sleeps_for_the_first(plan: Plan) -> bool:
    """Whether the receiver is asleep in the reading call itself before anything is sent."""
    return plan.blocking and plan.notification == "read" and plan.messages > 1


def _check_words(plan: Plan, name: str, demo: Demo) -> None:
    _one_of("variant", plan.variant, demo.variants, name)
    if plan.fault is not None:  # before what it brings along: calls that do not sleep
        _check_fault(plan, plan.fault, name, demo)
    _one_of("format", plan.format, FORMATS, "a demo")
    _one_of("byte order", plan.byte_order, BYTE_ORDERS, "a demo")
    _one_of("notification", plan.notification, demo.notifications, name)
    _one_of("response", plan.response, demo.responses_of(plan.variant or ""), f"{name} {plan.variant}")
    if plan.lock is not None:
        _one_of("lock", plan.lock, demo.locks, name)
    if not plan.blocking and not demo.nonblocking:
        raise PlanError(f"{name} cannot be non-blocking: none of its calls can be told not to sleep")


def _check_fault(plan: Plan, fault: str, name: str, demo: Demo) -> None:
    _one_of("fault", fault, faults_of(plan.variant or "", demo), f"{name} {plan.variant}")
    least = NEEDS_MESSAGES.get(fault, 1)
    if plan.messages < least:
        raise PlanError(f"fault '{fault}' needs {least} messages or more, not {plan.messages}")
    if fault in NEEDS_CHECK and plan.format == "raw":
        raise PlanError(f"fault '{fault}' needs a format that can tell, json or struct: raw bytes have no form")


def _one_of(what: str, word: str | None, possible: Sequence[str], whose: str) -> None:
    if word not in possible:
        told = f"possible: {', '.join(possible)}" if possible else "it has none"
        raise PlanError(f"{whose} has no {what} '{word}' ({told})")


def check_figures(plan: Plan) -> None:
    """What no mechanism can do. Raises PlanError."""
    if not 1 <= plan.messages <= limits.MOST_MESSAGES:
        raise PlanError(f"{plan.messages} messages are not possible: 1 to {limits.MOST_MESSAGES}")
    if plan.rate is not None and not _LOWEST_RATE <= plan.rate < float("inf"):
        raise PlanError(f"a rate of {plan.rate:g} messages a second is not possible: {_LOWEST_RATE:g} or more")
    if not 0 <= plan.reading_s <= _LONGEST_READING_S:
        raise PlanError(f"a reading time of {plan.reading_s:g} s is not possible: 0 to {_LONGEST_READING_S:g}")
    if plan.size < 1:
        raise PlanError(f"a size of {plan.size} bytes is not possible: 1 or more")
    if plan.size > limits.LARGEST_SIZE:
        raise PlanError(f"a size of {plan.size} bytes is not possible: a demo sends at most {limits.LARGEST_SIZE}")


def _check_room(plan: Plan, demo: Demo, machine: Machine) -> None:
    """What does not fit into a channel of this kind here."""
    variant = plan.variant or ""
    if demo.carries_payload:
        least = formats.smallest(plan.format, plan.messages)
        if plan.size < least:
            raise PlanError(f"a size of {plan.size} bytes is too small: {plan.format} needs {least}")
        longest = limits.longest(plan.mechanism, variant, machine)
        if plan.size > longest.size and plan.fault not in BEYOND_LIMITS:
            raise PlanError(
                f"a size of {plan.size} bytes is too big for {plan.mechanism} {variant}: "
                f"{longest.size} at most ({longest.told_by})"
            )
    fits = limits.at_once(plan.mechanism, variant, plan.size, demo.carries_payload, machine)
    wanted = queues_at_once(plan)
    if wanted > fits.messages and plan.fault not in BEYOND_LIMITS:
        most = max(fits.messages + plan.messages - wanted, 0)
        of_size = f" of {plan.size} bytes" if demo.carries_payload else ""
        raise PlanError(
            f"{plan.messages} messages{of_size} do not fit at once into {plan.mechanism} {variant}: "
            f"{most} at most ({fits.why})"
        )
