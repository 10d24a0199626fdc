"""Each fault ends in what the kernel really says to it, at its stage, with what the kernel shows; nothing is left."""

from __future__ import annotations

import os
import resource
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from ipcinspect.demo.checking import PlanError, check
from ipcinspect.demo.faults import FAULTS_BY_WORD, faults_of
from ipcinspect.demo.plan import FAULTS, Plan
from ipcinspect.demo.telling import Told
from ipcinspect.demo.walk import Walk
from ipcinspect.kernel import own_process
from ipcinspect.mechanisms import MECHANISMS
from tests.demo.test_walk import ROOMS, demo_of, walked

TRANSMISSION = "transmission"
CREATION = "creation"


class Case(NamedTuple):
    """One fault of one kind of channel."""

    mechanism: str
    variant: str
    fault: str
    lock: str | None = None


class Ending(NamedTuple):
    """How it ends, as the man pages have it."""

    stage: str
    says: str
    """How the sentence begins."""


_NAMED_UNIX = ("unix stream", "unix dgram", "unix seqpacket")
_SYSTEM_V = ("sysv-msg queue", "sysv-sem set", "sysv-shm segment")
_MEMORY = ("sysv-shm segment", "posix-shm object", "memfd memfd", "shared-anon memory", "mmap file")
_STREAMS = ("pipe pipe", "fifo fifo", *_NAMED_UNIX, "tcp ipv4")
_PAYLOAD = (*_STREAMS, "udp ipv4", "sysv-msg queue", "posix-mq queue", "pty raw", *_MEMORY)
_COUNTS = ("sysv-sem set", "posix-sem named", "eventfd counter")
_NO_END = ("sysv-msg queue", "posix-mq queue", *_MEMORY, *_COUNTS)
_STAY = ("sysv-msg queue", "sysv-sem set", "sysv-shm segment", "posix-mq queue", "posix-shm object", "posix-sem named")

ENDINGS: dict[str, dict[str, Ending]] = {
    "full": {
        **dict.fromkeys((*_STREAMS, "sysv-msg queue", "posix-mq queue", "pty raw"), Ending(TRANSMISSION, "EAGAIN, ")),
        "udp ipv4": Ending(TRANSMISSION, "no error"),
    },
    "denied": dict.fromkeys(
        ("fifo fifo", *_NAMED_UNIX, *_SYSTEM_V, "posix-mq queue", "posix-shm object", "posix-sem named", "mmap file"),
        Ending(CREATION, "EACCES, "),
    ),
    "emfile": dict.fromkeys(
        (
            *_STREAMS, "udp ipv4", "posix-mq queue", "posix-shm object", "posix-sem named", "memfd memfd", "mmap file",
            "eventfd counter", "pty raw",
        ),
        Ending(CREATION, "EMFILE, "),
    ),
    "limit": {
        **dict.fromkeys(_SYSTEM_V, Ending(CREATION, "ENOSPC, ")),
        "posix-mq queue": Ending(CREATION, "EMFILE, "),
        **dict.fromkeys(("posix-shm object", "memfd memfd", "mmap file"), Ending(CREATION, "EFBIG, ")),
    },
    "too-big": {
        **dict.fromkeys(
            ("unix dgram", "unix seqpacket", "udp ipv4", "posix-mq queue"), Ending(TRANSMISSION, "EMSGSIZE, ")
        ),
        "sysv-msg queue": Ending(TRANSMISSION, "EINVAL, "),
    },
    "corrupt": dict.fromkeys(_PAYLOAD, Ending("reception", "demo-receiver ")),
    "receiver-killed": {
        **dict.fromkeys(("pipe pipe", "fifo fifo", *_NAMED_UNIX), Ending(TRANSMISSION, "EPIPE, ")),
        **dict.fromkeys(("unix dgram", "udp ipv4"), Ending(TRANSMISSION, "ECONNREFUSED, ")),
        # what was not read when the receiver died makes it a reset (unix_release_sock, tcp_close)
        **dict.fromkeys(("unix seqpacket", "tcp ipv4"), Ending(TRANSMISSION, "ECONNRESET, ")),
        **dict.fromkeys((*_NO_END, "pty raw"), Ending(TRANSMISSION, "no error")),
    },
    "sender-killed": {
        **dict.fromkeys((*_STREAMS, "pty raw"), Ending("reception", "0 bytes, end of file")),
        **dict.fromkeys(("unix dgram", "udp ipv4", *_NO_END), Ending("reception", "no error and no end of file")),
    },
    "owner-dies": dict.fromkeys(_MEMORY, Ending(TRANSMISSION, "")),
    "leak": {
        **dict.fromkeys((*_PAYLOAD, *_COUNTS), Ending("termination", "demo-")),
        **dict.fromkeys(_STAY, Ending("termination", "both processes are gone")),
    },
}  # fmt: skip
"""By fault and by `MECHANISM VARIANT`."""
BY_LOCK = {"sysv-sem": "no error", "futex": "EOWNERDEAD, ", "posix-sem": "ETIMEDOUT, "}
"""What the next locker hears of the owner's death."""
QUICK_LOCKS = ("sysv-sem", "futex")
"""Locks whose next owner need not give up waiting."""


AS_THE_USUAL = ("packet", "ipv6", "mapped", "semaphore", "abstract", "socketpair")
"""Variants that end as the usual one of their mechanism."""


def cases(mechanism: str) -> list[Case]:
    """What the table has of a mechanism."""
    found = []
    for fault, endings in ENDINGS.items():
        for kind in endings:
            name, variant = kind.split()
            if name == mechanism and fault != "owner-dies":
                found.append(Case(name, variant, fault))
    locks = [lock for lock in demo_of(ROOMS[mechanism]).locks if lock in QUICK_LOCKS or mechanism == "memfd"]
    kinds = [kind.split()[1] for kind in ENDINGS["owner-dies"] if kind.split()[0] == mechanism]
    return [*found, *(Case(mechanism, kind, "owner-dies", lock) for kind in kinds for lock in locks)]


@pytest.mark.parametrize("mechanism", ROOMS)
def test_each_fault_ends_as_the_kernel_ends_it(mechanism: str) -> None:
    with ThreadPoolExecutor(4) as together:  # most of a walk is waiting; that others run beside it changes nothing
        walks = [(case, together.submit(_walked, case)) for case in cases(mechanism)]
        for case, walk in walks:
            _check(case, *walk.result())


def _walked(case: Case) -> tuple[list[Told], Walk]:
    plan = Plan(case.mechanism, case.variant, fault=case.fault, lock=case.lock)
    _, lines, walk = walked(plan)
    return lines, walk


def _check(case: Case, lines: list[Told], walk: Walk) -> None:
    if case.fault == "limit" and (walk.failure or "").startswith("EPERM") and os.geteuid() != 0:
        return  # lowering a limit of System V objects for a demo alone takes a privilege; the walk says so
    assert walk.failure is None, (case, walk.failure)
    (shown,) = [told for told in lines if told.fault]
    ending = ENDINGS[case.fault][f"{case.mechanism} {case.variant}"]
    says = BY_LOCK[case.lock] if case.lock is not None else ending.says
    assert shown.stage == ending.stage, case
    assert (shown.says or "").startswith(says), (case, shown.says)
    _check_calls(case, lines, shown, says)
    _check_kernel(case, shown)
    last = lines[-1].says or ""
    assert last.startswith("nothing was made" if shown.evidence is None else "nothing is left"), (case, last)


def _check_calls(case: Case, lines: list[Told], shown: Told, says: str) -> None:
    """An error that the sentence names is one that a process reported of a call of its own, just before.

    Not at stages before: a FUTEX_WAIT that comes late for the lock to be made is told EAGAIN, and looks again.
    """
    before = [told for told in lines[: lines.index(shown)] if told.stage == shown.stage]
    errors = {told.report.errno for told in before if told.report is not None and told.report.errno is not None}
    named = says.removesuffix(", ")
    assert errors == ({named} if named.isupper() else set()), (case, errors)


def _check_kernel(case: Case, shown: Told) -> None:
    """What the program's own look shows at that moment."""
    channel = shown.evidence.channel if shown.evidence is not None else None
    state = channel.state if channel is not None else None
    if case.fault == "full" and case.mechanism != "udp":
        assert state == "full", case
    if case.fault == "leak":
        assert channel is not None, case
    if case.fault == "receiver-killed" and case.mechanism in ("pipe", "fifo"):
        assert state == "no-reader", case
    if case.fault == "sender-killed" and case.mechanism in ("pipe", "fifo"):
        assert state == "no-writer", case


def test_the_table_has_every_fault_that_a_demo_offers() -> None:
    offered = {
        (fault, room.NAME, variant)
        for room in ROOMS.values()
        for variant in demo_of(room).variants
        if variant not in AS_THE_USUAL
        for fault in faults_of(variant, demo_of(room))
    }
    assert offered == {(fault, *kind.split()) for fault, endings in ENDINGS.items() for kind in endings}
    assert tuple(FAULTS_BY_WORD) == FAULTS


def test_a_check_in_the_message_finds_one_wrong_bit() -> None:
    _, lines, walk = walked(Plan("pipe", format="struct", fault="corrupt"))
    assert walk.failure is None
    assert "CRC-32 does not fit" in next(told.says or "" for told in lines if told.fault)


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (Plan("pipe", fault="denied"), "pipe pipe has no fault 'denied'"),
        (Plan("unix", "abstract", fault="denied"), "unix abstract has no fault 'denied'"),
        (Plan("pipe", fault="corrupt", format="raw"), "needs a format that can tell"),
        (Plan("pipe", fault="receiver-killed", messages=2), "needs 3 messages or more"),
        (Plan("sysv-shm", fault="full"), "sysv-shm segment has no fault 'full'"),
    ],
)
def test_a_fault_that_cannot_be_is_one_line_before_anything_is_made(plan: Plan, line: str) -> None:
    with pytest.raises(PlanError) as refused:
        check(plan, ROOMS[plan.mechanism])
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_program_itself_keeps_its_limits_and_privileges() -> None:
    before = _of_our_own()
    for fault in ("denied", "emfile", "limit"):
        walked(Plan("sysv-msg" if fault != "emfile" else "pipe", fault=fault))
    assert _of_our_own() == before


def _of_our_own() -> tuple[object, ...]:
    limits = [resource.getrlimit(number) for number in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)]
    return own_process.passes_over_permissions(), limits, os.readlink("/proc/self/ns/ipc")


def test_mechanisms_without_a_demo_have_no_fault() -> None:
    assert {room.NAME for room in MECHANISMS} - set(ROOMS) == {"netlink", "packet", "file-lock", "futex"}
