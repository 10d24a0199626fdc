"""Half of a long list is read by a child: the same answers, and no child is left, whatever happens to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from ipcinspect.kernel import halves, procfs
from ipcinspect.kernel.descriptors import Detail
from ipcinspect.kernel.walk import ProcessFacts, Walk

ROOT = Path(__file__).resolve().parents[2]
ITEMS = range(1000)


def _children() -> list[int]:
    try:
        return [int(pid) for pid in Path("/proc/thread-self/children").read_text().split()]
    except OSError:
        pytest.skip("this kernel lists no children (CONFIG_PROC_CHILDREN)")


def test_both_halves_together_are_the_whole() -> None:
    before = _children()
    parts = halves.share(ITEMS, lambda items: [(item, os.getpid()) for item in items], 30)
    assert sorted(item for part in parts for item, _ in part) == list(ITEMS)
    workers = [{pid for _, pid in part} for part in parts]
    assert workers[0] == {os.getpid()}
    assert workers[0] != workers[1]
    assert _children() == before


def test_facts_of_processes_survive_the_way_from_the_child() -> None:
    walk = Walk("/proc", Detail.EVERYTHING, True, True, 1.0)
    me = os.getpid()
    parts = halves.share([me, me], lambda pids: [walk.read(pid) for pid in pids], 30)
    ours, theirs = parts[0][0], parts[1][0]
    assert isinstance(ours, ProcessFacts)
    assert isinstance(theirs, ProcessFacts)
    assert (theirs.pid, theirs.comm, theirs.starttime, theirs.cmdline) == (
        ours.pid,
        ours.comm,
        ours.starttime,
        ours.cmdline,
    )


@pytest.mark.parametrize("trouble", ["dies", "fails", "is late", "sends half"])
def test_the_half_of_a_child_in_trouble_is_done_here(trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getpid()
    before = _children()

    def work(items: Sequence[int]) -> list[int]:
        if os.getpid() != parent:
            if trouble == "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            if trouble == "fails":
                raise OSError("cannot")
            if trouble == "is late":
                signal.pause()
        return list(items)

    if trouble == "sends half":
        write = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[: len(data) // 2]) and os._exit(0))
    parts = halves.share(ITEMS, work, 1.0)
    assert sorted(item for part in parts for item in part) == list(ITEMS)
    assert _children() == before


def test_a_process_with_threads_makes_no_child() -> None:
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    try:
        assert not halves.worth_sharing(ITEMS)
    finally:
        release.set()
        thread.join()


def test_few_processes_are_read_alone() -> None:
    assert not halves.worth_sharing(range(halves.MANY - 1))


LOOK = """
import json
from ipcinspect.kernel import halves
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
halves.MANY = 2
shared = LiveSource(alone=True).take(Want(descriptors=True))
alone = LiveSource().take(Want(descriptors=True))
print(json.dumps([sorted(shared.processes), sorted(alone.processes), shared.host.observer.pid,
                  [str(gap) for gap in shared.gaps]]))
"""


def test_a_look_shared_with_a_child_sees_what_a_look_alone_sees_and_not_the_child() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor: a child would not help and is not made")
    before = set(procfs.list_pids("/proc"))
    subject = subprocess.Popen(["sleep", "60"])
    try:
        told = subprocess.run([sys.executable, "-c", LOOK], cwd=ROOT, capture_output=True, text=True, check=True)
    finally:
        subject.kill()
        subject.wait()
    shared, alone, observer, gaps = json.loads(told.stdout)
    assert subject.pid in shared
    assert observer in shared
    assert before & set(alone) & set(procfs.list_pids("/proc")) <= set(shared)
    assert not [gap for gap in gaps if "did not answer" in gap]
