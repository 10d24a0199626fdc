"""Each half reports the calls that it makes, sleeps and is woken as its terms say, and answers where it can."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from collections.abc import Callable

import pytest

from ipcinspect.demo import DemoPair
from ipcinspect.demo.limits import Machine, at_once, longest
from ipcinspect.demo.plan import Plan
from ipcinspect.mechanisms import MECHANISMS
from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.mechanisms.room import Demo, Room

ROOMS = {room.NAME: room for room in MECHANISMS if room.DEMO is not None}
_WITHIN_S = 5.0

Heard = list[tuple[str, Report]]

CALLS = {
    "pipe": {"pipe2", "write", "read", "close"},
    "fifo": {"mknod", "open", "write", "read", "close"},
    "unix": {"socket", "fchmod", "bind", "listen", "connect", "accept4", "send", "recv", "close"},
    "tcp": {"socket", "bind", "listen", "connect", "accept4", "send", "recv", "close"},
    "udp": {"socket", "bind", "connect", "send", "recv", "close"},
    "posix-mq": {"mq_open", "mq_send", "mq_receive", "mq_close"},
    "pty": {"openpty", "tcsetattr", "write", "read", "close"},
    "eventfd": {"eventfd2", "write", "read", "close"},
    "sysv-msg": {"msgget", "msgsnd", "msgrcv"},
    "sysv-sem": {"semget", "semop"},
    "sysv-shm": {"shmget", "shmat", "store", "load", "shmdt"},
    "posix-shm": {"open", "ftruncate", "mmap", "close", "store", "load", "munmap"},
    "posix-sem": {"sem_open", "sem_post", "sem_wait", "sem_close"},
    "memfd": {"memfd_create", "ftruncate", "dup", "mmap", "close", "store", "load", "munmap"},
    "shared-anon": {"mmap", "store", "load", "munmap"},
    "mmap": {"open", "ftruncate", "mmap", "close", "store", "load", "munmap"},
}
"""By mechanism, what one transfer has to show beside the forks."""


def demo_of(room: Room) -> Demo:
    assert room.DEMO is not None
    return room.DEMO


def cases(possible: Callable[[Demo], tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(name, word) for name, room in ROOMS.items() for word in possible(demo_of(room))]


def sleeps(pid: int) -> bool:
    """Whether the first thread of a process sleeps in a call."""
    with open(f"/proc/{pid}/syscall") as file:
        return file.read().split()[0].isdigit()


def waits(pair: DemoPair, heard: Heard) -> bool:
    """Whether the receiver said that it began a call, not that it returned; and the kernel shows it asleep."""
    pair.listen(0.01)
    said = [report for side, report in heard if side == "b"]
    return bool(said) and said[-1].took_s is None and sleeps(pair.receiver_pid)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def refusal_of(pair: DemoPair, payload: bytes, times: int) -> int | None:
    """The errno that the sender gets at last, if it is sent so often."""
    try:
        for _ in range(times):
            pair.send(payload)
    except OSError as error:
        return error.errno
    return None


@pytest.mark.parametrize("name", CALLS)
def test_every_call_of_a_transfer_is_reported_begun_and_done(name: str) -> None:
    heard: Heard = []
    with DemoPair.start(ROOMS[name], hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        pair.send(b"some bytes")
        pair.receive()
        pair.close_sender()
        pair.close_receiver()
    done = [report for _, report in heard if report.took_s is not None]
    begun = [report for _, report in heard if report.took_s is None]
    assert {report.call for report in done} - {"fork"} == CALLS[name]
    assert all(report.result is not None and report.errno is None for report in done)
    assert all(report.took_s is not None and report.took_s >= 0 for report in done)
    told = [(one.began_at, one.call, one.args) for one in done if one.call != "fork"]
    assert sorted((one.began_at, one.call, one.args) for one in begun) == sorted(told)
    assert [(side, report.about) for side, report in heard if report.call == "fork"] == [("maker", "")] * 2
    assert {report.about for _, report in heard if report.call != "fork"} == {"forth"}


def test_each_call_tells_to_which_of_the_two_channels_it_was_done() -> None:
    heard: Heard = []
    plan = Plan("pipe", notification="poll", response="second")
    with DemoPair.start(ROOMS["pipe"], plan, hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        pair.send(b"four")
        pair.begin_wait()
        pair.finish_wait()
        pair.receive()
        pair.begin_answer(b"back")
        pair.begin_take_answer(4)
        pair.finish_answer()
        assert pair.finish_take_answer() == b"back"
        pair.close_sender()
        pair.close_receiver()
    done = [(side, report) for side, report in heard if report.took_s is not None]
    made = {report.about: report.result for side, report in done if report.call == "pipe2"}
    ends = {way: set(map(int, (result or "").strip("[]").split(", "))) for way, result in made.items()}
    assert set(ends) == {"forth", "back"}
    for side, report in done:
        if side != "maker" and report.call in ("read", "write", "close"):
            assert int(report.args[0]) in ends[report.about], report
    assert {(side, report.about) for side, report in done if report.call in ("read", "poll")} == {
        ("b", "forth"), ("a", "back"),
    }  # fmt: skip


@pytest.mark.parametrize(("name", "how"), [case for case in cases(lambda demo: demo.notifications) if case[0] in CALLS])
def test_a_receiver_sleeps_until_it_is_told(name: str, how: str) -> None:
    heard: Heard = []
    plan = Plan(name, notification=how, response="second")
    with DemoPair.start(ROOMS[name], plan, hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        if how == "read":
            pair.begin_receive(4)
        else:
            pair.begin_wait()
        until(lambda: waits(pair, heard))
        sent_at = time.monotonic()
        pair.send(b"four")
        if how != "read":
            told = pair.finish_wait()
            assert (told.how, told.slept) == (how, True)
            assert told.woken_at is not None
            assert told.woken_at >= sent_at
            pair.begin_receive(4)
        assert pair.finish_receive() == (b"four" if demo_of(ROOMS[name]).carries_payload else b"")


@pytest.mark.parametrize(("name", "how"), cases(lambda demo: tuple(w for w in demo.notifications if w != "read")))
def test_a_receiver_that_comes_late_is_told_at_once(name: str, how: str) -> None:
    with DemoPair.start(ROOMS[name], Plan(name, notification=how, response="second")) as pair:
        pair.open()
        pair.send(b"four")
        pair.begin_wait()
        assert not pair.finish_wait().slept
        pair.begin_receive(4)
        pair.finish_receive()


@pytest.mark.parametrize("name", [name for name, room in ROOMS.items() if demo_of(room).nonblocking])
def test_a_call_that_would_sleep_answers_eagain_instead(name: str) -> None:
    heard: Heard = []
    plan = Plan(name, blocking=False, response="second", size=1024, messages=4)
    with DemoPair.start(ROOMS[name], plan, hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        pair.begin_receive(1024)
        refusal = "ENOMSG" if name == "sysv-msg" else "EAGAIN"
        with pytest.raises(OSError, match=f"{os.strerror(getattr(errno, refusal))}"):
            pair.finish_receive()
        assert [(side, report.errno) for side, report in heard if report.errno] == [("b", refusal)]


@pytest.mark.parametrize("name", ["pipe", "fifo", "unix", "tcp", "sysv-msg", "posix-mq", "pty"])
def test_a_full_channel_refuses_a_sender_that_does_not_wait(name: str) -> None:
    plan = Plan(name, blocking=False, response="second", size=1024, messages=4)
    with DemoPair.start(ROOMS[name], plan) as pair:
        pair.open()
        assert refusal_of(pair, bytes(1024), 100_000) == errno.EAGAIN


@pytest.mark.parametrize(("name", "response"), cases(lambda demo: demo.responses))
def test_an_answer_comes_back(name: str, response: str) -> None:
    with DemoPair.start(ROOMS[name], Plan(name, notification="read", response=response)) as pair:
        pair.open()
        pair.send(b"question")
        pair.receive()
        pair.begin_take_answer(6)
        pair.begin_answer(b"answer")
        pair.finish_answer()
        assert pair.finish_take_answer() == (b"answer" if demo_of(ROOMS[name]).carries_payload else b"")


@pytest.mark.parametrize("name", ["pipe", "unix", "tcp"])
def test_who_writes_to_nobody_gets_the_kernels_own_error(name: str) -> None:
    heard: Heard = []
    with DemoPair.start(ROOMS[name], hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        pair.kill_receiver()
        # TCP takes what is sent before it hears of the reset
        assert refusal_of(pair, b"to nobody", 3) in (errno.EPIPE, errno.ECONNRESET)
        assert heard[-1][1].errno in ("EPIPE", "ECONNRESET")


def test_the_call_a_receiver_says_it_is_in_is_the_one_the_kernel_shows() -> None:
    with DemoPair.start(ROOMS["posix-mq"], Plan("posix-mq", notification="poll", response="second")) as pair:
        pair.open()
        pair.begin_wait()
        until(lambda: sleeps(pair.receiver_pid))
        with open(f"/proc/{pair.receiver_pid}/syscall") as file:
            number = int(file.read().split()[0])
        assert number in (7, 73, 271), "poll, or ppoll where there is no poll"
        pair.send(b"done")
        pair.finish_wait()


@pytest.mark.parametrize(("name", "how"), cases(lambda demo: tuple(w for w in demo.notifications if w != "read")))
def test_a_receiver_is_told_of_each_message_that_it_waits_for(name: str, how: str) -> None:
    heard: Heard = []
    plan = Plan(name, notification=how, response="second")
    with DemoPair.start(ROOMS[name], plan, hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        for _ in range(3):
            pair.begin_wait()
            until(lambda: waits(pair, heard))
            pair.send(b"four")
            assert pair.finish_wait().slept
            pair.receive()


def test_a_notification_of_earlier_data_is_not_one_of_new_data() -> None:
    heard: Heard = []
    plan = Plan("posix-mq", notification="mq_notify", response="second")
    with DemoPair.start(ROOMS["posix-mq"], plan, hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        pair.send(b"read without waiting")
        pair.receive()
        pair.begin_wait()
        until(lambda: waits(pair, heard) and heard[-1][1].call == "sigwaitinfo")
        pair.send(b"four")
        assert pair.finish_wait().slept


def test_a_signal_that_finds_no_room_in_the_queue_of_signals_wakes_all_the_same() -> None:
    heard: Heard = []
    plan = Plan("pipe", notification="signal", response="second")
    with DemoPair.start(ROOMS["pipe"], plan, hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        pair.begin_wait()
        until(lambda: waits(pair, heard))
        subprocess.run(["prlimit", f"--pid={pair.receiver_pid}", "--sigpending=0"], check=True, timeout=_WITHIN_S)
        pair.send(b"four")
        assert pair.finish_wait().slept


@pytest.mark.parametrize(("how", "told"), [("poll", "1, POLLHUP"), ("epoll", "1, EPOLLHUP")])
def test_a_receiver_that_is_woken_by_the_end_says_so(how: str, told: str) -> None:
    heard: Heard = []
    plan = Plan("pipe", notification=how, response="second")
    with DemoPair.start(ROOMS["pipe"], plan, hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        pair.begin_wait()
        until(lambda: waits(pair, heard))
        pair.kill_sender()
        pair.finish_wait()
        assert heard[-1][1].result == told


@pytest.mark.parametrize(
    ("name", "variant", "comes"),
    [("pipe", "pipe", True), ("fifo", "fifo", True), ("unix", "stream", True), ("unix", "seqpacket", False)],
)
def test_sigpipe_is_told_of_where_the_kernel_sends_it(name: str, variant: str, comes: bool) -> None:
    heard: Heard = []
    plan = Plan(name, variant, notification="read", response="second")
    with DemoPair.start(ROOMS[name], plan, hear=lambda side, report: heard.append((side, report))) as pair:
        pair.open()
        pair.kill_receiver()
        assert refusal_of(pair, b"to nobody", 1) == errno.EPIPE
        assert ("SIGPIPE" in (heard[-1][1].message or "")) == comes


@pytest.mark.parametrize(
    ("name", "variant"), [("unix", "dgram"), ("unix", "seqpacket"), ("udp", "ipv4"), ("udp", "ipv6")]
)
def test_the_longest_message_is_exactly_as_long_as_told(name: str, variant: str) -> None:
    plan = Plan(name, variant, notification="read", response="second")
    with DemoPair.start(ROOMS[name], plan) as pair:
        pair.open()
        most = pair.made.most_bytes
        assert most == longest(name, variant, Machine("/proc")).size
        assert refusal_of(pair, bytes(most), 1) is None
        assert refusal_of(pair, bytes(most + 1), 1) == errno.EMSGSIZE


@pytest.mark.parametrize("variant", ["stream", "abstract", "socketpair"])
def test_a_stream_of_unix_sockets_has_no_longest_message(variant: str) -> None:
    with DemoPair.start(ROOMS["unix"], variant) as pair:
        pair.open()
        assert pair.made.most_bytes is None
        pair.begin_send(bytes(250_000))
        assert len(pair.receive()) == 250_000
        pair.finish_send()
    assert longest("unix", variant, Machine("/proc")).size > 250_000
    assert at_once("unix", variant, 250_000, True, Machine("/proc")).messages == 0
