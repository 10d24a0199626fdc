"""The answers for this machine: a register of questions, each with the duels that answer it.

A rule whose figures are missing is silent. None knows which result is usual: the opposite comes out as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ipcinspect.demo.compare import figures
from ipcinspect.demo.compare.answers import (
    CPU,
    MESSAGE,
    ONE_WAY,
    ROUND_TRIP,
    Answer,
    Basis,
    Duel,
    Measure,
    clauses,
    duel,
    judged,
    size_words,
)
from ipcinspect.demo.compare.cases import NONE, SIZES, Case
from ipcinspect.demo.compare.figures import Figure
from ipcinspect.demo.compare.rows import Results, Row

PIPE, STREAM, TCP = Case("pipe", "pipe"), Case("unix", "stream"), Case("tcp", "ipv4")
PIPE_POLLED, PIPE_FRAMED = PIPE._replace(blocking=False), PIPE._replace(framed=True)
STREAM_FRAMED, SEQPACKET = STREAM._replace(framed=True), Case("unix", "seqpacket")
SYSV, POSIX = Case("sysv-msg", "queue"), Case("posix-mq", "queue")
BARE = Case("posix-shm", "object")
LOCKED = tuple(BARE._replace(lock=lock) for lock in ("futex", "posix-sem", "sysv-sem"))
MEMORY = LOCKED[0]
BARE_POLLED, MEMORY_POLLED = BARE._replace(blocking=False), MEMORY._replace(blocking=False)
OTHER_MEMORY = (
    Case("sysv-shm", "segment", "futex"),
    Case("memfd", "memfd", "futex"),
    Case("shared-anon", "memory", "futex"),
)
EVENTFD, POSIX_SEM, SYSV_SEM = Case("eventfd", "counter"), Case("posix-sem", "named"), Case("sysv-sem", "set")
_SMALLEST = SIZES[0]


class Said(NamedTuple):
    """A sentence, and the figures that it rests on."""

    text: str
    basis: tuple[Basis, ...]


class Rule(NamedTuple):
    """One question."""

    name: str
    """Stable, in kebab-case."""
    question: str
    says: Callable[[Results], Iterator[Said]]


def answers(results: Results) -> tuple[Answer, ...]:
    """All sentences that the figures give, in the order of the register."""
    return tuple(Answer(rule.name, *said) for rule in RULES for said in rule.says(results))


def _judge(results: Results, first: Case, second: Case, *measures: Measure) -> Iterator[Said]:
    """Who wins, and from which size on; a sentence a measure."""
    for measure in measures:
        fought = duel(results, first, second, measure)
        refused = _refused(results, fought)
        if fought.outcomes:
            yield Said(f"{judged(fought)}{refused}.", fought.basis)
        elif refused:
            yield Said(f"{measure.name[0].upper()}{measure.name[1:]} is not told{refused}.", ())


def _refused(results: Results, fought: Duel) -> str:
    """Which sizes one of them was not measured with though the other was, and why."""
    told = []
    for case, other in ((fought.first, fought.second), (fought.second, fought.first)):
        rows = [(results.row(case, size), results.row(other, size)) for size in SIZES]
        missing = [row for row, beside in rows if row and row.reason and beside and fought.measure.of(beside)]
        if missing:
            told.append(f"; {case.label} was not measured with {size_words(missing[0].size)} ({missing[0].reason})")
    return "".join(told)


def memory_or_stream(results: Results) -> Iterator[Said]:
    """From which size on memory wins over what copies through the kernel."""
    yield from _judge(results, MEMORY, PIPE, ONE_WAY, ROUND_TRIP)
    yield from _judge(results, MEMORY, STREAM, ONE_WAY)


def memory_or_queue(results: Results) -> Iterator[Said]:
    """Memory against both kinds of message queue."""
    for queue in (SYSV, POSIX):
        yield from _judge(results, MEMORY, queue, ONE_WAY, ROUND_TRIP)


def lock_cost(results: Results) -> Iterator[Said]:
    """The same memory with each lock, which also wakes who waits, and without one, where all must look by themselves.

    Not both polled: who spins takes the lock again and again just when the other has it, which sleepers do not.
    """
    for locked in LOCKED:
        fought = duel(results, locked, BARE_POLLED, MESSAGE)
        if fought.outcomes:
            text = f"The lock {locked.lock} in shared memory, which also wakes who waits, beside none and polling"
            yield Said(f"{text}: {clauses(fought)}.", fought.basis)


def boundaries(results: Results) -> Iterator[Said]:
    """What keeps messages apart itself, against a stream whose program sends the length before each message."""
    for keeps, framed in ((SEQPACKET, STREAM_FRAMED), (SYSV, PIPE_FRAMED), (POSIX, PIPE_FRAMED)):
        yield from _judge(results, keeps, framed, ONE_WAY)
    fought = duel(results, STREAM_FRAMED, STREAM, MESSAGE)
    if fought.outcomes:
        yield Said(f"A length before each message of a unix stream: {clauses(fought)}.", fought.basis)


def streams(results: Results) -> Iterator[Said]:
    """Three ways for a stream of bytes."""
    yield from _judge(results, PIPE, STREAM, ONE_WAY, ROUND_TRIP)
    yield from _judge(results, STREAM, TCP, ONE_WAY, ROUND_TRIP)


def polling(results: Results) -> Iterator[Said]:
    """The same channel with calls that are made again and again, and with calls that sleep."""
    for polled, sleeps, how in (
        (PIPE_POLLED, PIPE, "A pipe polled in place of slept in"),
        (MEMORY_POLLED, MEMORY, "Memory with a futex polled in place of slept for"),
        (BARE_POLLED, BARE, "Memory without a lock looked at all the time in place of each millisecond"),
    ):
        fought = [duel(results, polled, sleeps, measure) for measure in (ROUND_TRIP, CPU)]
        if all(one.outcomes for one in fought):
            answers_so, spends = map(clauses, fought)
            text = f"{how}: {answers_so}. {CPU.name}: {spends}."
            yield Said(text, fought[0].basis + fought[1].basis)


def which_memory(results: Results) -> Iterator[Said]:
    """The ways to come by shared memory; once it is mapped they should not differ."""
    fought = [duel(results, other, MEMORY, ONE_WAY) for other in OTHER_MEMORY]
    fought = [one for one in fought if one.outcomes]
    same = [one.first.label for one in fought if not any(outcome.winner for outcome in one.outcomes)]
    told = [f"no difference seen between {MEMORY.label} and {', '.join(same)}"] if same else []
    told += [f"{one.first.label} and {MEMORY.label}: {clauses(one)}" for one in fought if one.first.label not in same]
    if told:
        basis = tuple(basis for one in fought for basis in one.basis)
        yield Said(f"One way, by the kind of memory: {'; '.join(told)}.", basis)


def signals(results: Results) -> Iterator[Said]:
    """What only says that something is there."""
    for first, second in ((EVENTFD, POSIX_SEM), (POSIX_SEM, SYSV_SEM)):
        fought = duel(results, first, second, ROUND_TRIP, (NONE,))
        if fought.outcomes:
            yield Said(f"Between {first.label} and {second.label}: {clauses(fought, than=True)}.", fought.basis)


def harness(results: Results) -> Iterator[Said]:
    """How much of the time of a small message is not the mechanism's."""
    rows = [row for row in results if row.size == _SMALLEST and row.one_way]
    if results.harness_s is None or not rows:
        return
    empty, size = results.harness_s, size_words(_SMALLEST)
    fastest = min(rows, key=lambda row: MESSAGE.of(row).median)  # type: ignore[union-attr]
    basis = _beside_nothing(empty, fastest)
    yield Said(
        f"An empty send and an empty receive take {figures.seconds(empty.median)} in this harness, "
        f"{basis.ratio:.0%} of the {figures.seconds(basis.second_figure.median)} of a message of {size} through "
        f"{basis.second}, the fastest by its median.",
        (basis,),
    )
    bare = results.row(BARE_POLLED, _SMALLEST)
    if bare is not None and bare.one_way:
        basis = _beside_nothing(empty, bare)
        yield Said(
            f"Storing and loading in memory takes no system call: the {figures.seconds(basis.second_figure.median)} "
            f"of a message of {size} through {basis.second} are Python, the memory and giving way alone. A compiled "
            "program does not pay for Python: there memory gains more than the rest.",
            (basis,),
        )


def _beside_nothing(empty: Figure, row: Row) -> Basis:
    message = MESSAGE.of(row)
    assert message is not None, "it was measured one way"
    told = figures.beside(empty, message)
    return Basis(MESSAGE.name, row.size, "harness", row.case.label, told.ratio, told.differs, empty, message)


RULES = (
    Rule("memory-or-stream", "When shared memory, when a pipe or a socket?", memory_or_stream),
    Rule("memory-or-queue", "When shared memory, when a message queue?", memory_or_queue),
    Rule("lock-cost", "What does its lock cost?", lock_cost),
    Rule("boundaries", "When are message boundaries worth it?", boundaries),
    Rule("streams", "Pipe, unix stream or TCP over loopback?", streams),
    Rule("polling", "What changes with polling?", polling),
    Rule("which-memory", "Which shared memory?", which_memory),
    Rule("signals", "Which signal?", signals),
    Rule("harness", "How much of it is Python?", harness),
)
"""Every question, in the order of the answers."""
