"""Whatever ends a demo on a channel of others: its processes go, the channel and what is in it stay."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcinspect.demo.attached_pair import AttachedPair
from ipcinspect.demo.attaching import Attachment, Wish, attach
from ipcinspect.demo.plan import Plan
from ipcinspect.kernel import sysv
from ipcinspect.mechanisms import sysv_msg
from ipcinspect.mechanisms.demo_attach import of_place
from tests import fakes
from tests.demo.test_attached_walk import unopened
from tests.demo.test_nothing_is_left import assert_ended

PROC = Path("/proc")


@pytest.fixture
def queue() -> Iterator[int]:
    msqid = sysv.create_queue()
    sysv.send_message(msqid, b"somebody's", 1)
    yield msqid
    sysv.remove_queue(msqid)


def on_queue(msqid: int) -> Attachment:
    """Both halves, of which the receiver will sleep."""
    snapshot = fakes.snapshot(uid=os.geteuid())
    one = fakes.channel(msqid, "sysv-msg", fields=(None,) * len(sysv_msg.FIELDS))
    return attach(one, snapshot, Plan("sysv-msg"), Wish("both", number=os.getpid()))


@pytest.mark.parametrize("which", ["sender", "receiver", "keeper", "all"])
def test_a_queue_outlives_each_process_of_the_demo_that_is_killed(queue: int, which: str) -> None:
    with AttachedPair.on(on_queue(queue)) as pair:
        for role in ("sender", "receiver"):
            pair.begin_open(role)
            assert pair.comes(role, 10.0)
            pair.finish(role)
        pair.begin_receive(64)
        asleep = dict(zip(("sender", "receiver", "keeper"), pair.pids, strict=True))
        for pid in asleep.values() if which == "all" else (asleep[which],):
            os.kill(pid, signal.SIGKILL)
    assert_ended(*asleep.values())
    depth = sysv.queue_depth(queue)
    assert depth is not None, "the queue is there"
    assert depth.messages == 1


def test_only_the_half_that_is_wanted_is_started_and_no_directory_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, names = str(tmp_path / "fifo"), tmp_path / "names"
    os.mkfifo(path)
    names.mkdir()
    monkeypatch.setenv("TMPDIR", str(names))
    made = attach(unopened(path), fakes.snapshot(uid=os.geteuid()), Plan("fifo"), Wish("receiver"))
    with AttachedPair.on(made) as pair:
        children = (PROC / str(pair.maker_pid) / "task" / str(pair.maker_pid) / "children").read_text().split()
        assert children == [str(pair.receiver_pid)]
        assert pair.sender_pid == 0
        assert made.access.receiver_args == (path, *of_place(made.channel))
        assert os.listdir(names) == []
    assert_ended(pair.receiver_pid, pair.maker_pid)
    assert sorted(os.listdir(tmp_path)) == ["fifo", "names"]
