"""Whatever ends a pair or its runner: no process, no file, no System V object stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from ipcinspect.demo import DemoPair
from ipcinspect.kernel import mq_transfer
from ipcinspect.mechanisms import (
    MECHANISMS,
    fifo,
    mmap,
    pipe,
    posix_mq,
    posix_sem,
    posix_shm,
    shared_anon,
    sysv_msg,
    sysv_sem,
    sysv_shm,
    unix,
)
from ipcinspect.mechanisms.demo_part import Leaving
from ipcinspect.mechanisms.room import Room

ROOT = Path(__file__).parents[2]
SYSV = (sysv_msg, sysv_sem, sysv_shm)
TABLES = {"sysv-msg": "msg", "sysv-sem": "sem", "sysv-shm": "shm"}
ENDS_WITHIN_S = 10.0


class Told(NamedTuple):
    """What a runner says of its pair."""

    pids: tuple[int, ...]
    """Sender, receiver, keeper."""
    leaves: tuple[Leaving, ...]


every_system_v = pytest.mark.parametrize("room", SYSV, ids=lambda room: room.NAME)


def test_an_exception_in_the_block_ends_the_pair(tmp_path: Path) -> None:
    pair = DemoPair.start(fifo, below=str(tmp_path))
    with pytest.raises(ZeroDivisionError), pair:
        raise ZeroDivisionError
    assert_ended(pair.sender_pid, pair.receiver_pid)
    assert list(tmp_path.iterdir()) == []


def test_end_is_safe_twice_and_after_both_died(tmp_path: Path) -> None:
    pair = DemoPair.start(sysv_shm, below=str(tmp_path))
    pair.open()
    pair.kill_sender()
    pair.kill_receiver()
    pair.end()
    pair.end()
    assert list(tmp_path.iterdir()) == []


@every_system_v
def test_a_system_v_object_goes_though_both_were_killed(room: Room) -> None:
    with DemoPair.start(room) as pair:
        number = pair.made.forth.sender_args[0]
        assert number in numbers(room)
        pair.kill_sender()
        pair.kill_receiver()
    assert number not in numbers(room)


def test_a_posix_queue_loses_its_name_though_both_were_killed() -> None:
    with DemoPair.start(posix_mq) as pair:
        pair.open()
        name = pair.made.forth.sender_args[0]
        os.close(mq_transfer.open_existing(name, os.O_RDONLY))
        pair.kill_sender()
        pair.kill_receiver()
    with pytest.raises(FileNotFoundError):
        mq_transfer.open_existing(name, os.O_RDONLY)


def test_a_receiver_asleep_in_the_channel_ends_with_the_pair() -> None:
    with DemoPair.start(pipe) as pair:
        pair.open()
        pair.begin_receive(1)
        start = time.monotonic()
    assert time.monotonic() - start < 3
    assert_ended(pair.sender_pid, pair.receiver_pid)


def test_a_pair_outlives_the_thread_that_started_it() -> None:
    pairs: list[DemoPair] = []
    thread = threading.Thread(target=lambda: pairs.append(DemoPair.start(pipe)))
    thread.start()
    thread.join()
    with pairs[0] as pair:
        pair.open()
        pair.send(b"still here")
        assert pair.receive() == b"still here"


def test_a_runner_that_forgets_the_end_cleans_up_at_its_exit(tmp_path: Path) -> None:
    program = (
        "from ipcinspect.demo import DemoPair\n"
        "from ipcinspect.mechanisms import sysv_msg\n"
        f"pair = DemoPair.start(sysv_msg, below={str(tmp_path)!r})\n"
        "print(pair.sender_pid, pair.receiver_pid, pair.made.forth.sender_args[0])\n"
    )
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    sender, receiver, number = told.stdout.split()
    assert_ended(int(sender), int(receiver))
    assert number not in numbers(sysv_msg)
    assert list(tmp_path.iterdir()) == []


def kill_runner(told: Told, process: subprocess.Popen[str]) -> None:
    process.kill()


def kill_keeper(told: Told, process: subprocess.Popen[str]) -> None:
    """The halves end with it; the names are left to the runner, which lives."""
    os.kill(told.pids[2], signal.SIGKILL)
    assert_ended(*told.pids[:2])
    process.send_signal(signal.SIGTERM)


def kill_a_half(told: Told, process: subprocess.Popen[str]) -> None:
    os.kill(told.pids[0], signal.SIGKILL)
    assert_ended(told.pids[0])
    process.send_signal(signal.SIGTERM)


def stop_a_half(told: Told, process: subprocess.Popen[str]) -> None:
    """It cannot see that all is over."""
    os.kill(told.pids[1], signal.SIGSTOP)
    process.send_signal(signal.SIGTERM)


def stop_both_and_kill_runner(told: Told, process: subprocess.Popen[str]) -> None:
    for pid in told.pids[:2]:
        os.kill(pid, signal.SIGSTOP)
    process.kill()


WAYS = {
    "SIGINT": lambda told, process: process.send_signal(signal.SIGINT),
    "SIGTERM": lambda told, process: process.send_signal(signal.SIGTERM),
    "SIGHUP": lambda told, process: process.send_signal(signal.SIGHUP),
    "SIGKILL": kill_runner,
    "SIGKILL of the keeper": kill_keeper,
    "SIGKILL of a half": kill_a_half,
    "a stopped half": stop_a_half,
    "SIGKILL of the runner of stopped halves": stop_both_and_kill_runner,
}
NAMED = (fifo, unix, sysv_msg, sysv_sem, sysv_shm, posix_mq, posix_shm, posix_sem, mmap)


EVERYWHERE = ("SIGKILL", "SIGKILL of the keeper")
"""Ways that each mechanism with a name is ended in; the others are tried on two of them."""
ENDINGS = [
    pytest.param(room, way, id=f"{room.NAME}: {way}")
    for room in NAMED
    for way in (WAYS if room in (fifo, sysv_msg) else EVERYWHERE)
]


@pytest.mark.parametrize(("room", "way"), ENDINGS)
def test_nothing_stays_however_it_ends(room: Room, way: str) -> None:
    with tempfile.TemporaryDirectory(prefix="d") as place, runner(room, Path(place)) as (process, told):
        assert told.leaves, "it has a name"
        assert all(is_there(leaving) for leaving in told.leaves)
        WAYS[way](told, process)
        process.wait(ENDS_WITHIN_S)
        assert_ended(*told.pids)
        until(lambda: not any(map(is_there, told.leaves)) and not os.listdir(place), f"{told.leaves} gone")


@pytest.mark.parametrize("room", [room for room in MECHANISMS if room.DEMO is not None], ids=lambda room: room.NAME)
def test_sigkill_to_the_runner_ends_every_pair_and_its_keeper(room: Room) -> None:
    with tempfile.TemporaryDirectory(prefix="d") as place, runner(room, Path(place)) as (process, told):
        process.kill()
        assert_ended(*told.pids)
        until(lambda: not os.listdir(place), "directory empty")


def test_the_runner_ends_by_the_signal_that_it_got(tmp_path: Path) -> None:
    with runner(pipe, tmp_path) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(ENDS_WITHIN_S) == 128 + signal.SIGTERM


def keeper_of(pid: int) -> int:
    """The parent of a half that was forked."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_forked_pair_and_its_keeper_end_together_also_when_a_half_was_killed(tmp_path: Path) -> None:
    with DemoPair.start(shared_anon, below=str(tmp_path)) as pair:
        pair.open()
        keeper = keeper_of(pair.sender_pid)
        assert keeper == keeper_of(pair.receiver_pid)
        pair.send(b"to the other")
        assert pair.receive() == b"to the other"
        pair.kill_sender()
        assert not pair.sender.is_alive
        assert pair.receiver.is_alive
    assert_ended(pair.sender_pid, pair.receiver_pid, keeper)
    assert list(tmp_path.iterdir()) == []


def test_what_has_a_name_in_dev_shm_goes_though_both_were_killed(tmp_path: Path) -> None:
    for room, prefix in ((posix_shm, ""), (posix_sem, "sem.")):
        with DemoPair.start(room, below=str(tmp_path)) as pair:
            pair.open()
            path = Path("/dev/shm", prefix + Path(pair.made.forth.sender_args[0]).name)
            assert path.exists()
            pair.kill_sender()
            pair.kill_receiver()
        assert not path.exists()


@contextmanager
def runner(room: Room, directory: Path) -> Iterator[tuple[subprocess.Popen[str], Told]]:
    """A runner in a process of its own, and what it says of its pair."""
    command = [sys.executable, "-m", "tests.demo.runner_program", room.NAME, str(directory)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            leaves = tuple(Leaving(*leaving) for leaving in told["leaves"])
            yield process, Told(tuple(told["pids"]), leaves)
        finally:
            process.kill()


def is_there(leaving: Leaving) -> bool:
    """Whether the system still has it."""
    if leaving.how == "path":
        return os.path.lexists(leaving.what)
    if leaving.how == "posix-mq":
        try:
            os.close(mq_transfer.open_existing(leaving.what, os.O_RDONLY))
        except FileNotFoundError:
            return False
        return True
    rows = Path(f"/proc/sysvipc/{TABLES[leaving.how]}").read_text().splitlines()[1:]
    return leaving.what in {row.split()[1] for row in rows}


def until(condition: Callable[[], bool], claim: str) -> None:
    """Raises AssertionError where it does not come true in time."""
    deadline = time.monotonic() + ENDS_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"never: {claim}"
        time.sleep(0.01)


def numbers(room: Room) -> set[str]:
    """The ids of all objects of this kind."""
    rows = Path(f"/proc/sysvipc/{TABLES[room.NAME]}").read_text().splitlines()[1:]
    return {row.split()[1] for row in rows}


def assert_ended(*pids: int) -> None:
    """Neither alive nor a zombie that nobody takes; the first process takes its own, some only now and then."""
    deadline = time.monotonic() + ENDS_WITHIN_S
    while left := [pid for pid in pids if is_left(pid)]:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.01)


def is_left(pid: int) -> bool:
    """Whether it is there, but for a zombie of the first process."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return (state, parent) != ("Z", "1")
