"""What happens to watched pipes is seen, and what cannot be known is missing."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcinspect.kernel import inotify
from ipcinspect.kernel.errors import KernelError
from ipcinspect.kernel.inotify import Inotify
from ipcinspect.mechanisms.lights import MOST
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.sources.live import LiveSource
from tests.live.conftest import Start
from tests.live.lights import BOTH, READ, SILENT, WRITTEN, Pipe, instances, watched
from tests.live.subjects import channel_at, inode, until
from tests.live.test_without_privilege import NOBODY, looks

ACTS_ON_ORDER = """
say()
while True:
    what = order()
    say(os.write(ARGS[0], b"x" * 64) if what == "write" else len(os.read(ARGS[0], 4096)))
"""


@pytest.fixture
def pipes() -> Iterator[list[Pipe]]:
    """Three pipes."""
    made = [Pipe() for _ in range(3)]
    yield made
    for pipe in made:
        pipe.close()


@pytest.fixture
def source() -> Iterator[LiveSource]:
    """This machine; nothing is watched after the test, also when it failed."""
    source = LiveSource()
    yield source
    source.take(Want())


def activity_gaps(seen: Snapshot) -> list[tuple[str, str, int | None]]:
    """What a look says of lights that it could not give."""
    return [(gap.what, gap.why, gap.count) for gap in seen.gaps if gap.what.startswith("activity of pipes")]


def test_what_another_process_writes_and_reads_is_seen(source: LiveSource, start: Start, pipes: list[Pipe]) -> None:
    pipe, silent, _ = pipes
    writer = start(ACTS_ON_ORDER, pipe.w, pass_fds=[pipe.w])
    reader = start(ACTS_ON_ORDER, pipe.r, pass_fds=[pipe.r])
    first = watched(source, pipe, silent)
    assert channel_at(first, "pipe", pipe.key.number).key == pipe.key
    assert first.lights == {}, "of what was before the watch nothing is known"
    assert watched(source, pipe, silent).lights == {pipe.key: SILENT, silent.key: SILENT}
    assert writer.ask("write") == [64]
    assert watched(source, pipe, silent).lights == {pipe.key: WRITTEN, silent.key: SILENT}
    assert reader.ask("read") == [64]
    assert watched(source, pipe, silent).lights == {pipe.key: READ, silent.key: SILENT}
    assert (writer.ask("write"), reader.ask("read")) == ([64], [64])
    assert watched(source, pipe, silent).lights == {pipe.key: BOTH, silent.key: SILENT}
    assert watched(source, pipe, silent).lights == {pipe.key: SILENT, silent.key: SILENT}


def test_a_watch_outlives_the_holder_that_led_to_it(source: LiveSource, start: Start, pipes: list[Pipe]) -> None:
    pipe = pipes[0]
    holder = start("say(); stay()", pass_fds=[pipe.r, pipe.w])
    watched(source, pipe)
    pipe.close()
    assert watched(source, pipe).lights == {pipe.key: SILENT}
    holder.end()
    assert watched(source, pipe).lights == {pipe.key: SILENT}, "its last turn"
    assert watched(source, pipe).lights == {}
    assert "inotify wd" not in instances()[0], "nothing keeps the inode of a pipe that is gone"


def test_the_last_write_before_a_pipe_closed_is_seen(source: LiveSource, pipes: list[Pipe]) -> None:
    pipe = pipes[0]
    watched(source, pipe)
    os.write(pipe.w, b"x")
    pipe.close()
    assert watched(source, pipe).lights == {pipe.key: WRITTEN}


def test_an_instance_is_there_only_while_something_is_wished_for(source: LiveSource, pipes: list[Pipe]) -> None:
    one, other, _ = pipes
    assert instances() == []
    watched(source, one)
    assert len(instances()) == 1
    watched(source, other)
    (fdinfo,) = instances()
    assert f"ino:{other.key.number:x} " in fdinfo
    assert f"ino:{one.key.number:x} " not in fdinfo
    source.take(Want())
    assert instances() == []


def test_a_source_that_is_dropped_takes_its_instance_along(pipes: list[Pipe]) -> None:
    source = LiveSource()
    watched(source, pipes[0])
    assert len(instances()) == 1
    del source
    assert instances() == []


def test_a_look_inside_by_ourselves_is_no_read(source: LiveSource, pipes: list[Pipe]) -> None:
    pipe = pipes[0]
    os.write(pipe.w, b"unread")
    watched(source, pipe)

    def peek() -> None:
        contents = source.peek(pipe.key, 100)
        assert contents is not None
        assert contents.refusal is None

    peek()
    assert watched(source, pipe).lights == {}, "whether somebody read beside us is not known"
    assert watched(source, pipe).lights == {pipe.key: SILENT}
    os.read(pipe.r, 1)
    peek(), peek()
    assert watched(source, pipe).lights == {pipe.key: READ}, "it was read before we looked"
    os.read(pipe.r, 5)
    peek()
    assert watched(source, pipe).lights == {pipe.key: READ}


def test_a_flood_leaves_known_what_was_seen_and_no_more(source: LiveSource, pipes: list[Pipe]) -> None:
    busy, _, written = pipes
    watched(source, *pipes)
    os.write(written.w, b"x")
    for _ in range(int(Path("/proc/sys/fs/inotify/max_queued_events").read_text()) // 2 + 1):
        os.write(busy.w, b"x")
        os.read(busy.r, 1)
    assert watched(source, *pipes).lights == {busy.key: BOTH}
    assert watched(source, *pipes).lights == {pipe.key: SILENT for pipe in pipes}


def test_events_beyond_what_is_read_at_a_time_are_not_told_later(
    source: LiveSource, pipes: list[Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inotify, "_CHUNK", 64)
    monkeypatch.setattr(inotify, "_MOST_BYTES", 128)
    watched(source, *pipes)
    for _ in range(20):
        os.write(pipes[0].w, b"x")
        os.read(pipes[0].r, 1)
    assert watched(source, *pipes).lights == {pipes[0].key: BOTH}
    assert watched(source, *pipes).lights == {pipe.key: SILENT for pipe in pipes}


def test_no_more_than_sixty_four_pipes_are_watched(source: LiveSource) -> None:
    with contextlib.ExitStack() as stack:
        many = [stack.enter_context(contextlib.closing(Pipe())) for _ in range(MOST + 5)]
        assert activity_gaps(watched(source, *many)) == [
            (f"activity of pipes (more than {MOST} at a time)", "unsupported", 5)
        ]
        assert instances()[0].count("inotify wd") == MOST
        assert len(watched(source, *many).lights) == MOST


def test_what_is_no_anonymous_pipe_is_not_watched(source: LiveSource, pipes: list[Pipe], directory: Path) -> None:
    os.mkfifo(directory / "fifo")
    fd = os.open(directory / "fifo", os.O_RDWR)
    try:
        fifo = ChannelKey("fifo", os.fstat(fd).st_dev, inode(fd))
        elsewhere = pipes[0].key._replace(space=pipes[0].key.space + 1)
        want = Want(lights=(fifo, elsewhere))
        assert activity_gaps(source.take(want)) == [("activity of pipes (no anonymous pipe)", "unsupported", 1)]
        assert source.take(want).lights == {}, "the key names another file system"
        assert f"ino:{fifo.number:x} " not in instances()[0]
    finally:
        os.close(fd)


def test_a_descriptor_that_is_another_file_by_now_is_not_watched(pipes: list[Pipe]) -> None:
    ours = Inotify()
    with pytest.raises(KernelError):
        ours.watch("/proc", os.getpid(), pipes[0].r, pipes[1].key.number)
    assert ours.marks("/proc") == {}
    ours.close()


def test_what_takes_the_place_of_a_pipe_in_between_is_found_out(
    source: LiveSource, pipes: list[Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice in a row in the very moment, so that both texts of the link are right."""
    other = os.memfd_create("not meant")
    place, kept = pipes[0].r, os.dup(pipes[0].r)
    add = inotify._add

    def adds(fd: int, path: bytes, mask: int) -> int:
        os.dup2(other, place)
        try:
            return int(add(fd, path, mask))
        finally:
            os.dup2(kept, place)

    try:
        monkeypatch.setattr(inotify, "_add", adds)
        watched(source, pipes[0])
        assert "inotify wd" not in instances()[0]
        assert watched(source, pipes[0]).lights == {}
    finally:
        os.close(other), os.close(kept)


def test_a_kernel_that_does_not_answer_costs_one_light(
    source: LiveSource, pipes: list[Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    watch = Inotify.watch

    def hangs(self: Inotify, root: str, pid: int, fd: int, number: int) -> int:
        if number == pipes[0].key.number:
            answers.wait()
        return watch(self, root, pid, fd, number)

    monkeypatch.setattr(Inotify, "watch", hangs)
    try:
        gap = ("activity of pipes (the kernel did not answer in time)", "timed out", 1)
        assert activity_gaps(watched(source, *pipes)) == [gap]
        again = watched(source, *pipes)
        assert again.lights == {pipes[1].key: SILENT, pipes[2].key: SILENT}
        assert activity_gaps(again) == [gap]
    finally:
        answers.set()
    until(lambda: pipes[0].key in watched(source, *pipes).lights, "the light of the first")


FOR_A_USER = """
import json, os, sys
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
{before}
r, w = os.pipe()
own = ChannelKey("pipe", os.fstat(r).st_dev, os.fstat(r).st_ino)
want = Want(lights=(own, *(ChannelKey("pipe", own.space, number) for number in {others})))
source = LiveSource()
seen = [source.take(want), source.take(want)]
os.write(w, b"x")
seen.append(source.take(want))
print(json.dumps({{
    "own": [light for key, light in seen[2].lights.items() if key == own],
    "others": [light for key, light in seen[2].lights.items() if key != own],
    "gaps": [[gap.what, gap.why, gap.count] for gap in seen[2].gaps if gap.what.startswith("activity")],
}}))
"""


def test_an_ordinary_user_has_lights_of_his_own_pipes_alone(root: None, pipes: list[Pipe]) -> None:
    others = [pipes[0].key.number, pipes[1].key.number]
    handed = [pipes[1].r, pipes[1].w]
    found = looks(NOBODY, FOR_A_USER.format(before="", others=others), pass_fds=handed)
    assert (found["own"], found["others"]) == ([[True, False]], [])
    assert [gap[1:] for gap in found["gaps"]] == [["denied", 1]], "he holds it, but another user made it"


@pytest.mark.parametrize(
    ("limit", "reason"), [("instances", "max_user_instances"), ("watches", "max_user_watches is reached")]
)
def test_where_the_limit_of_a_user_is_reached_there_are_no_lights(root: None, limit: str, reason: str) -> None:
    """In a user namespace, which has limits of its own."""
    before = f"open('/proc/sys/user/max_inotify_{limit}', 'w').write('0')"
    found = looks(("unshare", "--user", "--map-root-user"), FOR_A_USER.format(before=before, others=[]))
    assert (found["own"], found["others"]) == ([], [])
    ((what, why, count),) = found["gaps"]
    assert (why, count) == ("unsupported", 1)
    assert reason in what
