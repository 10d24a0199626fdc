"""Which threads of a process sleep in system calls, and what each waits for (proc_pid_syscall(5), proc_pid_status(5)).

Everything is read: no thread is stopped, woken or traced. A thread can move on between one file and the next, so one
look proves nothing: a thread that `still_blocked` names after a pause has slept through it, from before the first look
read its memory. The counters of context switches tell that, because to sleep again is one more switch.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator
from typing import Callable, NamedTuple

from ipcinspect.kernel import call_targets, call_timeouts, calls, futex_words, procfs, thread_status
from ipcinspect.kernel.call_timeouts import Timeout
from ipcinspect.kernel.calls import Call
from ipcinspect.kernel.present_memory import PAGE, PresentMemory
from ipcinspect.kernel.thread_status import Status, parse_status
from ipcinspect.kernel.wait_target import Sleeper, Target

_ENDED = frozenset("ZX")
_RESUMED = {
    "nanosleep": "nanosleep",
    "do_syscall": "nanosleep",
    "invoke_syscall": "nanosleep",
    "poll": "poll",
    "futex": "futex",
}
"""Calls that go on so after a stop, by a word in the kernel function. All of a sleep counts as the scheduler, which is
skipped: then the entry of system calls stands there."""
_TOLD_BY_FUNCTION = frozenset(
    ("restart_syscall", "open", "openat", "openat2", "creat", "sendfile", "splice", "tee", "vmsplice")
)


class Blocked(NamedTuple):
    """A thread that sleeps."""

    tid: int
    call: str
    """The call in which it sleeps; `call 999` for one that is not known here, `restart_syscall` where it is not told
    which call goes on, `no call` (calls.NO_CALL)."""
    number: int
    """As the thread's kind of machine numbers calls; -1 without one."""
    arguments: tuple[int, ...]
    """Six registers; what the call does not use is whatever stood there."""
    sp: int
    pc: int
    targets: tuple[Target, ...]
    """Any of these could end the wait; so can a signal, and the time limit."""
    is_complete: bool
    """Whether these are all."""
    has_timeout: bool | None
    """Whether the call gives up by itself; None where that is not known. A socket can have a limit of its own."""
    timeout_s: float | None
    """After how many seconds, as the call was given it; None for a point in time."""
    left_s: float | None
    """Of a point in time: how long from the look on; None where its clock is not ours."""
    wchan: str | None
    """The kernel function in which it sleeps (proc_pid_wchan(5)), asked only where the call alone does not tell what
    it waits for, or where it is not an ordinary sleep; None also where the kernel does not say."""
    state: str
    """The letter of proc_pid_stat(5): S, D (only a fatal signal, or none, wakes it), T stopped, t traced."""
    switches: int | None
    """Context switches of the thread since it began."""


class Threads(NamedTuple):
    """What the threads of one process told."""

    blocked: tuple[Blocked, ...]
    running: int
    """Threads that run, or of which the kernel did not say that they sleep."""
    is_nested: bool
    """Whether the process is in another pid namespace than this /proc: numbers that it uses itself (`Target.number`
    of a child, `owner_tid`) are of that one."""
    refused: bool
    """Whether the kernel did not tell (Yama, another user): then there may be more."""
    late: bool
    """Whether time ran out before all threads were asked."""


_NOBODY = Threads((), 0, False, False, False)


class _Seen(NamedTuple):
    """A thread that sleeps, before it is asked what it waits for."""

    call: Call
    status: Status


def blocked_threads(
    root: str,
    pid: int,
    starttime: int,
    until: float,
    reads_memory: bool = True,
    clock: Callable[[int], float] = time.clock_gettime,
) -> Threads:
    """The threads of the process that started then, and what each waits for; none where it is gone.

    `until` is of time.monotonic(). `reads_memory`: whether that pid means the same process to system calls; without,
    lists and locks in memory stay unknown. May wait for a lock that the process holds: give it a thread to lose.
    """
    try:
        process = procfs.open_process(root, pid)
    except PermissionError:
        return _NOBODY._replace(refused=True)
    except OSError:
        return _NOBODY
    try:
        if procfs.parse_stat(procfs.read_file(process, "stat")).starttime != starttime:
            return _NOBODY
        return _Look(root, process, until, clock).threads(reads_memory)
    except PermissionError:
        return _NOBODY._replace(refused=True)
    except (OSError, ValueError):
        return _NOBODY
    finally:
        os.close(process)


def still_blocked(root: str, pid: int, starttime: int, threads: Iterable[Blocked], until: float) -> frozenset[int]:
    """Those of these threads, by tid, that have not run since `blocked_threads` told of them.

    The call is read before the counters, the other way round than at first: whoever slept again in between is seen.
    """
    machine, same = os.uname().machine, set()
    try:
        process = procfs.open_process(root, pid)
    except OSError:
        return frozenset()
    try:
        if procfs.parse_stat(procfs.read_file(process, "stat")).starttime != starttime:
            return frozenset()
        for thread in threads:
            if time.monotonic() > until:
                break
            if thread.switches is not None and _is_same(process, thread, machine):
                same.add(thread.tid)
    except (OSError, ValueError):
        return frozenset()
    finally:
        os.close(process)
    return frozenset(same)


def still_owned(root: str, pid: int, starttime: int, thread: Blocked, reads_memory: bool = True) -> bool:
    """Whether the locks that a thread waits for name the owners that it was told with; no where that cannot be read.

    Of several who want a lock one gets it after the other, while the rest sleep on.
    """
    wanted = {target.owner_tid for target in thread.targets if target.owner_tid is not None}
    try:
        process = procfs.open_process(root, pid)
    except OSError:
        return False
    memory = PresentMemory(process, thread.tid, reads_memory)
    try:
        if procfs.parse_stat(procfs.read_file(process, "stat")).starttime != starttime:
            return False
        return wanted <= set(_owners(thread, memory))
    except (OSError, ValueError):
        return False
    finally:
        memory.close()
        os.close(process)


def _owners(thread: Blocked, memory: PresentMemory) -> Iterator[int]:
    is_32_bit = thread.sp < calls.LARGEST_32_BIT
    call = Call(thread.tid, thread.call, thread.arguments, thread.number, is_32_bit, thread.sp, thread.pc)
    for word in futex_words.words_of(call, memory.read)[0]:
        _, owner = futex_words.read_lock(*futex_words.around(word.address, memory.read, PAGE), word)
        if owner is not None:
            yield owner.tid


def _is_same(process: int, thread: Blocked, machine: str) -> bool:
    try:
        text = procfs.read_at_once(process, f"task/{thread.tid}/syscall", calls.LIMIT)
        status = parse_status(procfs.read_at_once(process, f"task/{thread.tid}/status", thread_status.LIMIT))
    except (OSError, ValueError):
        return False
    call = calls.parse_call(text, thread.tid, machine)
    if call is None or status.switches != thread.switches:
        return False
    return (call.number, call.arguments, call.sp, call.pc) == (thread.number, thread.arguments, thread.sp, thread.pc)


class _Look:
    """One look at the threads of a process, by its directory descriptor."""

    def __init__(self, root: str, process: int, until: float, clock: Callable[[int], float]) -> None:
        self._root = root
        self._process = process
        self._until = until
        self._clock = clock
        self._shares_clocks: bool | None = None
        self._machine = os.uname().machine
        self._numbers: dict[int, int] = {}
        self._running = 0
        self._is_nested = self._refused = self._late = False

    def threads(self, reads_memory: bool) -> Threads:
        """All of them first, and then what each waits for: the owner of a lock can be any. Raises OSError."""
        seen = self._sleeping()
        blocked: list[Blocked] = []
        if seen:
            memory = PresentMemory(self._process, seen[0].call.tid, reads_memory)
            try:
                for one in seen:
                    if self._is_over():
                        break
                    blocked.append(self._blocked(one, memory))
            finally:
                memory.close()
        return Threads(tuple(blocked), self._running, self._is_nested, self._refused, self._late)

    def _is_over(self) -> bool:
        self._late = self._late or time.monotonic() > self._until
        return self._late

    def _sleeping(self) -> list[_Seen]:
        """Whoever is refused one thread's file is refused them all, so no further one is asked."""
        found: list[_Seen] = []
        ended = False
        listed = calls.threads(self._process)
        for tid in listed:
            if self._is_over():
                break
            try:
                status = parse_status(self._read(tid, "status", thread_status.LIMIT))
                self._number(tid, status)
                if status.state in _ENDED:
                    ended = True
                    continue
                call = calls.parse_call(self._read(tid, "syscall", calls.LIMIT), tid, self._machine)
            except PermissionError:
                self._refused = True
                break
            except (OSError, ValueError):
                ended = True
                continue
            if call is None:
                self._running += 1
            else:
                found.append(_Seen(call, status))
        if ended:  # it may have begun others just before
            self._running += len(set(calls.threads(self._process)) - set(listed))
        return found

    def _read(self, tid: int, name: str, limit: int) -> bytes:
        return procfs.read_at_once(self._process, f"task/{tid}/{name}", limit)

    def _number(self, tid: int, status: Status) -> None:
        self._numbers[status.numbers[-1] if status.numbers else tid] = tid
        self._is_nested = self._is_nested or len(status.numbers) > 1

    def _blocked(self, seen: _Seen, memory: PresentMemory) -> Blocked:
        wchan = self._wchan(seen)
        call = _resumed(seen.call, wchan)
        own_tid = seen.status.numbers[-1] if seen.status.numbers else call.tid
        sleeper = Sleeper(call, self._process, memory, wchan, own_tid, self._numbers)
        answer = call_targets.targets_of(sleeper)
        timeout = call_timeouts.UNKNOWN
        if seen.call.name != call.name and call.name == "nanosleep":
            timeout = Timeout(True)  # the registers are of one of two calls
        elif call_targets.is_known(call):
            timeout = call_timeouts.timeout_of(call, memory.read, self._now)
        return Blocked(
            tid=call.tid,
            call=call.name,
            number=call.number,
            arguments=call.arguments,
            sp=call.sp,
            pc=call.pc,
            targets=tuple(answer.targets),
            is_complete=answer.is_complete,
            has_timeout=timeout.is_set,
            timeout_s=timeout.given_s,
            left_s=timeout.left_s,
            wchan=wchan,
            state=seen.status.state,
            switches=seen.status.switches,
        )

    def _wchan(self, seen: _Seen) -> str | None:
        call = seen.call
        if seen.status.state == "S" and call.name not in _TOLD_BY_FUNCTION and call_targets.is_known(call):
            return None
        try:
            name = self._read(call.tid, "wchan", 256)
        except OSError:
            return None
        return name.decode("ascii", "replace") if name not in (b"", b"0") else None

    def _now(self, number: int) -> float | None:
        """The wall clock is the same for all; the others can have an offset (time_namespaces(7))."""
        if number != time.CLOCK_REALTIME and not self._has_our_clocks():
            return None
        try:
            return self._clock(number)
        except OSError:
            return None

    def _has_our_clocks(self) -> bool:
        if self._shares_clocks is None:
            try:
                own = os.readlink(f"{self._root}/self/ns/time")
                self._shares_clocks = os.readlink("ns/time", dir_fd=self._process) == own
            except OSError as error:
                self._shares_clocks = error.errno == errno.ENOENT
        return self._shares_clocks


def _resumed(call: Call, wchan: str | None) -> Call:
    """The call that goes on after a stop (restart_syscall(2)), with the registers that it had."""
    if call.name != "restart_syscall" or wchan is None:
        return call
    name = next((name for word, name in _RESUMED.items() if word in wchan), call.name)
    return call._replace(name=name)
