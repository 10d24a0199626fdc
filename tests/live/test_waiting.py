"""What each sleeping thread waits for: threads of one process that sleep in every way there is, and who is asked."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ipcinspect.kernel import calls, procfs, sysv
from ipcinspect.kernel.wait_target import Target
from ipcinspect.kernel.waiting import Blocked, Threads, blocked_threads, still_blocked
from ipcinspect.mechanisms.waits import call_words
from tests.live.conftest import Start
from tests.live.sleeping_kinds import DESCRIPTORS, LISTS, OTHERS, ZOO
from tests.live.sleeping_locks import LOCKS
from tests.live.subjects import Subject, kernel_state, until
from tests.live.test_without_privilege import NOBODY, looks

KINDS = {**DESCRIPTORS, **LISTS, **LOCKS, **OTHERS}


def starttime(pid: int) -> int:
    """When a process started."""
    process = procfs.open_process("/proc", pid)
    try:
        return procfs.parse_stat(procfs.read_file(process, "stat")).starttime
    finally:
        os.close(process)


def threads_of(pid: int, **options: Any) -> Threads:
    """One look at a process."""
    return blocked_threads("/proc", pid, starttime(pid), time.monotonic() + 10, **options)


def the_sleeper(subject: Subject, *calls: str) -> Blocked:
    """Its one thread that sleeps in one of these calls, once it does."""

    def found() -> Blocked | None:
        return next((thread for thread in threads_of(subject.pid).blocked if thread.call in calls), None)

    thread = until(found, f"a thread to sleep in {calls}")
    assert thread is not None
    return thread


def slept_on(pid: int, threads: tuple[Blocked, ...]) -> frozenset[int]:
    """Those of these threads that did not run since."""
    return still_blocked("/proc", pid, starttime(pid), threads, time.monotonic() + 10)


class Zoo(NamedTuple):
    """A process with a thread that sleeps in every way."""

    pid: int
    facts: dict[str, list[Any]]
    """The thread, and what it told, by the kind of sleep; None for the thread where this kernel has no such call."""
    threads: Threads


@pytest.fixture(scope="module")
def zoo() -> Iterator[Zoo]:
    """All kinds, once all of them sleep where they should."""
    directory = tempfile.mkdtemp(prefix="ipci-")
    semaphores, queues = sysv.create_semaphores((0, 1)), [sysv.create_queue(), sysv.create_queue()]
    subject = None
    try:
        codes = {name: kind.code for name, kind in KINDS.items()}
        subject = Subject(ZOO, directory, semaphores, *queues, codes)
        _, facts = subject.said
        expected = {row[0]: KINDS[name].call.split() for name, row in facts.items() if row[0] is not None}

        def asleep() -> Threads | None:
            told = threads_of(subject.pid)
            calls = {thread.tid: thread.call for thread in told.blocked}
            late = {tid: calls.get(tid) for tid, wanted in expected.items() if calls.get(tid) not in wanted}
            return None if late or told.running else told

        threads = until(asleep, "every kind of thread to sleep")
        assert threads is not None
        yield Zoo(subject.pid, facts, threads)
    finally:
        if subject is not None:
            subject.end()
        sysv.remove_semaphores(semaphores)
        for queue in queues:
            sysv.remove_queue(queue)
        shutil.rmtree(directory)


@pytest.fixture
def sleep(start: Start) -> Iterator[Start]:
    """Starts subjects that sleep for good, and read no orders."""
    started: list[Subject] = []

    def starting(code: str, *args: object, **options: Any) -> Subject:
        started.append(start(code, *args, **options))
        return started[-1]

    yield starting
    for subject in started:
        subject.process.kill()


def thread_of(zoo: Zoo, kind: str) -> tuple[Blocked, list[Any]]:
    """The thread that sleeps in such a way, and the facts that it told."""
    tid, *facts = zoo.facts[kind]
    if tid is None:
        pytest.skip(f"this kernel has no such call: {facts}")
    return next(thread for thread in zoo.threads.blocked if thread.tid == tid), facts


def in_order(targets: list[Target]) -> list[Target]:
    """An epoll tells what it watches in an order of its own."""
    return sorted(targets, key=repr)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_thread_waits_for_is_read_from_its_call(zoo: Zoo, kind: str) -> None:
    thread, facts = thread_of(zoo, kind)
    wanted = KINDS[kind].targets(*facts)
    targets = list(thread.targets)
    if [target.kind for target in wanted] == ["futex"] and wanted[0].address is None:
        targets = [target._replace(address=None) for target in targets]
    assert in_order(targets) == in_order(wanted)
    assert (thread.is_complete, thread.has_timeout, thread.timeout_s, thread.left_s, thread.state) == (
        *(KINDS[kind].is_complete, KINDS[kind].has_timeout, KINDS[kind].timeout_s, None),
        "S",
    )


def test_a_call_is_written_down_with_what_matters_of_its_arguments(zoo: Zoo) -> None:
    ring, (fd,) = thread_of(zoo, "io_uring with requests")
    assert call_words.told(ring) == f"io_uring_enter({fd}: 1 poll_add)"
    polls, _ = thread_of(zoo, "poll for some time")
    assert call_words.told(polls) == "poll(1 descriptor, 300.5 s)"


def test_every_thread_of_the_process_is_seen_asleep(zoo: Zoo) -> None:
    tids = {int(name) for name in os.listdir(f"/proc/{zoo.pid}/task")}
    assert {thread.tid for thread in zoo.threads.blocked} == tids
    assert zoo.threads[1:] == (0, False, False, False)


def test_looks_wake_nobody_and_change_nothing(zoo: Zoo) -> None:
    before = threads_of(zoo.pid)
    for _ in range(20):
        threads_of(zoo.pid)
    after = threads_of(zoo.pid)
    assert [thread._replace(left_s=None) for thread in after.blocked] == [
        thread._replace(left_s=None) for thread in before.blocked
    ]
    assert slept_on(zoo.pid, before.blocked) == {thread.tid for thread in before.blocked}


def test_without_memory_lists_stay_unknown_and_registers_are_told(zoo: Zoo) -> None:
    blind = threads_of(zoo.pid, reads_memory=False)
    told = {thread.tid: thread for thread in blind.blocked}
    for kind in ("poll", "select", "semop", "sigwait", "several words", "a FIFO without a writer"):
        tid = zoo.facts[kind][0]
        if tid is not None:
            assert not told[tid].is_complete, kind
    for kind in ("read of an empty pipe", "msgrcv", "flock", "wait for a child"):
        thread, _ = thread_of(zoo, kind)
        assert (told[thread.tid].targets, told[thread.tid].is_complete) == (thread.targets, True)
    (word,) = told[zoo.facts["mutex"][0]].targets
    assert (word.kind, word.owner_tid) == ("futex", None)


def test_who_has_no_time_left_to_look_says_so(zoo: Zoo) -> None:
    told = blocked_threads("/proc", zoo.pid, starttime(zoo.pid), time.monotonic() - 1)
    assert told == Threads((), 0, False, False, True)


def test_another_process_with_the_same_pid_is_not_taken_for_it(zoo: Zoo) -> None:
    other = starttime(zoo.pid) + 1
    assert not blocked_threads("/proc", zoo.pid, other, time.monotonic() + 10).blocked
    assert not still_blocked("/proc", zoo.pid, other, zoo.threads.blocked, time.monotonic() + 10)


TWO_PIPES = """
r1, w1 = os.pipe(); r2, w2 = os.pipe()
other = os.fork()
if not other:
    LIBC.prctl(1, 9, 0, 0, 0); os.close(w2); os.close(r1); os.read(r2, 1); os.write(w1, b"x"); os._exit(0)
os.close(w1); os.close(r2); say(other, r1); os.read(r1, 1); os.write(w2, b"x"); say("out of it"); stay()
"""


def test_two_processes_that_wait_for_each_other_go_on_waiting_under_our_eyes(sleep: Start) -> None:
    subject = sleep(TWO_PIPES)
    other, fd = subject.said
    first = the_sleeper(subject, "read")
    until(lambda: threads_of(other).blocked, "the other one to sleep")
    seen = {pid: threads_of(pid).blocked for pid in (subject.pid, other)}
    for _ in range(100):
        for pid in seen:
            threads_of(pid)
    assert first.targets == (Target("descriptor", fd, "in"),)
    assert {pid: threads_of(pid).blocked for pid in seen} == seen
    assert all(slept_on(pid, threads) == {pid} for pid, threads in seen.items())


def test_who_woke_and_slept_again_in_the_same_place_did_not_sleep_on(sleep: Start) -> None:
    r, w = os.pipe()
    try:
        subject = sleep(
            "r = ARGS[0]; quiet = os.pipe(); found = []\n"
            "def loop(fd):\n"
            "    found.append(threading.get_native_id())\n"
            "    while True: os.read(fd, 1)\n"
            "for fd in (r, quiet[0]): threading.Thread(target=loop, args=(fd,), daemon=True).start()\n"
            "while len(found) < 2: time.sleep(0.001)\n"
            "say(r, quiet[0]); stay()",
            r,
            pass_fds=[r],
        )
        fds = subject.said

        def both() -> dict[int, Blocked]:
            reads = [thread for thread in threads_of(subject.pid).blocked if thread.call == "read"]
            found = {thread.arguments[0]: thread for thread in reads if thread.arguments[0] in fds}
            return found if len(found) == 2 else {}

        before = until(both, "both threads to sleep")
        os.write(w, b"x")
        after = until(lambda: (now := both()) and now[r].switches != before[r].switches and now, "it to sleep again")
        assert isinstance(after, dict)
        assert [(now[r].call, now[r].sp, now[r].pc, now[r].targets) for now in (before, after)].count(
            ("read", before[r].sp, before[r].pc, (Target("descriptor", r, "in"),))
        ) == 2
        assert slept_on(subject.pid, tuple(before.values())) == {before[fds[1]].tid}
        assert slept_on(subject.pid, tuple(after.values())) == {thread.tid for thread in after.values()}
    finally:
        os.close(r)
        os.close(w)


def test_of_a_point_in_time_what_is_left_is_told(sleep: Start) -> None:
    thread = the_sleeper(sleep("say(); time.sleep(300)"), "clock_nanosleep")
    assert (thread.targets, thread.is_complete, thread.has_timeout, thread.timeout_s) == ((), True, True, None)
    assert thread.left_s is not None
    assert 270 < thread.left_s <= 300


def test_what_is_left_of_a_wait_on_a_lock_is_told_by_the_wall_clock(sleep: Start) -> None:
    code = (
        "m = ctypes.create_string_buffer(64); LIBC.pthread_mutex_lock(m); say()\n"
        "LIBC.pthread_mutex_timedlock(m, struct.pack('=qq', int(time.time()) + 300, 0))"
    )
    thread = the_sleeper(sleep(code), "futex")
    (word,) = thread.targets
    assert (word.owner_tid, word.owner_thread, word.owner_by, thread.has_timeout) == (*[thread.tid] * 2, "mutex", True)
    assert thread.left_s is not None
    assert 270 < thread.left_s <= 300


def test_in_another_time_namespace_nothing_is_told_of_what_is_left(root: None, sleep: Start) -> None:
    if not os.path.exists("/proc/self/ns/time"):
        pytest.skip("this kernel has no time namespaces")
    command = ["unshare", "--time", "--monotonic", "100000", "--fork", "--kill-child"]
    subject = sleep("say(os.getpid()); time.sleep(300)", command=command)
    (pid,) = subject.said
    until(lambda: threads_of(pid).blocked, "it to sleep")
    (thread,) = threads_of(pid).blocked
    assert (thread.call, thread.has_timeout, thread.left_s) == ("clock_nanosleep", True, None)


RESUMED = {
    "poll": ("p = select.poll(); p.register(r, 1); p.poll(300500)", (True, 300.5), [Target("descriptor", 3, "in")]),
    "nanosleep": ("LIBC.nanosleep(struct.pack('=qq', 300, 0), None)", (True, None), []),
    "futex": (
        "LIBC.syscall(dict(x86_64=202, aarch64=98)[os.uname().machine], m, 128, 0, struct.pack('=qq', 300, 0))",
        (True, 300.0),
        [Target("futex", is_shared=False)],
    ),
}


@pytest.mark.parametrize("call", RESUMED)
def test_a_call_that_goes_on_after_a_stop_is_known_by_the_kernel_function(sleep: Start, call: str) -> None:
    code, limit, targets = RESUMED[call]
    subject = sleep(f"r, w = os.pipe(); m = ctypes.create_string_buffer(8); say(r); {code}")
    assert subject.said == [3]
    until(lambda: kernel_state(subject.pid) == "S" and threads_of(subject.pid).blocked, "it to sleep")
    os.kill(subject.pid, signal.SIGSTOP)
    until(lambda: kernel_state(subject.pid) == "T", "it to stop")
    (stopped,) = threads_of(subject.pid).blocked
    os.kill(subject.pid, signal.SIGCONT)
    until(lambda: kernel_state(subject.pid) == "S", "it to sleep on")
    thread = the_sleeper(subject, call)
    assert stopped.state == "T"
    assert thread.number in (219, 128)
    assert [target._replace(address=None) for target in thread.targets] == targets
    assert (thread.has_timeout, thread.timeout_s) == limit


def test_who_runs_is_counted_and_not_called_asleep(sleep: Start) -> None:
    subject = sleep("say()\nwhile True: pass")
    told = until(lambda: (now := threads_of(subject.pid)).running and now, "it to run")
    assert isinstance(told, Threads)
    assert (told.blocked, told.running, told.refused) == ((), 1, False)


def test_a_parent_waits_for_the_program_that_its_child_has_yet_to_start(sleep: Start, directory: Path) -> None:
    os.mkfifo(directory / "fifo")
    subject = sleep(
        "say(); os.posix_spawn('/bin/true', ['true'], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 0, ARGS[0], 0, 0)])",
        str(directory / "fifo"),
    )
    try:
        parent = the_sleeper(subject, "clone", "clone3", "vfork")
        (child,) = (int(pid) for pid in Path(f"/proc/{subject.pid}/task/{subject.pid}/children").read_text().split())
        (opening,) = until(lambda: threads_of(child).blocked, "the child to open the FIFO")
        assert (parent.targets, parent.is_complete, parent.has_timeout) == ((Target("child"),), True, False)
        assert opening.targets == (Target("path", direction="in", path=str(directory / "fifo")),)
    finally:
        os.close(os.open(directory / "fifo", os.O_RDWR))


def test_threads_of_a_process_whose_first_one_ended_are_read(sleep: Start) -> None:
    subject = sleep(
        "r, w = os.pipe(); p = select.poll(); p.register(r, 1)\n"
        "threading.Thread(target=p.poll).start(); say(r)\n"
        "LIBC.syscall(dict(x86_64=60, aarch64=93)[os.uname().machine], 0)"
    )
    until(lambda: kernel_state(subject.pid) == "Z", "the first thread to end")
    thread = the_sleeper(subject, "poll")
    assert thread.targets == (Target("descriptor", subject.said[0], "in"),)


def test_an_owner_in_a_nested_pid_namespace_is_the_thread_that_we_see(root: None, sleep: Start) -> None:
    code = (
        "m = ctypes.create_string_buffer(64); LIBC.pthread_mutex_lock(m)\n"
        "threading.Thread(target=LIBC.pthread_mutex_lock, args=(m,), daemon=True).start(); say(os.getpid()); stay()"
    )
    subject = sleep(code, command=["unshare", "--pid", "--fork", "--kill-child"])
    (pid,) = (int(pid) for pid in Path(f"/proc/{subject.pid}/task/{subject.pid}/children").read_text().split())

    def waiting() -> Blocked | None:
        return next((thread for thread in threads_of(pid).blocked if thread.call == "futex"), None)

    thread = until(waiting, "the thread to wait for the mutex")
    assert thread is not None
    (word,) = thread.targets
    assert subject.said == [1]
    assert (word.owner_tid, word.owner_thread, word.owner_by) == (1, pid, "mutex")
    assert threads_of(pid).is_nested


LOOKS = """
import json, os, time
from ipcinspect.kernel import procfs
from ipcinspect.kernel.waiting import blocked_threads
told = []
for pid in {pids}:
    process = procfs.open_process("/proc", pid)
    started = procfs.parse_stat(procfs.read_file(process, "stat")).starttime
    threads = blocked_threads("/proc", pid, started, time.monotonic() + 10)
    told.append([threads.refused, [[one.call, [target.fd for target in one.targets]] for one in threads.blocked]])
print(json.dumps(dict(told=told)))
"""


def test_an_ordinary_user_is_told_of_his_own_processes_and_refused_others(root: None, sleep: Start) -> None:
    code = "r, w = os.pipe(); say(r); p = select.poll(); p.register(r, 1); p.poll()"
    own, other = sleep(code, command=NOBODY), sleep(code)
    for subject in (own, other):
        the_sleeper(subject, "poll")
    found = looks(NOBODY, LOOKS.format(pids=[own.pid, other.pid]))
    assert found["told"] == [[False, [["poll", own.said]]], [True, []]]


def test_a_thread_that_ended_may_have_begun_another_which_counts_as_running(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where each thread starts the next and ends: the list of the look has only those who are gone."""
    before = threads_of(zoo.pid)
    real = calls.threads
    lists = iter((lambda process: [*real(process)[1:], 1 << 22], real))
    monkeypatch.setattr(calls, "threads", lambda process: next(lists)(process))
    after = threads_of(zoo.pid)
    assert after.running == before.running + 1
