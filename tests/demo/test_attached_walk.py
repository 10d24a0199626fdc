"""A demo on a channel that others made: they get what was sent, it takes what they sent, and the channel stays."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ipcinspect.demo import attached_receiving
from ipcinspect.demo.attached_walk import AttachedWalk
from ipcinspect.demo.attaching import Attachment, Wish, attach
from ipcinspect.demo.path_facts import facts_of
from ipcinspect.demo.plan import Plan
from ipcinspect.demo.telling import Told
from ipcinspect.inspector import Inspector
from ipcinspect.kernel import mq_transfer, posix_semaphores, sysv
from ipcinspect.mechanisms import fifo
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.words import STAGES
from ipcinspect.selection.addresses import find
from ipcinspect.sources.live import LiveSource

WITHIN_S = 20.0
"""How long a partner of the test is waited for: it does come."""
LATE_S = 0.2
SIZE, MESSAGES = 64, 2


class Walked:
    """What a walk told."""

    def __init__(self, lines: list[Told], failure: str | None) -> None:
        self.lines, self.failure = lines, failure
        self.text = "\n".join(told.says or "" for told in lines)
        self.calls = [told.report.call for told in lines if told.report is not None and told.report.took_s is not None]

    def seen(self, stage: str) -> str:
        """What the kernel showed last in a stage."""
        return [told.evidence.seen for told in self.lines if told.stage == stage and told.evidence][-1]


def plan(mechanism: str = "", messages: int = MESSAGES, **changes: object) -> Plan:
    return Plan(mechanism, messages=messages, size=SIZE)._replace(**changes)  # type: ignore[arg-type]


def attachment(
    one: Channel, snapshot: Snapshot, wanted: Plan, role: str | None, within_s: float, at: int
) -> Attachment:
    wish = Wish(role, at, within_s, os.getpid())
    return attach(one, snapshot, wanted._replace(mechanism=one.mechanism), wish)


def walked(
    address: str | Channel, role: str | None = None, wanted: Plan | None = None, within_s: float = WITHIN_S, at: int = 0
) -> Walked:
    """A walk on the one channel of that address, once it is over."""
    inspector = Inspector(LiveSource(), show_self=True)
    snapshot = inspector.observe().snapshot
    (one,) = find(address, snapshot) if isinstance(address, str) else (address,)
    made = attachment(one, snapshot, plan() if wanted is None else wanted, role, within_s, at)
    with contextlib.closing(AttachedWalk(made, inspector)) as walk:
        lines = list(walk)
    stages = list(dict.fromkeys(told.stage for told in lines))
    assert stages == [stage for stage in STAGES if stage in stages]
    assert walk.failure is not None or tuple(stages) == STAGES
    assert "nothing of the channel was removed, and no process" in (lines[-1].says or "")
    return Walked(lines, walk.failure)


def checked(done: Walked, *told: str) -> None:
    assert done.failure is None, done.failure
    for part in told:
        assert part in done.text, done.text


@contextmanager
def beside(act: Callable[[], None]) -> Iterator[None]:
    """What a partner does meanwhile; it is over at the end."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    yield
    thread.join(WITHIN_S)
    assert not thread.is_alive()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partners of these tests take at once, or never."""
    monkeypatch.setattr(attached_receiving, "TAKEN_WITHIN_S", LATE_S)


@pytest.fixture
def queue() -> Iterator[int]:
    msqid = sysv.create_queue()
    yield msqid
    sysv.remove_queue(msqid)


@pytest.fixture
def path(tmp_path: Path) -> str:
    made = str(tmp_path / "fifo")
    os.mkfifo(made, 0o600)
    return made


def unopened(path: str) -> Channel:
    """A FIFO that nobody has open."""
    return fifo.unopened(path, facts_of(path))


def name() -> str:
    return f"ipci-{secrets.token_hex(6)}"


def test_readers_of_a_fifo_get_what_the_sender_writes(path: str) -> None:
    got: list[bytes] = []

    def read() -> None:
        with open(path, "rb") as reader:
            got.append(reader.read())

    with beside(read):
        done = walked(unopened(path))
    checked(done, "is there already", "somebody took it: no more waits than before", "no answer")
    assert got[0].count(b'"message ') == MESSAGES
    assert len(got[0]) == MESSAGES * SIZE
    assert done.calls[-1] == "close"


def test_a_receiver_takes_what_the_writers_of_a_fifo_write_until_they_are_gone(path: str) -> None:
    def write() -> None:
        with open(path, "wb", buffering=0) as writer:
            writer.write(b"HTTP/1.1 200\r\n")

    with beside(write):
        done = walked(unopened(path), "receiver")
    checked(done, "14 bytes: HTTP/1.1 200\\r\\n", "end of file: no writer has it open", "the demo sends nothing")


@pytest.mark.parametrize("blocking", [True, False])
def test_both_on_a_fifo_that_is_there_agree_and_the_fifo_stays(path: str, blocking: bool) -> None:
    done = walked(unopened(path), "both", plan(notification="poll", blocking=blocking))
    checked(done, "the receiver was told by poll", 'text "message 2 of 2", equal to what was sent')
    assert os.path.exists(path)


def test_a_receiver_takes_the_first_messages_of_a_queue_and_leaves_the_others(queue: int) -> None:
    for text in (b"one", b"two", b"three"):
        sysv.send_message(queue, text, 5)
    checked(walked(f"sysv-msg:{queue}", "receiver"), "3 bytes: one", "3 bytes: two")
    assert sysv.receive_message(queue, SIZE) == b"three"


def test_both_on_a_queue_take_no_message_of_others(queue: int) -> None:
    sysv.send_message(queue, b"somebody's", 1)
    checked(walked(f"sysv-msg:{queue}", "both"), "equal to what was sent")
    assert sysv.receive_message(queue, SIZE) == b"somebody's"
    depth = sysv.queue_depth(queue)
    assert depth is not None
    assert depth.messages == 0


def test_a_semaphore_has_the_value_that_it_had() -> None:
    semid = sysv.create_semaphores((3, 4))
    try:
        checked(walked(f"sysv-sem:{semid}", at=1), f"the sender raised it {MESSAGES} times", "took it 2 times")
        assert [one.value for one in sysv.semaphores(semid, 2, 2)] == [3, 4]
    finally:
        sysv.remove_semaphores(semid)


def test_a_sender_raises_a_named_semaphore_for_whoever_waits() -> None:
    wanted = f"/{name()}"
    address = posix_semaphores.create(wanted, 0o600)
    try:
        checked(walked(f"posix-sem:{wanted}", "sender"), "raised it 2 times")
        for _ in range(MESSAGES):
            posix_semaphores.try_wait(address)
        with pytest.raises(BlockingIOError):
            posix_semaphores.try_wait(address)
    finally:
        posix_semaphores.close(address)
        os.unlink(f"/dev/shm/sem.{wanted[1:]}")


def test_a_sender_overwrites_the_bytes_that_were_named_and_no_others() -> None:
    path, at = f"/dev/shm/{name()}", 100
    Path(path).write_bytes(b"x" * 4096)
    try:
        done = walked(path, "sender", at=at)
        checked(done, "memory wakes nobody")
        assert "a look inside finds 2 of 2 messages" in done.seen("transmission")
        now, end = Path(path).read_bytes(), at + MESSAGES * SIZE
        assert (now[:at], now[end:]) == (b"x" * at, b"x" * (4096 - end))
        assert now[at:end].count(b'"message ') == MESSAGES
    finally:
        os.unlink(path)


def test_a_receiver_copies_memory_and_changes_none_of_it() -> None:
    shmid = sysv.create_segment(4096)
    try:
        memory = sysv.attach_segment(shmid)
        try:
            ctypes.memmove(memory, b"hello there", 11)
            checked(walked(f"sysv-shm:{shmid}", wanted=plan(messages=1)), "64 bytes: 68656c6c 6f207468 65726500")
            assert ctypes.string_at(memory, 4096) == b"hello there".ljust(4096, b"\0")
        finally:
            sysv.detach_segment(memory)
    finally:
        sysv.remove_segment(shmid)


def test_what_a_sender_sends_waits_in_a_posix_queue_for_its_readers() -> None:
    wanted = f"/{name()}"
    mq_transfer.create(wanted, MESSAGES, SIZE)
    try:
        checked(walked(f"mq:{wanted}"), "nobody has taken all of it within 0.2 s: it waits there")
        full = walked(f"mq:{wanted}", within_s=LATE_S)
        assert full.failure is not None
        assert full.failure.startswith("the sender sleeps in mq_send: there is no room")
        reader = mq_transfer.open_existing(wanted, os.O_RDONLY | os.O_NONBLOCK)
        try:
            assert [b'"message ' in mq_transfer.receive(reader) for _ in range(MESSAGES)] == [True] * MESSAGES
            with pytest.raises(BlockingIOError):
                mq_transfer.receive(reader)
        finally:
            os.close(reader)
    finally:
        mq_transfer.unlink(wanted)


def serve(listener: socket.socket, got: list[bytes]) -> None:
    """One client: all that it sends, and an answer before it ends."""
    client, _ = listener.accept()
    with client:
        first = client.recv(SIZE)
        client.sendall(b"welcome")
        got.append(first + b"".join(iter(lambda: client.recv(SIZE), b"")))


@pytest.mark.parametrize("family", [socket.AF_UNIX, socket.AF_INET], ids=["unix", "tcp"])
def test_a_server_gets_a_client_more_and_its_answer_is_told(family: socket.AddressFamily, tmp_path: Path) -> None:
    got: list[bytes] = []
    with socket.socket(family) as listener:
        listener.bind(str(tmp_path / "s") if family == socket.AF_UNIX else ("127.0.0.1", 0))
        listener.listen(1)
        bound = listener.getsockname()
        with beside(lambda: serve(listener, got)):
            done = walked(bound if isinstance(bound, str) else f"tcp:127.0.0.1:{bound[1]}")
    checked(done, "an answer came: 7 bytes: welcome", "somebody took it")
    assert len(got[0]) == MESSAGES * SIZE
    kernel = [told.evidence.channel for told in done.lines if told.stage == "transmission" and told.evidence]
    assert {end.role for one in kernel if one is not None for end in one.endpoints} == {"client", "server"}


@pytest.mark.parametrize("family", [socket.AF_UNIX, socket.AF_INET], ids=["unix", "udp"])
def test_a_socket_of_datagrams_gets_each_as_one(family: socket.AddressFamily) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name()}" if family == socket.AF_UNIX else ("127.0.0.1", 0))
        bound = receiver.getsockname()
        address = "@" + bound[1:].decode() if isinstance(bound, bytes) else f"udp:127.0.0.1:{bound[1]}"
        done = walked(address, within_s=LATE_S)
        checked(done, "nobody has taken all of it", "no answer")
        assert [len(receiver.recv(SIZE * MESSAGES)) for _ in range(MESSAGES)] == [SIZE] * MESSAGES


def test_nobody_at_the_other_end_is_waited_for_no_longer_than_was_said(path: str) -> None:
    for role, call in (("sender", "open"), ("receiver", "open")):
        done = walked(unopened(path), role, within_s=LATE_S)
        assert done.failure == f"the {role} sleeps in {call}: nobody came to its other end within {LATE_S} s"
    assert "it is ended" in done.text


def test_a_receiver_to_whom_nothing_comes_says_so_and_takes_nothing(queue: int) -> None:
    done = walked(f"sysv-msg:{queue}", "receiver", within_s=LATE_S)
    assert done.failure == f"the receiver sleeps in msgrcv: nothing came within {LATE_S} s"


def test_a_receiver_whose_calls_do_not_sleep_ends_where_nothing_more_is_there(queue: int) -> None:
    sysv.send_message(queue, b"one", 5)
    checked(walked(f"sysv-msg:{queue}", "receiver", plan(blocking=False)), "3 bytes: one", "nothing more is there")


def test_a_path_that_leads_to_another_fifo_by_now_is_not_opened(path: str) -> None:
    inspector = Inspector(LiveSource(), show_self=True)
    made = attachment(unopened(path), inspector.observe().snapshot, plan(), "sender", WITHIN_S, 0)
    os.rename(path, path + ".old")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with contextlib.closing(AttachedWalk(made, inspector)) as walk:
            lines = list(walk)
        assert walk.failure is not None
        assert walk.failure.startswith("ESTALE: that name leads to something else by now")
        assert not [told for told in lines if told.report is not None and told.report.call == "open"]
        assert os.read(reader, SIZE) == b""
    finally:
        os.close(reader)
