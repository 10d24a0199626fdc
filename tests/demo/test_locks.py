"""Each lock of a demo's memory keeps the other out, wakes who sleeps, and does what it promises when its owner dies."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ipcinspect.demo import DemoPair
from ipcinspect.demo.plan import Plan
from ipcinspect.mechanisms import MECHANISMS, demo_leaving, demo_locks, posix_sem, shared_anon, sysv_msg, sysv_sem
from ipcinspect.mechanisms.demo_memory import MemoryEnd
from ipcinspect.mechanisms.demo_part import LOCKS, Calls, Making, Part, Report, Terms
from ipcinspect.mechanisms.room import Demo, Handover, Room

MEMORY = {room.NAME: room for room in MECHANISMS if room.DEMO is not None and room.DEMO.locks}
CASES = [(name, lock) for name, room in MEMORY.items() for lock in (room.DEMO.locks if room.DEMO else ())]
SLEEPS_IN = {"sysv-sem": "semop", "posix-sem": "sem_wait", "futex": "futex"}
NUMBERS = {"sysv-sem": {65, 220, 192, 193}, "posix-sem": {202, 98}, "futex": {202, 98}}
"""Of the system call, on x86-64 and ARM64; the C library makes semop(2) of semtimedop(2)."""
_WITHIN_S = 5.0

every_lock = pytest.mark.parametrize("lock", LOCKS)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def sleeps_in(pid: int, lock: str) -> bool:
    """Whether the first thread of a process sleeps in the call of such a lock."""
    first = Path(f"/proc/{pid}/syscall").read_text().split()[0]
    return first.isdigit() and int(first) in NUMBERS[lock]


def hears(pair: DemoPair) -> bool:
    """Lets its reports come in."""
    pair.listen(0.005)
    return True


def demo_of(room: Room) -> Demo:
    assert room.DEMO is not None
    return room.DEMO


@pytest.mark.parametrize(("name", "lock"), CASES)
def test_a_receiver_sleeps_in_the_kernel_until_something_is_stored(name: str, lock: str) -> None:
    heard: list[tuple[str, Report]] = []
    plan = Plan(name, lock=lock, response="second")
    with DemoPair.start(MEMORY[name], plan, hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        pair.begin_receive(4)
        until(lambda: hears(pair) and sleeps_in(pair.receiver_pid, lock) and heard[-1][1].took_s is None)
        assert (heard[-1][0], heard[-1][1].call) == ("b", SLEEPS_IN[lock])
        heard.clear()
        pair.send(b"four")
        assert pair.finish_receive() == b"four"
    done = [report.call for side, report in heard if side == "b" and report.took_s is not None]
    assert done[0] == SLEEPS_IN[lock]
    assert done[2] == "load", "between taking the lock and giving it back"
    assert all(report.errno is None for _, report in heard)


@pytest.mark.parametrize(("name", "lock"), CASES)
def test_more_than_fit_at_once_go_through(name: str, lock: str) -> None:
    plan = Plan(name, lock=lock, messages=2, response="second")
    with DemoPair.start(MEMORY[name], plan) as pair:
        pair.open()
        for number in range(9):
            pair.send(b"%d" % number)
            if number % 2:
                assert pair.receive() + pair.receive() == b"%d%d" % (number - 1, number)


@pytest.mark.parametrize("name", [name for name in MEMORY if name != "mmap"])
def test_a_sender_waits_while_the_ring_is_full(name: str) -> None:
    heard: list[tuple[str, Report]] = []
    plan = Plan(name, messages=2, response="second")
    with DemoPair.start(MEMORY[name], plan, hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        pair.send(b"1")
        pair.send(b"2")
        pair.begin_send(b"3")
        until(lambda: hears(pair) and heard[-1][1].call == "look")
        assert pair.receive() == b"1"
        pair.finish_send()
        assert pair.receive() + pair.receive() == b"23"


@pytest.mark.parametrize("name", MEMORY)
def test_what_does_not_fit_is_reported_with_its_errno_and_the_lock_is_free_again(name: str) -> None:
    heard: list[tuple[str, Report]] = []
    plan = Plan(name, lock=demo_of(MEMORY[name]).locks[0], response="second")
    with DemoPair.start(MEMORY[name], plan, hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        with pytest.raises(OSError, match="Message too long"):
            pair.send(bytes(70_000))
        assert [report.errno for _, report in heard if report.errno and report.call == "store"] == ["EMSGSIZE"]
        pair.send(b"four")
        pair.begin_receive(4)
        assert pair.finish_receive() == b"four"


@pytest.mark.parametrize(
    ("room", "call"), [(sysv_msg, "msgsnd"), (sysv_sem, "semop")], ids=lambda value: getattr(value, "NAME", value)
)
def test_a_call_on_what_was_removed_meanwhile_is_reported_with_its_errno(room: Room, call: str) -> None:
    heard: list[Report] = []
    with DemoPair.start(room, hear=lambda side, report: heard.append(report)) as pair:
        pair.open()
        for leaving in pair.made.leaves:
            demo_leaving.remove(leaving)
        with pytest.raises(OSError, match=r"Invalid argument|Identifier removed"):
            pair.send(b"")
    assert [(report.call, report.errno) for report in heard if report.errno] in ([(call, "EINVAL")], [(call, "EIDRM")])


@contextmanager
def memory(lock: str, reports: list[Report]) -> Iterator[tuple[MemoryEnd, MemoryEnd]]:
    """Both halves of anonymous memory in this process, open; forked children have them, too."""
    calls, terms = Calls(reports.append), Terms(lock=lock, messages=4)
    demo = demo_of(shared_anon)
    with tempfile.TemporaryDirectory() as place:
        made = demo.create(Making(calls, place, "memory", terms))
        try:
            part = Part(calls, terms, made.sender_args, ())
            sender, receiver = demo.sender(part), demo.receiver(part)
            assert isinstance(sender, MemoryEnd)
            assert isinstance(receiver, MemoryEnd)
            sender.open()
            receiver.open()
            yield sender, receiver
        finally:
            made.let_go()
            for leaving in made.leaves:
                demo_leaving.remove(leaving)


def forked(act: Callable[[], None]) -> int:
    """A child that does this and then waits to be killed."""
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            act()
            os.write(told, b"!")
            signal.pause()
        finally:
            os._exit(1)
    os.close(told)
    try:
        assert os.read(ready, 1) == b"!", "the child holds it"
    finally:
        os.close(ready)
    return pid


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@every_lock
def test_a_lock_keeps_the_other_out_until_its_owner_gives_it_back(lock: str) -> None:
    with memory(lock, []) as (sender, receiver):
        sender.hold()
        pid = os.fork()
        if pid == 0:
            try:
                receiver.send(b"late")  # any half can store
            finally:
                os._exit(0)
        until(lambda: sleeps_in(pid, lock))
        assert receiver._ring is not None
        assert not receiver._ring.has_message()
        assert sender._guard is not None
        sender._guard.unlock()
        until(lambda: os.waitpid(pid, os.WNOHANG) != (0, 0))
        assert receiver._ring.has_message()


def test_what_the_kernel_undoes_is_free_after_its_owners_death() -> None:
    reports: list[Report] = []
    with memory("sysv-sem", reports) as (sender, receiver):
        kill(forked(receiver.hold))
        sender.send(b"after")
        assert receiver.receive(5) == b"after"
    assert all(report.errno is None for report in reports)


def test_a_robust_mutex_tells_of_its_owners_death_once_and_is_made_consistent() -> None:
    reports: list[Report] = []
    with memory("futex", reports) as (sender, receiver):
        kill(forked(receiver.hold))
        sender.send(b"after")
        assert receiver.receive(5) == b"after"
    done = [(report.call, report.errno) for report in reports if report.took_s is not None]
    died = done.index(("pthread_mutex_lock", "EOWNERDEAD"))
    assert done[died + 1] == ("pthread_mutex_consistent", None)
    assert [name for name, number in done if number] == ["pthread_mutex_lock"]


def test_a_posix_semaphore_stays_taken_after_its_owners_death(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_locks, "GIVES_UP_AFTER_S", 0.2)
    reports: list[Report] = []
    with memory("posix-sem", reports) as (sender, receiver):
        kill(forked(receiver.hold))
        for _ in range(2):
            with pytest.raises(TimeoutError):
                sender.send(b"after")
    assert [(report.call, report.errno) for report in reports if report.errno] == [("sem_timedwait", "ETIMEDOUT")] * 2


@every_lock
def test_a_stop_and_a_continue_do_not_end_a_sleep(lock: str) -> None:
    plan = Plan("shared-anon", lock=lock, response="second")
    with DemoPair.start(shared_anon, plan) as pair:
        pair.open()
        pair.begin_receive(4)
        until(lambda: sleeps_in(pair.receiver_pid, lock))
        os.kill(pair.receiver_pid, signal.SIGSTOP)
        until(lambda: "\nState:\tT" in Path(f"/proc/{pair.receiver_pid}/status").read_text())
        os.kill(pair.receiver_pid, signal.SIGCONT)
        until(lambda: sleeps_in(pair.receiver_pid, lock))
        pair.send(b"four")
        assert pair.finish_receive() == b"four"


def test_no_lock_stays_where_the_memory_is_refused(tmp_path: Path) -> None:
    made: list[Report] = []
    terms = Terms(lock="sysv-sem", size=1 << 30)
    with pytest.raises(OSError, match="Message too long"):
        demo_of(shared_anon).create(Making(Calls(made.append), str(tmp_path), "memory", terms))
    semid = next(report.result for report in made if report.call == "semget" and report.result)
    ids = [row.split()[1] for row in Path("/proc/sysvipc/sem").read_text().splitlines()[1:]]
    assert semid not in ids


@pytest.mark.parametrize("room", [*MEMORY.values(), sysv_msg, sysv_sem, posix_sem], ids=lambda room: room.NAME)
def test_permission_bits_are_as_the_maker_was_told(room: Room, tmp_path: Path) -> None:
    """Of all that has a name or an id; a memory file and anonymous memory have neither."""
    demo = demo_of(room)
    terms = Terms(lock="sysv-sem" if demo.locks else None)
    made = demo.create(Making(Calls(), str(tmp_path), demo.variants[0], terms, mode=0o640))
    try:
        assert made.leaves
        assert [bits_of(leaving.how, leaving.what) for leaving in made.leaves] == [0o640] * len(made.leaves)
    finally:
        clean(made)


def bits_of(how: str, what: str) -> int:
    if how == "path":
        return os.stat(what).st_mode & 0o777
    table = Path(f"/proc/sysvipc/{how.rpartition('-')[2]}").read_text().splitlines()[1:]
    return next(int(row.split()[2], 8) & 0o777 for row in table if row.split()[1] == what)


def clean(made: Handover) -> None:
    for fd in {*made.sender_fds, *made.receiver_fds}:
        os.close(fd)
    made.let_go()
    for leaving in made.leaves:
        demo_leaving.remove(leaving)


@pytest.mark.parametrize(("name", "lock"), [case for case in CASES if case[0] != "mmap"])
def test_a_sender_sleeps_in_the_kernel_until_a_place_is_free(name: str, lock: str) -> None:
    with DemoPair.start(MEMORY[name], Plan(name, lock=lock, response="second", messages=1)) as pair:
        pair.open()
        for _ in range(3):
            pair.send(b"fills it")
            pair.begin_send(b"waits")
            until(lambda: hears(pair) and sleeps_in(pair.sender_pid, lock))
            assert pair.receive() == b"fills it"
            pair.finish_send()
            assert pair.receive() == b"waits"


@every_lock
def test_a_free_place_that_nobody_waited_for_is_told_once(lock: str) -> None:
    """The ring was full more often than a semaphore can be raised in vain, and the next who waits still sleeps."""
    with memory(lock, []) as (sender, receiver):
        receiver.divide(1, 1)
        sender.divide(1, 1)
        for _ in range(40_000):  # more than SEMVMX, 32767
            sender.send(b"1")
            assert receiver.receive(1) == b"1"
        sender.send(b"1")
        waits = os.fork()
        if waits == 0:
            try:
                sender.send(b"2")
            finally:
                os._exit(0)
        until(lambda: sleeps_in(waits, lock))
        assert receiver.receive(1) == b"1"
        until(lambda: os.waitpid(waits, os.WNOHANG) != (0, 0))
        assert receiver.receive(1) == b"2"
