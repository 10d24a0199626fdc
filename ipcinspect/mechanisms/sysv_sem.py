"""System V semaphore sets (sysvipc(7), semop(2)).

/proc/sysvipc/sem shows every set of the reader's IPC namespace to everybody, without values. semctl(2) tells values,
who operated last on each semaphore (as the asker's pid namespace numbers it, 0: not in it), and how many wait, to those
who may read the set. Other IPC namespaces (ipc_namespaces(7)) are asked from inside; their objects end in `@ipc:[N]`.
A semaphore has no owner: the ends are the processes that operated on one last, in whichever direction; who waits is
counted by the kernel and not named. No state follows from who is visible.
"""

from __future__ import annotations

from collections import Counter
from typing import Callable

from ipcinspect.kernel import sysv, sysvipc
from ipcinspect.kernel.errors import KernelError, Unsupported, Vanished
from ipcinspect.mechanisms import demo_attach, sysv_objects
from ipcinspect.mechanisms.demo_attach import Access, Attaching
from ipcinspect.mechanisms.demo_part import Leaving, Making, Part
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Attach, Collected, Demo, Handover, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel, Endpoint, Field
from ipcinspect.model.contents import Contents, refused
from ipcinspect.model.gap import Gap

NAME = "sysv-sem"

FIELDS = (
    Field("key", "Key", "key", "what ftok(3) gave its users; 0 for a private set"),
    Field("mode", "Mode", "mode", "permission bits: who may operate and read"),
    Field("owner_uid", "Owner", "uid", "user id that owns it"),
    Field("creator_uid", "Creator", "uid", "user id that made it"),
    Field("nsems", "Semaphores", None, "number of semaphores in the set"),
    Field("values", "Values", None, "semval of the first ones, in order (semctl GETALL)"),
    Field("last_pids", "Last users", None, "sempid of the first ones: who operated last (semctl GETPID)"),
    Field(
        "waiting_increase",
        "Waiting for increase",
        None,
        "asleep until a value rises; unknown where the set has over 64",
    ),
    Field("waiting_zero", "Waiting for zero", None, "asleep until a value is zero; unknown where the set has over 64"),
    Field("increase_waiters", "... of each", None, "asleep until it rises, of the first ones (semctl GETNCNT)"),
    Field("zero_waiters", "... of each", None, "asleep until it is zero, of the first ones (semctl GETZCNT)"),
    Field("otime", "Last operation", "time", "sem_otime"),
    Field("ctime", "Last change", "time", "creation or last semctl(IPC_SET, SETVAL)"),
)

TELLS = Tells("last users", "value", None, ("synchronisation",), "ipc")

NEEDS_ALL_DESCRIPTORS = False

WAITS = (
    Wait("semop", "both", "both", "empty"),
    Wait("semtimedop", "both", "both", "empty"),
)

_SHOWN = 64
"""Semaphores of a set that are asked one by one; a set may hold 32,000."""


def collect(scan: Scan) -> Collected:
    """Every set of every IPC namespace that lets us in. Raises Unsupported or Denied, of our own alone."""
    sets = [(ipc, row, now) for ipc, rows in scan.ipc.ask(lambda: _sets(scan)) for row, now in rows]
    refused = Counter(now.why for _, _, now in sets if isinstance(now, KernelError))
    gaps = [Gap("values of System V semaphore sets", why, number) for why, number in refused.items()]
    channels = [_channel(scan, ipc, row, None if isinstance(now, KernelError) else now) for ipc, row, now in sets]
    return Collected(channels, gaps)


def _sets(scan: Scan) -> list[tuple[sysvipc.SemaphoreSetRow, list[sysv.SemaphoreNow] | KernelError]]:
    """The sets of the IPC namespace that this thread is in, each with its first semaphores or why not."""
    found: list[tuple[sysvipc.SemaphoreSetRow, list[sysv.SemaphoreNow] | KernelError]] = []
    for row in sysvipc.parse_semaphore_sets(scan.sysv_table("sem")):
        try:
            found.append((row, sysv.semaphores(row.semid, row.nsems, _SHOWN)))
        except Vanished:
            continue
        except KernelError as error:
            found.append((row, error))
    return found


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """Nothing: what a set has stands among its fields."""
    return refused("a semaphore set holds numbers, not bytes: they are among its fields")


def _channel(scan: Scan, ipc: int | None, row: sysvipc.SemaphoreSetRow, now: list[sysv.SemaphoreNow] | None) -> Channel:
    whole = now is not None and len(now) == row.nsems
    increase = [semaphore.waiting_increase for semaphore in now or []]
    zero = [semaphore.waiting_zero for semaphore in now or []]
    return sysv_objects.channel(
        scan,
        ipc,
        NAME,
        row.semid,
        row.key,
        "unknown" if now is None else "idle",
        "synchronisation",
        (),
        None,
        _endpoints(scan, row, now or []),
        (
            row.key,
            row.perms & 0o777,
            row.uid,
            row.cuid,
            row.nsems,
            _listed([semaphore.value for semaphore in now]) if now is not None else None,
            _listed([semaphore.last_pid for semaphore in now]) if now is not None else None,
            sum(increase) if whole else None,
            sum(zero) if whole else None,
            _listed(increase) if now is not None else None,
            _listed(zero) if now is not None else None,
            row.otime or None,
            row.ctime or None,
        ),
        sysv_objects.by_mode(row.uid, row.perms),
    )


def _listed(numbers: list[int]) -> str:
    return " ".join(str(number) for number in numbers)


def _endpoints(scan: Scan, row: sysvipc.SemaphoreSetRow, now: list[sysv.SemaphoreNow]) -> list[Endpoint]:
    pids = dict.fromkeys(semaphore.last_pid for semaphore in now if semaphore.last_pid)
    users = [process for process in (scan.recorded(pid, row.otime) for pid in pids) if process is not None]
    return [Endpoint("a" if place == 0 else "b", "both", process, None, None) for place, process in enumerate(users)]


_SENDER_IS_THERE, _RECEIVER_IS_THERE, _WORK = range(3)
"""The semaphores of the demo's set. The kernel keeps the last user of each: with one of its own, each side stays
known whichever used the third one last."""


class _End:
    """Either half of the set."""

    def __init__(self, part: Part, is_there: int, work: int = _WORK) -> None:
        self._calls, self._semid = part.calls, int(part.args[0])
        self._is_there = is_there
        self._flags = 0 if part.terms.blocking else sysv.IPC_NOWAIT
        self._raise, self._take = self._operating(work, 1), self._operating(work, -1)

    def open(self) -> None:
        """Raise the semaphore that says so. Raises OSError."""
        self._operating(self._is_there, 1, "says that it is there")()

    def send(self, payload: bytes) -> None:
        """Raise; a semaphore carries no bytes. Raises OSError."""
        self._raise()

    def receive(self, size: int) -> bytes:
        """Take what was raised; sleeps until something was, or raises BlockingIOError. Raises OSError."""
        self._take()
        return b""

    def fileno(self) -> None:
        """Nothing that poll(2) could ask about."""

    def close(self) -> None:
        """A set has no ends to close: it is there until it is removed."""

    def _operating(self, num: int, change: int, why: str = "") -> Callable[[], None]:
        words = [*(["IPC_NOWAIT"] if self._flags else []), *([why] if why else [])]
        shown = (self._semid, f"[{num}: {change:+d}]", *words)
        operate = sysv.operation(self._semid, (sysv.Step(num, change, self._flags),))
        return self._calls.bound("semop", operate, lambda: shown)


def _make(making: Making) -> Handover:
    """A private set of three; the kernel gives each the value 0."""
    mode = making.mode
    shown = ("IPC_PRIVATE", 3, f"{mode:04o}")
    semid = making.calls("semget", shown, lambda: sysv.create_semaphores((None, None, None), mode))
    given = (str(semid),)
    return Handover(given, (), given, (), leaves=(Leaving("sysv-sem", str(semid)),))


class _AttachedEnd(_End):
    """A user of somebody's set: it touches the one semaphore that was named."""

    def __init__(self, part: Part) -> None:
        super().__init__(part, 0, int(part.args[1]))

    def open(self) -> None:
        """A set is there without opening it."""


def _access(attaching: Attaching) -> Access:
    """By its id, which the kernel does not use again soon. Raises Unsupported where it has no such semaphore."""
    number, which = attaching.channel.key.number, attaching.at
    has = demo_attach.told(FIELDS, attaching.channel, "nsems")
    if isinstance(has, int) and which >= has:
        raise Unsupported(f"it has no semaphore {which}, only 0 to {has - 1}")
    given = str(number), str(which)
    return Access(given, given, demo_attach.does_to_semaphore(attaching, f"semaphore {which}"))


DEMO = Demo(
    variants=("set",),
    create=_make,
    sender=lambda part: _End(part, _SENDER_IS_THERE),
    receiver=lambda part: _End(part, _RECEIVER_IS_THERE),
    carries_payload=False,
    nonblocking=True,
    with_mode=("set",),
    takes_descriptors=False,
    limited_by="kernel.sem",
    counts=("sender is there", "receiver is there", "left to take"),
    attach=Attach(("both", "sender", "receiver"), _access, _AttachedEnd, _AttachedEnd, at="which semaphore of the set"),
)
