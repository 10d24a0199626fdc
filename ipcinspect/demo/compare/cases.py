"""What is measured: a register of cases that one can read, and the sizes that each of them gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ipcinspect.demo import limits
from ipcinspect.demo.limits import Machine
from ipcinspect.mechanisms import MECHANISMS, demo_ring
from ipcinspect.mechanisms.demo_part import Terms
from ipcinspect.mechanisms.room import Demo, Room

SIZES = (64, 4096, 65536, 1 << 20)
"""Bytes of a message."""
NONE = 0
"""The size of what carries no bytes."""
ORDER = (*SIZES, NONE)
MEMORY_PLACES = 4
"""Messages of the largest size that memory holds at once."""
_PIPE_BUF = 4096
"""A write of more may be cut where it would sleep (pipe(7)): it cannot be tried again as a whole."""
_UNHEEDING = ("mmap",)
"""Memory whose receiver may only read, so it cannot say in the memory how far it is."""
_LOSES = ("udp",)
_MOST_WINDOW = 256


class Case(NamedTuple):
    """One way of sending."""

    mechanism: str
    variant: str
    lock: str | None = None
    """What guards memory, and wakes its receiver; None for all else."""
    blocking: bool = True
    """False: its calls do not sleep, and are made again and again until they succeed."""
    framed: bool = False
    """Whether the program sends the length before each message: what a stream takes to keep messages apart."""

    @property
    def room(self) -> Room:
        """The mechanism."""
        return next(room for room in MECHANISMS if self.mechanism == room.NAME)

    @property
    def demo(self) -> Demo:
        """Its halves."""
        demo = self.room.DEMO
        assert demo is not None, "the register names mechanisms with a demo alone"
        return demo

    @property
    def is_memory(self) -> bool:
        """Whether it has places in memory that two processes share."""
        return bool(self.demo.locks)

    @property
    def name(self) -> str:
        """`unix stream`, `posix-shm`: the mechanism, with its variant where that tells more."""
        return f"{self.mechanism} {self.variant}" if self.mechanism in _VARIANTS_TELL else self.mechanism

    @property
    def label(self) -> str:
        """`pipe polling`, `posix-shm futex`, `posix-shm no lock`: what no other case is called."""
        lock = (self.lock or "no lock") if self.is_memory else ""
        words = (self.name, lock, "framed" if self.framed else "", "" if self.blocking else "polling")
        return " ".join(word for word in words if word)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Those that it is measured with."""
        return SIZES if self.demo.carries_payload else (NONE,)

    def refusal(self, size: int, machine: Machine) -> str | None:
        """Why a message of this size cannot be sent so, with the limit's place; None where it can."""
        if not self.blocking and not self.is_memory and size > _PIPE_BUF:
            return f"a write above PIPE_BUF, {_PIPE_BUF}, could be cut (pipe(7))"
        longest = limits.longest(self.mechanism, self.variant, machine)
        if size <= longest.size:
            return None
        return f"at most {longest.size} ({_place(longest.told_by, machine)})"

    def terms(self, machine: Machine) -> Terms:
        """The size that its object is made for, and how many messages of that it holds."""
        largest = max((size for size in self.sizes if self.refusal(size, machine) is None), default=1)
        if self.is_memory:
            return Terms(self.blocking, self.lock, largest, MEMORY_PLACES)
        most = limits.at_once(self.mechanism, self.variant, max(largest, 1), self.demo.carries_payload, machine)
        return Terms(self.blocking, None, max(largest, 1), max(min(most.messages, limits.MOST_MESSAGES), 1))

    def window(self, size: int, machine: Machine) -> int:
        """How many messages may be under way where the mechanism does not hold a sender back that is too fast; else 0.

        UDP drops what the receiver has no room for; half of that room is used.
        """
        if self.mechanism in _LOSES:
            most = limits.at_once(self.mechanism, self.variant, size, True, machine).messages // 2
        elif self.mechanism in _UNHEEDING:
            most = demo_ring.fits_into(demo_ring.bytes_for(self.terms(machine)), size)
        else:
            return 0
        return max(min(most, _MOST_WINDOW), 1)


_VARIANTS_TELL = ("unix",)
_WITHOUT_LOCK = None

QUICK = (
    Case("pipe", "pipe"),
    Case("pipe", "pipe", framed=True),
    Case("pipe", "pipe", blocking=False),
    Case("fifo", "fifo"),
    Case("unix", "stream"),
    Case("unix", "stream", framed=True),
    Case("unix", "seqpacket"),
    Case("unix", "dgram"),
    Case("tcp", "ipv4"),
    Case("udp", "ipv4"),
    Case("sysv-msg", "queue"),
    Case("posix-mq", "queue"),
    Case("pty", "raw"),
    Case("posix-shm", "object", "futex"),
    Case("posix-shm", "object", "posix-sem"),
    Case("posix-shm", "object", "sysv-sem"),
    Case("posix-shm", "object", "futex", blocking=False),
    Case("posix-shm", "object", _WITHOUT_LOCK, blocking=False),
    Case("posix-shm", "object", _WITHOUT_LOCK),
    Case("sysv-shm", "segment", "futex"),
    Case("memfd", "memfd", "futex"),
    Case("shared-anon", "memory", "futex"),
    Case("mmap", "file", "posix-sem"),
    Case("eventfd", "counter"),
    Case("posix-sem", "named"),
    Case("sysv-sem", "set"),
)
"""Every mechanism with a demo; beside it what the answers need: polling, locks, lengths before messages."""
FULL = (
    *QUICK,
    Case("posix-shm", "object", "posix-sem", blocking=False),
    Case("posix-shm", "object", "sysv-sem", blocking=False),
)
"""Those, and the other ways to wait for memory."""


def mechanisms(cases: Sequence[Case]) -> tuple[str, ...]:
    """The words of those that are measured."""
    return tuple(dict.fromkeys(case.mechanism for case in cases))


def chosen(cases: Sequence[Case], words: Sequence[str]) -> tuple[Case, ...]:
    """The cases of some mechanisms; all of them where none is named."""
    return tuple(case for case in cases if not words or case.mechanism in words)


def _place(told_by: str, machine: Machine) -> str:
    """A setting of the kernel by its file; anything else as it is told."""
    is_setting = told_by.startswith(("kernel.", "net.", "fs."))
    return f"{machine.root}/sys/{told_by.replace('.', '/')}" if is_setting else told_by
