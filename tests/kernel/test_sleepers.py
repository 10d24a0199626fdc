"""Which sleeping threads may hold a pipe's lock: the texts of /proc/PID/syscall, and real threads."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcinspect.kernel import sleepers
from ipcinspect.kernel.descriptors import PipeEnd
from ipcinspect.kernel.sleepers import is_given, may_work_on, odd_sleepers
from ipcinspect.mechanisms.loans import Loans
from tests import fakes
from tests.live.subjects import until

STACK = b"0x7fffbaa3d388 0x7efe40d16350"
WRITE_TO_6 = b"1 0x6 0x7efe41540000 0x64 0x1 0x0 0x0 " + STACK
SPLICE_3_TO_6 = b"275 0x3 0x0 0x6 0x0 0x1000 0x0 " + STACK
ACCEPT_ON_6 = b"288 0x6 0x0 0x0 0x80000 0x0 0x0 " + STACK
SEND_WITH_FLAG_6 = b"44 0x4 0x7f0000000000 0x6 0x0 0x0 0x0 " + STACK
OF_32_BITS = b"4 0x6 0xff000000 0x64 0x0 0x0 0x0 0xffa01000 0xf7f01000"


@pytest.mark.parametrize(
    ("text", "fd", "machine", "answer"),
    [
        (WRITE_TO_6, 6, "x86_64", True),
        (WRITE_TO_6, 7, "x86_64", False),
        (WRITE_TO_6, 1, "x86_64", False),
        (SPLICE_3_TO_6, 6, "x86_64", True),
        (SPLICE_3_TO_6, 3, "x86_64", True),
        (ACCEPT_ON_6, 6, "x86_64", False),
        (SEND_WITH_FLAG_6, 6, "x86_64", False),
        (WRITE_TO_6.replace(b"1 ", b"64 ", 1), 6, "aarch64", True),
        *((WRITE_TO_6.replace(b"1 ", b"%d " % call, 1), 6, "x86_64", True) for call in (44, 45, 46, 47, 299, 307)),
        *((WRITE_TO_6.replace(b"1 ", b"%d " % call, 1), 6, "aarch64", True) for call in (206, 207, 211, 212, 243, 269)),
        (WRITE_TO_6, 6, "riscv64", True),
        (OF_32_BITS, 6, "x86_64", True),
        (b"running", 6, "x86_64", False),
        (b"-1 " + STACK, 6, "x86_64", False),
        (b"", 6, "x86_64", False),
    ],
)
def test_a_call_is_at_work_on_the_descriptors_that_it_copies_through(
    text: bytes, fd: int, machine: str, answer: bool
) -> None:
    assert is_given(text, fd, machine) is answer


@given(st.binary(max_size=200))
def test_any_text_is_answered(text: bytes) -> None:
    assert is_given(text, 6, "x86_64") in (True, False)


@pytest.fixture
def reader() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for input in read(2)."""
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    yield process
    process.kill()
    process.communicate()


def test_a_reader_that_waits_for_data_is_no_odd_sleeper(reader: subprocess.Popen[bytes]) -> None:
    until(lambda: b"S" in _stat(reader.pid), "the reader to sleep")
    assert odd_sleepers("/proc", reader.pid, True) == []
    assert odd_sleepers("/proc", reader.pid, False) == []


def test_a_process_that_is_gone_works_on_nothing() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert odd_sleepers("/proc", gone.pid, False) == []
    assert may_work_on("/proc", gone.pid, gone.pid, 0) is False


def _stat(pid: int) -> list[bytes]:
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[:1]


def test_our_own_running_thread_works_on_nothing() -> None:
    assert may_work_on("/proc", os.getpid(), os.getpid(), 0) is False


def test_many_threads_and_many_pipes_are_asked_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool of 400 threads and 300 pipes in one process took seconds: every pipe asked every thread."""
    threads, pipes = list(range(1, 401)), 300
    asked: list[int] = []

    def worked_on(root: str, pid: int, some: Iterable[int]) -> dict[int | None, list[int]]:
        asked.extend(some)
        return {}

    monkeypatch.setattr(sleepers, "odd_sleepers", lambda *_: threads)
    monkeypatch.setattr(sleepers, "worked_on", worked_on)
    loans = Loans("/proc", [], True)
    holder = fakes.process(os.getpid())
    for fd in range(pipes):
        assert not loans.is_locked([(holder, PipeEnd(fd, 100 + fd, True, False))])
    assert asked == threads


def test_a_thread_at_work_on_a_descriptor_is_known_by_it() -> None:
    reader, writer = os.pipe()
    thread = threading.Thread(target=os.read, args=(reader, 1))
    thread.start()
    try:
        tid = thread.native_id
        assert tid is not None
        until(lambda: tid in sleepers.worked_on("/proc", os.getpid(), [tid]).get(reader, []), "it sleeps in read")
        assert sleepers.worked_on("/proc", os.getpid(), [tid]) == {reader: [tid]}
    finally:
        os.write(writer, b"x")
        thread.join()
        os.close(reader)
        os.close(writer)
