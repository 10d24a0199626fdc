"""System V calls that Python lacks (msgop(2), semop(2), shmop(2), msgctl(2), semctl(2), shmctl(2)).

Looking uses `queue_limit`, `queue_depth` and `semaphores` alone: they read, and change neither times nor last pids. All
the others are for the demo pairs, on objects of their own or that the user has put them on; of these, those that may
sleep let go of the interpreter lock.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ipcinspect.kernel.errors import translated
from ipcinspect.kernel.libc import LIBC, last_error

IPC_CREAT, IPC_EXCL, IPC_NOWAIT, IPC_PRIVATE = 0o1000, 0o2000, 0o4000, 0
SEM_UNDO = 0x1000
SHM_RDONLY = 0o10000
_IPC_RMID = 0
_MSG_STAT_ANY = 13
_GETPID, _GETVAL, _GETALL, _GETNCNT, _GETZCNT, _SETVAL = 11, 12, 13, 14, 15, 16
_INDEX_BITS = (15, 24)  # SLOT bits of an id: usual, and with the boot option ipcmni_extend (ipc/util.h)
_CBYTES_OFFSET, _QBYTES_OFFSET = 72, 88

_KIND = struct.Struct("@l")
"""What stands before the bytes of a message: its type."""

_SLEEPY = ctypes.CDLL(None, use_errno=True)


class SemaphoreNow(NamedTuple):
    """One semaphore of a set."""

    value: int
    last_pid: int
    """sempid: who operated on it last; 0 for nobody, or a process of another pid namespace."""
    waiting_increase: int
    waiting_zero: int


class Step(NamedTuple):
    """One of the operations of a semop(2)."""

    num: int
    change: int
    """0: until the value is 0."""
    flags: int = 0


class QueueDepth(NamedTuple):
    """What waits in a message queue."""

    bytes: int
    messages: int


class _SemOp(ctypes.Structure):
    _fields_ = [("num", ctypes.c_ushort), ("op", ctypes.c_short), ("flg", ctypes.c_short)]


_shmat = LIBC.shmat
_shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_shmat.restype = ctypes.c_void_p
_shmdt = LIBC.shmdt
_shmdt.argtypes = (ctypes.c_void_p,)
_shmget = LIBC.shmget
_shmget.argtypes = (ctypes.c_int, ctypes.c_size_t, ctypes.c_int)
_msgsnd = _SLEEPY.msgsnd
_msgsnd.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_msgrcv = _SLEEPY.msgrcv
_msgrcv.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long, ctypes.c_int)
_msgrcv.restype = ctypes.c_ssize_t


def queue_limit(msqid: int) -> int | None:
    """msg_qbytes of a queue, without needing the right to read it (MSG_STAT_ANY). None where it cannot be told.

    The call takes an index into the kernel's table, which is the low bits of the id; the id that it answers with
    proves that the index was the right one.
    """
    record = _queue_record(msqid)
    return int(struct.unpack_from("@L", record, _QBYTES_OFFSET)[0]) if record is not None else None


def queue_depth(msqid: int) -> QueueDepth | None:
    """What waits in a queue, as `queue_limit` tells its limit."""
    record = _queue_record(msqid)
    return QueueDepth(*struct.unpack_from("@LL", record, _CBYTES_OFFSET)) if record is not None else None


def _queue_record(msqid: int) -> bytes | None:
    buffer = ctypes.create_string_buffer(256)
    for bits in _INDEX_BITS:
        if LIBC.msgctl(msqid & ((1 << bits) - 1), _MSG_STAT_ANY, buffer) == msqid:
            return buffer.raw
    return None


def semaphores(semid: int, count: int, most: int) -> list[SemaphoreNow]:
    """The first `most` semaphores of a set of `count`.

    Raises Vanished, Denied (it needs the right to read the set) or Unsupported.
    """
    values = (ctypes.c_ushort * count)()
    if LIBC.semctl(semid, 0, _GETALL, values) < 0:
        raise translated(last_error("semctl"), f"semaphores of set {semid}")
    return [
        SemaphoreNow(values[num], _ask(semid, num, _GETPID), _ask(semid, num, _GETNCNT), _ask(semid, num, _GETZCNT))
        for num in range(min(count, most))
    ]


def _ask(semid: int, num: int, command: int) -> int:
    answer: int = LIBC.semctl(semid, num, command, 0)
    if answer < 0:
        raise translated(last_error("semctl"), f"semaphores of set {semid}")
    return answer


def create_queue(mode: int = 0o600) -> int:
    """A private message queue of our own. Raises OSError."""
    return _checked(LIBC.msgget(IPC_PRIVATE, mode | IPC_CREAT | IPC_EXCL), "msgget")


def remove_queue(msqid: int) -> None:
    """Raises OSError."""
    _checked(LIBC.msgctl(msqid, _IPC_RMID, None), "msgctl")


def send_message(msqid: int, payload: bytes, kind: int = 1, flags: int = 0) -> None:
    """One message of a type; sleeps while the queue is full, unless IPC_NOWAIT. Raises OSError."""
    _checked(_msgsnd(msqid, _KIND.pack(kind) + payload, len(payload), flags), "msgsnd")


def receive_message(msqid: int, size: int, kind: int = 0, flags: int = 0) -> bytes:
    """The next message (of a type above 0) of at most `size` bytes; sleeps while there is none, unless IPC_NOWAIT.

    Raises OSError (with IPC_NOWAIT ENOMSG, not EAGAIN).
    """
    return receiving(msqid, kind, flags)(size)


def receiving(msqid: int, kind: int = 0, flags: int = 0) -> Callable[[int], bytes]:
    """`receive_message` for one queue, one type and the same flags; its buffer stays."""
    buffer = ctypes.create_string_buffer(_KIND.size)

    def receive(size: int) -> bytes:
        nonlocal buffer
        if len(buffer) < _KIND.size + size:
            buffer = ctypes.create_string_buffer(_KIND.size + size)
        got = _checked(_msgrcv(msqid, buffer, size, kind, flags), "msgrcv")
        return ctypes.string_at(ctypes.addressof(buffer) + _KIND.size, got)

    return receive


def create_semaphores(values: Sequence[int | None], mode: int = 0o600) -> int:
    """A private set of our own with these values; None: as the kernel makes it, 0. Raises OSError."""
    semid = _checked(LIBC.semget(IPC_PRIVATE, len(values), mode | IPC_CREAT | IPC_EXCL), "semget")
    for num, value in enumerate(values):
        if value is None:
            continue
        set_value(semid, num, value)
    return semid


def set_value(semid: int, num: int, value: int) -> None:
    """semctl(2) with SETVAL: the value of one semaphore of a set. Raises OSError."""
    _checked(LIBC.semctl(semid, num, _SETVAL, value), "semctl")


def remove_semaphores(semid: int) -> None:
    """Raises OSError."""
    _checked(LIBC.semctl(semid, 0, _IPC_RMID, 0), "semctl")


def operate(semid: int, num: int, change: int, flags: int = 0) -> None:
    """One semop(2); sleeps until the value allows it, unless IPC_NOWAIT. Raises OSError."""
    operate_at_once(semid, (Step(num, change, flags),))


def operate_at_once(semid: int, steps: Sequence[Step]) -> None:
    """One semop(2) of several steps: all of them, or it sleeps until all are possible. Raises OSError."""
    operation(semid, steps)()


def operation(semid: int, steps: Sequence[Step]) -> Callable[[], None]:
    """`operate_at_once` for one set and the same steps each time."""
    array = (_SemOp * len(steps))(*(_SemOp(*step) for step in steps))
    semop, count = _SLEEPY.semop, len(steps)

    def operate() -> None:
        if semop(semid, array, count) < 0:
            raise last_error("semop")

    return operate


def create_segment(size: int, mode: int = 0o600) -> int:
    """A private segment of our own. Raises OSError."""
    return _checked(_shmget(IPC_PRIVATE, size, mode | IPC_CREAT | IPC_EXCL), "shmget")


def remove_segment(shmid: int) -> None:
    """Mark for deletion. Raises OSError."""
    _checked(LIBC.shmctl(shmid, _IPC_RMID, None), "shmctl")


def attach_segment(shmid: int, flags: int = 0) -> int:
    """The address at which a segment is attached, `flags` SHM_RDONLY or 0. Raises OSError."""
    address = _shmat(shmid, None, flags)
    if address is None or address == ctypes.c_void_p(-1).value:
        raise last_error("shmat")
    return int(address)


def detach_segment(address: int) -> None:
    """Raises OSError."""
    _checked(_shmdt(address), "shmdt")


def _checked(answer: int, call: str) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), call)
    return answer
