"""Each rule fires on its broken case, in a sentence that names who and what, and not on the healthy one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipcinspect.diagnosis.finding import CERTAINTIES, SEVERITIES, Finding
from ipcinspect.diagnosis.rules import RULES, Judged, find
from ipcinspect.mechanisms import fields_of
from ipcinspect.model.channel import Channel, Endpoint, Exposure, FieldValue
from ipcinspect.model.process import Process
from ipcinspect.model.snapshot import Limit, Snapshot
from ipcinspect.model.wait import Awaited, Wait
from tests.diagnosis.builders import look, reads, thread, wait, writes
from tests.fakes import NOON, channel, endpoint, pipe, process

A, B = process(100, "make"), process(200, "tee")
FORTH, BACK = pipe(1, A, B, "full", 65536), pipe(2, B, A, "full", 65536)
OWN = channel(3, "pipe", "idle", [endpoint("a", "writer", A, 4), endpoint("b", "reader", A, 3)])
SHARED = channel(
    3, "pipe", "idle", [endpoint("a", "writer", A, 4), endpoint("a", "writer", B, 1), endpoint("b", "reader", A, 3)]
)


def with_fields(mechanism: str, number: int, state: str, ends: list[Endpoint], **known: FieldValue) -> Channel:
    values = [known.get(field.name) for field in fields_of(mechanism)]
    return channel(number, mechanism, state, ends, fields=values)


def lock(number: int, holder: object, waiter: object) -> Channel:
    return channel(
        number,
        "file-lock",
        "idle",
        [endpoint("a", "holder", holder, 3), endpoint("b", "waiter", waiter, 4)],  # type: ignore[arg-type]
    )


def wants(who: object, of: Channel) -> object:
    return wait(thread(who), "flock", Awaited("lock", 4, of.key))  # type: ignore[arg-type]


LOCK_1, LOCK_2 = lock(7, A, B), lock(8, B, A)
WAITS_FOR_CHILD = wait(thread(A), "wait4", Awaited("child", processes=(B.key,)))
OUTPUT = channel(5, "pipe", "full", [endpoint("a", "writer", B, 1), endpoint("b", "reader", A, 3)], queued=65536)
OPENS = wait(thread(A), "openat", Awaited("partner"), told='openat("/run/fifo", O_RDONLY)', since=NOON - 60)
C = process(500, "less")
KEPT = channel(17, "pipe", "idle", [endpoint("a", "writer", B, 7), endpoint("b", "reader", A, 3)])
MEANT = channel(17, "pipe", "idle", [endpoint("a", "writer", B, 1), endpoint("b", "reader", A, 3)])
FULL_IN, EMPTY_OUT = pipe(18, A, B, "full", 65536), pipe(19, B, C)
LISTENER = [endpoint("b", "listener", A, 3)]
HEIR, FORK = process(300, "backup", ppid=100), process(400, "make", ppid=100)
DGRAM = [endpoint("a", "writer", A, 3), endpoint("b", "reader", B, 4)]


def closing(count: int) -> list[Channel]:
    ends = [endpoint("a", "client", B, 3), endpoint("b", "server", A, 9)]
    return [
        with_fields("tcp", 50 + n, "half-closed", ends, state_b="CLOSE_WAIT", state_a="FIN_WAIT2") for n in range(count)
    ]


def unlinked(deleted: bool) -> Channel:
    return with_fields("posix-shm", 15, "idle", [endpoint("a", "attached", A)], deleted=deleted)


def limited(limit: Limit) -> Snapshot:
    return replace(look([channel(16, "sysv-msg", "idle")], [], [A]), limits=(limit,))


def exposed(mode: int) -> Channel:
    return channel(14, "posix-mq", "idle", [], name="/jobs")._replace(exposure=Exposure("everybody", 1000, mode))


BROKEN: dict[str, Snapshot] = {
    "deadlock": look([FORTH, BACK], [writes(A, FORTH, 1), writes(B, BACK, 1)]),
    "self-held-write-end": look([OWN], [reads(A, OWN, 3)]),
    "wait-before-read": look([OUTPUT], [WAITS_FOR_CHILD, writes(B, OUTPUT, 1)]),
    "file-lock-deadlock": look([LOCK_1, LOCK_2], [wants(A, LOCK_2), wants(B, LOCK_1)]),  # type: ignore[list-item]
    "lock-owner-died": look([], [wait(thread(A), "futex", Awaited("lock", gone_tid=77, how="mutex"))], [A]),
    "fifo-open-waits": look([], [OPENS], [A]),
    "eof-held-open": look([KEPT], [reads(A, KEPT, 3), wait(thread(B), "pause", Awaited("signal"))]),
    "full-dgram-queue": look([channel(9, "unix", "full", DGRAM, name="/dev/log", queued=None)], []),
    "listener-not-accepting": look([with_fields("unix", 10, "waiting-accept", LISTENER, pending=5, backlog=5)], []),
    "close-wait-pile": look(closing(10), []),
    "inherited-listener": look([channel(12, "tcp", "listening", [*LISTENER, endpoint("b", "listener", HEIR, 3)])], []),
    "no-reader": look([pipe(1, A, None, "no-reader", 512)], []),
    "slow-stage": look([FULL_IN, EMPTY_OUT], [writes(A, FULL_IN, 1), reads(C, EMPTY_OUT, 0)], others=[B]),
    "fd-limit-near": limited(Limit("descriptors", 950, 1024, A.key)),
    "sysv-limit-near": limited(Limit("sysv-msg", 90, 100, namespace=0)),
    "sysv-orphan": look([with_fields("sysv-shm", 11, "orphaned", [], ctime=NOON - 7200, dtime=NOON - 3600)], []),
    "marked-for-deletion": look([channel(13, "sysv-shm", "marked-for-deletion", [endpoint("a", "attached", A)])], []),
    "deleted-but-mapped": look([unlinked(True)], []),
    "world-writable": look([exposed(0o666)], []),
}
HEALTHY: dict[str, Snapshot] = {
    "deadlock": look([FORTH, BACK], [writes(A, FORTH, 1)]),
    "self-held-write-end": look([SHARED], [reads(A, SHARED, 3)]),
    "wait-before-read": look([OUTPUT], [WAITS_FOR_CHILD, writes(B, OUTPUT, 1)], others=[A]),
    "file-lock-deadlock": look([LOCK_1, LOCK_2], [wants(A, LOCK_2)]),  # type: ignore[list-item]
    "lock-owner-died": look([], [wait(thread(A), "futex", Awaited("lock", owner=thread(B), how="mutex"))], [A, B]),
    "fifo-open-waits": look([], [], [A]),
    "eof-held-open": look([MEANT], [reads(A, MEANT, 3), wait(thread(B), "pause", Awaited("signal"))]),
    "full-dgram-queue": look([channel(9, "unix", "holding", DGRAM, name="/dev/log", queued=None)], []),
    "listener-not-accepting": look([with_fields("unix", 10, "waiting-accept", LISTENER, pending=4, backlog=5)], []),
    "close-wait-pile": look(closing(9), []),
    "inherited-listener": look([channel(12, "tcp", "listening", [*LISTENER, endpoint("b", "listener", FORK, 3)])], []),
    "no-reader": look([pipe(1, A, B, "holding", 512)], []),
    "slow-stage": look([FULL_IN, EMPTY_OUT], [writes(A, FULL_IN, 1)], others=[B]),
    "fd-limit-near": limited(Limit("descriptors", 900, 1024, A.key)),
    "sysv-limit-near": limited(Limit("sysv-msg", 89, 100, namespace=0)),
    "sysv-orphan": look([with_fields("sysv-shm", 11, "orphaned", [], ctime=NOON - 7200, dtime=NOON - 5)], []),
    "marked-for-deletion": look([channel(13, "sysv-shm", "idle", [endpoint("a", "attached", A)])], []),
    "deleted-but-mapped": look([unlinked(False)], []),
    "world-writable": look([exposed(0o660)], []),
}


def found(seen: Snapshot, rule: str) -> list[Finding]:
    return [one for one in find(Judged(seen)) if one.rule == rule]


def test_every_rule_has_a_broken_and_a_healthy_case() -> None:
    assert [rule.ID for rule in RULES] == list(BROKEN) == list(HEALTHY)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.ID))
def test_it_fires_on_what_is_broken(rule: object) -> None:
    word = rule.ID  # type: ignore[attr-defined]
    (finding,) = found(BROKEN[word], word)
    assert finding.severity in SEVERITIES
    assert finding.certainty in CERTAINTIES
    assert "\n" not in finding.message
    assert not finding.message.endswith(".")
    assert finding.remedy
    assert finding.evidence
    assert finding.threads or finding.channels or finding.processes


@pytest.mark.parametrize("word", HEALTHY)
def test_it_says_nothing_of_what_is_well(word: str) -> None:
    assert found(HEALTHY[word], word) == []


def test_every_closed_circle_is_a_deadlock_beside_the_narrower_rule() -> None:
    for word in ("self-held-write-end", "wait-before-read", "file-lock-deadlock"):
        assert len(found(BROKEN[word], "deadlock")) == 1, word


def test_the_sentence_names_who_waits_for_what() -> None:
    (finding,) = found(BROKEN["wait-before-read"], "wait-before-read")
    assert finding.message == (
        "make 100 waits for its child tee 200 to end, which writes to pipe:[5], which is full with 64.0K of 64.0K: "
        "only make 100 could read it"
    )


def test_several_who_do_not_read_or_accept_are_told_as_several() -> None:
    readers = [endpoint("b", "reader", A, 4), endpoint("b", "reader", B, 4)]
    (full,) = found(look([channel(9, "unix", "full", readers, name="/dev/log", queued=None)], []), "full-dgram-queue")
    assert full.message == "/dev/log is full and make 100 and tee 200 do not read it"
    servers = [endpoint("b", "listener", A, 3), endpoint("b", "listener", B, 3)]
    listener = with_fields("unix", 10, "waiting-accept", servers, pending=1, backlog=0)
    (late,) = found(look([listener], []), "listener-not-accepting")
    assert late.message.startswith("make 100 and tee 200 do not accept at ")
    assert late.message.endswith(": 1 client waits, 0 may")


def test_hidden_processes_make_it_likely_and_a_caveat_says_so() -> None:
    hidden = process(300, "sudo", readable=False)
    seen = look([OWN], [reads(A, OWN, 3)], [A, hidden])
    (finding,) = found(seen, "self-held-write-end")
    assert finding.certainty == "likely"
    assert any("1 process could not be read" in caveat for caveat in finding.caveats)


def test_of_a_semaphore_a_caveat_says_that_its_owner_is_a_guess() -> None:
    def takes(mine: Process, other: Process) -> Wait:
        return wait(thread(mine), "semop", Awaited("count", processes=(other.key,), how="last operation"))

    (finding,) = found(look([], [takes(A, B), takes(B, A)], [A, B]), "deadlock")
    assert finding.certainty == "likely"
    assert any("has no owner" in caveat for caveat in finding.caveats)
    assert not found(BROKEN["deadlock"], "deadlock")[0].caveats


@pytest.mark.parametrize("rule", ["self-held-write-end", "deadlock", "wait-before-read", "lock-owner-died"])
def test_who_does_not_show_at_all_makes_it_likely_too(rule: str) -> None:
    """As where the mount hides processes, and in a container, outside of which others live."""
    (before,) = found(BROKEN[rule], rule)
    (finding,) = found(replace(BROKEN[rule], sees_all=False), rule)
    assert (before.certainty, before.caveats) == ("exact", ())
    assert finding.certainty == "likely"
    assert any("do not show" in caveat for caveat in finding.caveats)


def test_the_worst_is_told_first() -> None:
    seen = look([FORTH, BACK, pipe(9, A, None, "no-reader", 0)], [writes(A, FORTH, 1), writes(B, BACK, 1)])
    assert [one.severity for one in find(Judged(seen))] == ["error", "info"]
