"""How a holder came by its descriptor: with whom it shares the very same open file, by kcmp(2)."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ipcinspect.model.snapshot import Want
from ipcinspect.selection.descent import descent_sentence
from ipcinspect.sources import CameBy, came_by
from ipcinspect.sources.live import LiveSource
from tests.live.conftest import Start
from tests.live.subjects import channel_at, inode

Told = dict[tuple[int, int], tuple[str, tuple[int, int] | None]]


def told(mechanism: str, number: int) -> Told:
    """What is told of the holders of one channel: how, and who has the same."""
    source = LiveSource()
    channel = channel_at(source.take(Want(descriptors=True)), mechanism, number)
    details = source.details(channel.key)
    assert details is not None
    return {place: (came.how, _whom(came)) for place, came in details.came_by.items()}


def _whom(came: CameBy) -> tuple[int, int] | None:
    return None if came.process is None or came.fd is None else (came.process.pid, came.fd)


FORKS = """
r, w = os.pipe(); child = os.fork()
if child == 0:
    grandchild = os.fork()
    if grandchild == 0: order()
    os.close(w); signal.pause()
children = lambda: open(f"/proc/{child}/task/{child}/children").read().split()
while not children(): pass
grandchild = int(children()[0])
while os.path.exists(f"/proc/{child}/fd/{w}"): pass
say(child, grandchild, r, w, ino(r)); stay()
os.kill(grandchild, 9); os.kill(child, 9); os.waitpid(child, 0)
"""


def test_what_a_child_has_in_common_with_its_parent_and_its_ancestors_is_told(start: Start) -> None:
    subject = start(FORKS)
    child, grandchild, r, w, number = subject.said
    answers = told("pipe", number)
    assert answers[child, r] == ("parent", (subject.pid, r))
    assert answers[grandchild, r] == ("parent", (child, r))
    assert answers[grandchild, w] == ("ancestor", (subject.pid, w))
    assert answers[subject.pid, w] == ("shared", (grandchild, w))


def test_ends_whose_parent_closed_its_own_are_said_to_be_shared_by_nobody_seen(start: Start) -> None:
    r, w = os.pipe()
    number = inode(r)
    reader = start("say(); stay()", pass_fds=[r])
    writer = start("say(); stay()", pass_fds=[w])
    os.close(r), os.close(w)
    assert told("pipe", number) == {(reader.pid, r): ("unshared", None), (writer.pid, w): ("unshared", None)}


def test_two_who_opened_one_fifo_themselves_share_nothing(start: Start, directory: Path) -> None:
    path = directory / "fifo"
    os.mkfifo(path)
    code = "fd = os.open(ARGS[0], os.O_RDWR); say(fd); stay()"
    subjects = [start(code, str(path)) for _ in range(2)]
    expected = {(subject.pid, subject.said[0]): ("unshared", None) for subject in subjects}
    assert told("fifo", path.stat().st_ino) == expected


def test_a_duplicate_of_its_own_is_no_inheritance(start: Start, directory: Path) -> None:
    path = directory / "fifo"
    os.mkfifo(path)
    subject = start("fd = os.open(ARGS[0], os.O_RDWR); say(fd, os.dup(fd)); stay()", str(path))
    one, other = subject.said
    assert told("fifo", path.stat().st_ino) == {
        (subject.pid, one): ("duplicate", (subject.pid, other)),
        (subject.pid, other): ("duplicate", (subject.pid, one)),
    }


def test_what_was_sent_is_shared_with_its_sender_and_not_called_inherited(start: Start, directory: Path) -> None:
    path = directory / "fifo"
    os.mkfifo(path)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = start(
            "fd = os.open(ARGS[0], os.O_RDWR); s = socket.socket(fileno=ARGS[1]);"
            " socket.send_fds(s, [b'x'], [fd]); say(fd); stay()",
            str(path),
            ours.fileno(),
            pass_fds=[ours.fileno()],
        )
        receiver = start(
            "s = socket.socket(fileno=ARGS[0]); _, fds, _, _ = socket.recv_fds(s, 9, 1); say(fds[0]); stay()",
            theirs.fileno(),
            pass_fds=[theirs.fileno()],
        )
    answers = told("fifo", path.stat().st_ino)
    assert answers[receiver.pid, receiver.said[0]] == ("shared", (sender.pid, sender.said[0]))


def test_where_the_kernel_will_not_compare_nothing_is_told(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    subject = start("r, w = os.pipe(); say(ino(r)); stay()")
    monkeypatch.setattr(came_by, "order", lambda *place: None)
    assert told("pipe", subject.said[0]) == {}


def test_a_descriptor_that_is_closed_during_the_comparison_makes_all_unknown(
    monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    subject = start("r, w = os.pipe(); say(ino(r)); stay()")
    monkeypatch.setattr(came_by, "order", lambda pid, fd, other, number: 0 if fd == number else None)
    assert told("pipe", subject.said[0]) == {}


def test_the_words_name_whom_and_claim_no_inheritance() -> None:
    assert descent_sentence(None) is None
    assert descent_sentence(CameBy("unshared", None, None)) == "nobody seen shares it"
