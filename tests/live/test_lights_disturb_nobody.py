"""Whoever is watched, and whoever watches too, goes on as if we did not; also when we are stopped meanwhile."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.conftest import Start
from tests.live.lights import BOTH, Pipe, instances, watched
from tests.live.subjects import WITHIN_S, asleep_in, kernel_state, until
from tests.live.test_disturbs_nobody import IN_TIME_S, READS_TO_THE_END, WRITES_FOR_GOOD, Watcher

LIBC = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe of the test."""
    with contextlib.closing(Pipe()) as pipe:
        yield pipe


def test_another_program_s_watch_goes_on_undisturbed(pipe: Pipe) -> None:
    source = LiveSource()
    theirs = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    watch = LIBC.inotify_add_watch(theirs, f"/proc/self/fd/{pipe.r}".encode(), 0x2 | 0x8)
    try:
        before = Path(f"/proc/self/fdinfo/{theirs}").read_text()
        watched(source, pipe), watched(source, pipe)
        assert Path(f"/proc/self/fdinfo/{theirs}").read_text() == before
        os.write(pipe.w, b"x")
        os.read(pipe.r, 1)
        assert watched(source, pipe).lights == {pipe.key: BOTH}
        source.take(Want())
        os.close(pipe.w)
        pipe.w = -1
        events = [row[:2] for row in struct.iter_unpack("=iIII", os.read(theirs, 4096))]
        assert events == [(watch, 0x2), (watch, 0x8)]
    finally:
        os.close(theirs)


@pytest.fixture(params=["looking", "stopped"])
def watching(request: pytest.FixtureRequest) -> Iterator[tuple[Watcher, bool]]:
    """A program that watches every pipe of the test; and whether it is to be stopped while it does."""
    watching = Watcher()
    yield watching, request.param == "stopped"
    with contextlib.suppress(ProcessLookupError):
        watching.process.send_signal(signal.SIGCONT)
    watching.close()


def _wait_for_the_watch(watching: tuple[Watcher, bool], number: int) -> None:
    watcher, is_stopped = watching
    pid = watcher.process.pid
    until(lambda: any(f"ino:{number:x} " in fdinfo for fdinfo in instances(pid)), "the pipe to be watched")
    until(lambda: not _holds(pid, number), "a moment in which it has not borrowed the pipe")
    while is_stopped and (kernel_state(pid) != "T" or _holds(pid, number)):
        watcher.process.send_signal(signal.SIGCONT)  # SIGSTOP cannot be held off while it borrows
        watcher.process.send_signal(signal.SIGSTOP)
        until(lambda: kernel_state(pid) == "T", "the stop")


def _holds(pid: int, number: int) -> bool:
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/{pid}/fd/{fd}") == f"pipe:[{number}]":
                return True
    return False


def test_the_reader_of_a_watched_pipe_gets_its_end_of_file_in_time(
    watching: tuple[Watcher, bool], start: Start, pipe: Pipe
) -> None:
    reader = start(READS_TO_THE_END, pipe.r, pass_fds=[pipe.r], waits=False)
    writer = start(WRITES_FOR_GOOD, pipe.w, True, pass_fds=[pipe.w])
    fdinfo = Path(f"/proc/{writer.pid}/fdinfo/{pipe.w}")
    before = fdinfo.read_text()
    pipe.close()
    _wait_for_the_watch(watching, pipe.key.number)
    assert fdinfo.read_text() == before, "its flags are its own"
    died = time.monotonic()
    writer.process.kill()
    writer.process.wait()
    assert reader.hear()[0] - died < IN_TIME_S


def test_the_writer_of_a_watched_pipe_gets_its_signal_in_time(
    watching: tuple[Watcher, bool], start: Start, pipe: Pipe
) -> None:
    reader = start("say(); stay()", pass_fds=[pipe.r])
    writer = start(WRITES_FOR_GOOD, pipe.w, False, pass_fds=[pipe.w])
    pipe.close()
    until(lambda: asleep_in(writer.pid, "pipe"), "the writer to block")
    _wait_for_the_watch(watching, pipe.key.number)
    died = time.monotonic()
    reader.process.kill()
    assert writer.process.wait(WITHIN_S) == -signal.SIGPIPE
    assert time.monotonic() - died < IN_TIME_S + 0.1


TALKS = """
say()
r, w = ARGS
for _ in range(order()):
    os.write(w, b"x"); os.read(r, 1)
say()
stay()
"""


def test_nobody_waits_for_a_watcher_that_is_stopped(watching: tuple[Watcher, bool], start: Start, pipe: Pipe) -> None:
    """Its queue is full long before the end; what comes then is dropped."""
    subject = start(TALKS, pipe.r, pipe.w, pass_fds=[pipe.r, pipe.w])
    pipe.close()
    _wait_for_the_watch(watching, pipe.key.number)
    assert subject.ask(40_000) == []
