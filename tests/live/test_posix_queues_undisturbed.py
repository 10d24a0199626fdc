"""POSIX message queues that are looked at: nobody wakes, no message goes, no registration ends, nothing is left."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

import pytest

from ipcinspect.kernel import mq_transfer, mqueue
from tests.live.conftest import Start
from tests.live.posix_queues import (
    IN_A_NAMESPACE,
    QUEUES,
    Names,
    named,
    queue_of,
    queues,
)
from tests.live.subjects import asleep_in, context_switches, field, look, until
from tests.live.test_without_privilege import nobody

__all__ = ["named", "nobody"]
"""Fixtures that pytest finds here by name."""


def test_looking_leaves_no_mount_no_descriptor_and_no_queue_behind(root: None, start: Start, named: Names) -> None:
    start(QUEUES + "queue = opened(ARGS[0]); say(); stay()", named("there"), command=IN_A_NAMESPACE)
    look()

    def ours() -> tuple[str, list[str], list[str]]:
        listing = mqueue.listed({}, time.monotonic() + 5)
        mine = [row.name for row in listing.files if f"-{os.getpid()}-" in row.name]
        return Path("/proc/self/mountinfo").read_text(), os.listdir("/proc/self/fd"), mine

    before = ours()
    for _ in range(10):
        look()
    assert ours() == before
    assert mqueue.found_by_name(named("never made")[1:], (1, 1)) is None
    assert ours() == before, "asking for a name makes no queue"


ONE_NAMESPACE_AT_A_TIME = """
with open("/proc/sys/user/max_ipc_namespaces", "w") as limit: limit.write("1")
def child():
    pid = os.fork()
    if pid: return pid
    LIBC.prctl(1, signal.SIGKILL)
    code = 0 if LIBC.unshare(0x08000000) == 0 else ctypes.get_errno()
    if not code: opened(ARGS[0])
    os.write(w, bytes([code]))
    signal.pause()
r, w = os.pipe()
say()
while True:
    order()
    pid = child()
    say(os.read(r, 1)[0], pid)
    order()
    os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
    say()
"""


def test_a_dead_namespace_is_not_kept_alive_by_looking(root: None, start: Start, named: Names) -> None:
    """A user namespace that may have one IPC namespace: the next is refused (ENOSPC) until the first is gone."""
    name = named("short-lived")
    subject = start(QUEUES + ONE_NAMESPACE_AT_A_TIME, name, command=("unshare", "--user", "--map-root-user"))
    for _ in range(3):
        failed = 1

        def enters() -> bool:
            nonlocal failed
            failed, _ = subject.ask()
            if failed:
                subject.ask()
            return not failed

        until(enters, "the namespace before to be gone")
        assert queue_of(look(), name)
        assert not subject.ask()
        assert not queues(look(), name)


def test_a_full_queue_is_full_and_its_sender_goes_on_waiting(start: Start, named: Names) -> None:
    name = named("full")
    code = """
queue = opened(ARGS[0], maxmsg=2)
send(queue, b""); send(queue, b"12345678")
say(); order()
send(queue, b"late"); say("sent")
stay()
"""
    subject = start(QUEUES + code, name)
    subject.tell()
    until(lambda: asleep_in(subject.pid, "wq_sleep", "mq_timedsend", "do_mq"), "the sender to sleep")
    switches = context_switches(subject.pid)
    for _ in range(20):
        channel = queue_of(look(), name)
        assert (channel.state, channel.fill, channel.queued_messages, channel.queued_bytes) == ("full", 1.0, 2, 8)
    assert context_switches(subject.pid) == switches, "it did not even wake up"
    descriptor = mq_transfer.open_existing(name, os.O_RDONLY)
    assert mq_transfer.receive(descriptor) in (b"", b"12345678")
    os.close(descriptor)
    assert subject.hear() == ["sent"]


def test_a_receiver_that_waits_is_not_woken(start: Start, named: Names) -> None:
    name = named("waits")
    code = "queue = opened(ARGS[0]); say(); order(); say(receive(queue).decode()); stay()"
    subject = start(QUEUES + code, name)
    subject.tell()
    until(lambda: asleep_in(subject.pid, "wq_sleep", "mq_timedreceive", "do_mq"), "the receiver to sleep")
    switches = context_switches(subject.pid)
    for _ in range(20):
        assert queue_of(look(), name).state == "idle"
    assert context_switches(subject.pid) == switches
    descriptor = mq_transfer.open_existing(name, os.O_WRONLY)
    mq_transfer.send(descriptor, b"at last")
    os.close(descriptor)
    assert subject.hear() == ["at last"]


REGISTERS = """
signal.signal(signal.SIGUSR1, lambda *args: say("told"))
queue = opened(ARGS[0])
event = Event(None, signal.SIGUSR1, ARGS[1])
checked(LIBC.mq_notify(queue, ctypes.byref(event)))
say(os.getpid())
stay()
"""


def test_who_is_registered_stays_registered_after_fifty_looks(start: Start, named: Names) -> None:
    name = named("registered")
    subject = start(QUEUES + REGISTERS, name, 0)
    for _ in range(50):
        channel = queue_of(look(), name)
        assert field(channel, "notify_pid") == subject.pid
    assert (field(channel, "notifies"), field(channel, "notify_signal")) == ("signal", int(signal.SIGUSR1))
    descriptor = mq_transfer.open_existing(name, os.O_WRONLY)
    mq_transfer.send(descriptor, b"news")
    os.close(descriptor)
    assert subject.hear() == ["told"]
    after = queue_of(look(), name)
    assert (field(after, "notifies"), field(after, "notify_pid"), after.queued_messages) == ("nobody", None, 1)


def test_who_wants_no_announcement_is_told_too(start: Start, named: Names) -> None:
    subject = start(QUEUES + REGISTERS, name := named("silent"), 1)
    channel = queue_of(look(), name)
    assert (field(channel, "notifies"), field(channel, "notify_pid")) == ("nothing", subject.pid)
    assert field(channel, "notify_signal") is None


class Event(ctypes.Structure):
    """struct sigevent."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_char * 48),
    )


@pytest.mark.parametrize("mode", [os.O_RDWR, os.O_WRONLY])
def test_a_registration_of_the_looking_process_itself_survives(named: Names, mode: int) -> None:
    """Closing any descriptor of a queue ends what its closer registered: of our own queues none may be closed."""
    name = named("ours")
    mq_transfer.create(name, 3, 16)
    descriptor = mq_transfer.open_existing(name, mode)
    reader = mq_transfer.open_existing(name, os.O_RDONLY)
    event = Event(None, int(signal.SIGURG), 1)
    try:
        assert ctypes.CDLL(None).mq_notify(descriptor, ctypes.byref(event)) == 0
        for _ in range(5):
            assert queue_of(look(), name).state == "idle"
        assert f"NOTIFY_PID:{os.getpid()} ".encode() in os.pread(reader, 200, 0)
        mq_transfer.unlink(name)
        assert queue_of(look(), name).state == "marked-for-deletion"
        assert f"NOTIFY_PID:{os.getpid()} ".encode() in os.pread(reader, 200, 0)
    finally:
        os.close(descriptor)
        os.close(reader)


def test_messages_and_the_time_of_the_last_one_stay(start: Start, named: Names) -> None:
    """The times of access and change do move: nothing but reading the file tells bytes and registration."""
    name = named("kept")
    code = """
queue = opened(ARGS[0])
for priority, text in ((1, b"low"), (9, b"high"), (9, b"second")): send(queue, text, priority)
say(os.fstat(queue).st_mtime_ns)
order()
say(os.fstat(queue).st_mtime_ns, [receive(queue).decode() for _ in range(3)])
stay()
"""
    subject = start(QUEUES + code, name)
    (sent_at,) = subject.said
    begun = time.time()
    until(lambda: queue_of(look(), name) and time.time() > begun + 1.5, "a second to pass")
    channel = queue_of(look(), name)
    assert field(channel, "last_transfer") == sent_at / 1e9
    assert subject.ask() == [sent_at, ["high", "second", "low"]]
