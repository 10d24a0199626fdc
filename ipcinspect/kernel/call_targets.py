"""What could end the wait of a thread that sleeps in a system call, by the call.

The kernel sleeps until one of several things happens. A call that is not known here, memory that cannot be read and
lists that are too long leave the answer incomplete, and it says so.
"""

from __future__ import annotations

import struct
from typing import Callable

from ipcinspect.kernel import descriptor_targets, futex_words
from ipcinspect.kernel.call_timeouts import signed
from ipcinspect.kernel.calls import Call
from ipcinspect.kernel.descriptor_targets import between, first_for
from ipcinspect.kernel.present_memory import PAGE
from ipcinspect.kernel.wait_target import UNKNOWN, Answer, Sleeper, Target

_MOST_OPERATIONS = 500
_OPERATION = struct.Struct("=Hhh")  # struct sembuf: sem_num, sem_op, sem_flg
_P_PID, _P_PGID, _P_PIDFD = 1, 2, 3
_CLONE_VFORK = 0x4000


def targets_of(sleeper: Sleeper) -> Answer:
    """What could end the wait; nothing, incomplete, for calls that are not known here."""
    decode = _DECODERS.get(sleeper.call.name)
    return UNKNOWN if decode is None else decode(sleeper)


def is_known(call: Call) -> bool:
    """Whether it is known here what the call waits for."""
    return call.name in _DECODERS


def parse_operations(data: bytes) -> list[tuple[int, int]]:
    """Number of the semaphore and change in an array of struct sembuf; an entry that is cut is passed over."""
    whole = len(data) // _OPERATION.size * _OPERATION.size
    return [(number, change) for number, change, _ in _OPERATION.iter_unpack(data[:whole])]


def _futex(sleeper: Sleeper) -> Answer:
    words, is_complete = futex_words.words_of(sleeper.call, sleeper.memory.read)
    return Answer([_word(sleeper, word) for word in words], is_complete)


def _word(sleeper: Sleeper, word: futex_words.Word) -> Target:
    """With its owner, where it has one: a thread that is there, if it must be of the same process."""
    is_shared = word.is_shared and not sleeper.memory.is_own(word.address)
    target = Target("futex", address=word.address, is_shared=is_shared)
    if sleeper.call.is_32_bit or (word.value is None and not word.is_pi):
        return target
    _, owner = futex_words.read_lock(*futex_words.around(word.address, sleeper.memory.read, PAGE), word)
    if owner is None or (owner.tid == sleeper.own_tid and not owner.may_be_waiter):
        return target
    is_private = owner.is_private or not is_shared
    thread = sleeper.threads.get(owner.tid) if is_private else None
    if is_private and (thread is None or owner.users > len(sleeper.threads)):
        return target
    return target._replace(owner_tid=owner.tid, owner_thread=thread, owner_by=owner.lock)


def _semaphores(sleeper: Sleeper) -> Answer:
    arguments, count = sleeper.call.arguments, sleeper.call.arguments[2] & 0xFFFFFFFF
    rows = parse_operations(sleeper.memory.read(arguments[1], min(count, _MOST_OPERATIONS) * _OPERATION.size))
    semid = signed(arguments[0])
    targets = [Target("semaphore", number=semid, sub=sub, change=change) for sub, change in rows]
    return Answer(targets, len(rows) == count)


def _receive_message(sleeper: Sleeper) -> Answer:
    arguments, bits = sleeper.call.arguments, 32 if sleeper.call.is_32_bit else 64
    kind = signed(arguments[3], bits)
    return Answer((Target("message queue", direction="in", number=signed(arguments[0]), change=kind),), True)


def _send_message(sleeper: Sleeper) -> Answer:
    """The type stands at the start of the message; for the waiting it does not matter."""
    arguments, size = sleeper.call.arguments, 4 if sleeper.call.is_32_bit else 8
    data = sleeper.memory.read(arguments[1], size)
    kind = int.from_bytes(data, "little", signed=True) if len(data) == size else None
    return Answer((Target("message queue", direction="out", number=signed(arguments[0]), change=kind),), True)


def _wait4(sleeper: Sleeper) -> Answer:
    return Answer((_child(signed(sleeper.call.arguments[0])),), True)


def _waitid(sleeper: Sleeper) -> Answer:
    kind, what = signed(sleeper.call.arguments[0]), signed(sleeper.call.arguments[1])
    if kind == _P_PIDFD:
        return Answer((Target("child", fd=what),), True)
    return Answer((_child(what if kind == _P_PID else -what if kind == _P_PGID else -1),), True)


def _child(pid: int) -> Target:
    """As waitpid(2) names children: one, any (-1), or those of a process group."""
    if pid > 0:
        return Target("child", number=pid)
    return Target("child") if pid == -1 else Target("child", group=-pid)


def _vfork(sleeper: Sleeper) -> Answer:
    """The child that was just made has to end, or to start another program (vfork(2)); others do not wait for long."""
    call, flags = sleeper.call, _CLONE_VFORK
    if call.name == "clone":
        flags = call.arguments[0]
    elif call.name == "clone3":  # struct clone_args begins with the flags
        flags = int.from_bytes(sleeper.memory.read(call.arguments[0], 8), "little")
    return Answer((Target("child"),), True) if flags & _CLONE_VFORK else UNKNOWN


def _signal(sleeper: Sleeper) -> Answer:
    return Answer((Target("signal"),), True)


def _timed_signal(sleeper: Sleeper) -> Answer:
    data = sleeper.memory.read(sleeper.call.arguments[0], 8)
    signals = int.from_bytes(data, "little") if len(data) == 8 else None
    return Answer((Target("signal", signals=signals),), signals is not None)


def _time(sleeper: Sleeper) -> Answer:
    return Answer((), True)


_DECODERS: dict[str, Callable[[Sleeper], Answer]] = {
    **dict.fromkeys(("read", "readv", "pread64", "preadv", "preadv2", "mq_timedreceive"), first_for("in")),
    **dict.fromkeys(("recv", "recvfrom", "recvmsg", "recvmmsg", "accept", "accept4"), first_for("in")),
    **dict.fromkeys(("write", "writev", "pwrite64", "pwritev", "pwritev2", "mq_timedsend"), first_for("out")),
    **dict.fromkeys(("send", "sendto", "sendmsg", "sendmmsg", "connect"), first_for("out")),
    "sendfile": between(1, 0),
    "splice": between(0, 2),
    "tee": between(0, 1),
    "vmsplice": descriptor_targets.vmsplice,
    **dict.fromkeys(("poll", "ppoll"), descriptor_targets.poll),
    **dict.fromkeys(("select", "pselect6"), descriptor_targets.select),
    **dict.fromkeys(("epoll_wait", "epoll_pwait", "epoll_pwait2"), descriptor_targets.epoll),
    **dict.fromkeys(("flock", "fcntl"), descriptor_targets.lock),
    **dict.fromkeys(("open", "openat", "openat2", "creat"), descriptor_targets.fifo),
    "io_uring_enter": descriptor_targets.ring,
    **dict.fromkeys(futex_words.CALLS, _futex),
    **dict.fromkeys(("semop", "semtimedop"), _semaphores),
    "msgrcv": _receive_message,
    "msgsnd": _send_message,
    **dict.fromkeys(("waitpid", "wait4"), _wait4),
    "waitid": _waitid,
    **dict.fromkeys(("vfork", "clone", "clone3"), _vfork),
    **dict.fromkeys(("pause", "sigsuspend", "rt_sigsuspend"), _signal),
    "rt_sigtimedwait": _timed_signal,
    **dict.fromkeys(("nanosleep", "clock_nanosleep"), _time),
}
