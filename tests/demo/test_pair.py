"""A pair answers in time or says that it did not, and tells the kernel's own errors."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ipcinspect.demo import DemoError, DemoPair
from ipcinspect.mechanisms import fifo, pipe, sysv_shm, tcp, unix


def test_processes_have_telling_names() -> None:
    with DemoPair.start(pipe) as pair:
        comms = [Path(f"/proc/{pid}/comm").read_text() for pid in (pair.sender_pid, pair.receiver_pid)]
        words = Path(f"/proc/{pair.sender_pid}/cmdline").read_bytes().split(b"\0")
    assert comms == ["demo-sender\n", "demo-receiver\n"]
    assert words[-3:-1] == [b"pipe", b"pipe"]


def test_several_transfers_arrive_in_order() -> None:
    with DemoPair.start(unix, "seqpacket") as pair:
        pair.open()
        for payload in (b"one", b"two", b"three"):
            pair.send(payload)
        assert [pair.receive() for _ in range(3)] == [b"one", b"two", b"three"]


def test_memory_brings_the_newest_of_each_turn() -> None:
    with DemoPair.start(sysv_shm) as pair:
        pair.open()
        for payload in (b"one", b"two"):
            pair.send(payload)
            assert pair.receive() == payload


def test_a_transfer_larger_than_the_channel_waits_for_the_receiver() -> None:
    payload = bytes(range(256)) * 1024
    with DemoPair.start(pipe) as pair:
        pair.open()
        pair.begin_send(payload)
        assert pair.receive() == payload
        pair.finish_send()


def test_send_without_a_reader_raises_what_the_kernel_said() -> None:
    with DemoPair.start(pipe) as pair:
        pair.open()
        pair.kill_receiver()
        with pytest.raises(BrokenPipeError):
            pair.send(b"x")


def test_what_does_not_fit_raises_what_the_kernel_said() -> None:
    with DemoPair.start(sysv_shm) as pair:
        pair.open()
        with pytest.raises(OSError, match="too long"):
            pair.send(b"x" * 100_000)


def test_receiver_of_a_dead_sender_gets_the_end() -> None:
    with DemoPair.start(tcp) as pair:
        pair.open()
        pair.send(b"last")
        pair.kill_sender()
        assert pair.receive() == b"last"


def test_a_process_that_does_not_answer_is_an_error_in_time() -> None:
    with DemoPair.start(pipe, answers_within_s=2.0) as pair:
        pair.open()
        start = time.monotonic()
        with pytest.raises(DemoError, match=r"demo-sender \(pid \d+\) did not answer to send within 2 s"):
            pair.send(b"x" * 1_000_000)
        assert 1.9 < time.monotonic() - start < 15


def test_a_process_that_died_is_an_error_at_once() -> None:
    with DemoPair.start(fifo) as pair:
        pair.kill_sender()
        start = time.monotonic()
        with pytest.raises(DemoError, match=r"demo-sender .* ended before it answered to open"):
            pair.open()
        assert time.monotonic() - start < 5


def test_a_misused_half_says_what_is_wrong() -> None:
    with DemoPair.start(sysv_shm) as pair, pytest.raises(DemoError, match=r"failed to send: .*before open"):
        pair.send(b"x")


def test_what_the_kernel_refuses_is_told_and_leaves_no_name(tmp_path: Path) -> None:
    too_deep = tmp_path / ("d" * 100)
    too_deep.mkdir()
    with pytest.raises(OSError, match="AF_UNIX path too long"):
        DemoPair.start(unix, "stream", below=str(too_deep))
    assert list(too_deep.iterdir()) == []


def test_who_is_alive_is_heard_though_the_other_was_killed() -> None:
    heard: list[tuple[str, str]] = []
    with DemoPair.start(pipe, hear=lambda side, report: heard.append((side, report.result or "begun"))) as pair:
        pair.open()
        pair.kill_sender()
        pair.begin_receive(1)
        deadline = time.monotonic() + 5
        while ("b", "0, end of file") not in heard and time.monotonic() < deadline:
            pair.listen(0.1)
    assert ("b", "0, end of file") in heard
