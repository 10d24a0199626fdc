"""POSIX message queues: who holds them, how full they are, what they are called."""

from __future__ import annotations

import os

import pytest

from ipcinspect.kernel import mq_transfer
from ipcinspect.kernel.errors import Unsupported
from ipcinspect.mechanisms import posix_mq
from ipcinspect.selection.addresses import find
from tests.live.conftest import Start
from tests.live.posix_queues import (
    IN_A_NAMESPACE,
    QUEUES,
    Names,
    named,
    queue_of,
    queues,
)
from tests.live.subjects import ends, field, look
from tests.live.test_without_privilege import nobody

__all__ = ["named", "nobody"]
"""Fixtures that pytest finds here by name."""


HOLDS = """
queue = opened(ARGS[0], flags=getattr(os, ARGS[1]))
say(queue); stay()
"""


def test_holders_are_told_by_how_they_opened_it(start: Start, named: Names) -> None:
    name = named("held")
    subjects = {mode: start(QUEUES + HOLDS, name, mode) for mode in ("O_RDONLY", "O_WRONLY", "O_RDWR")}
    channel = queue_of(look(), name)
    at = {mode: (subject.pid, subject.said[0]) for mode, subject in subjects.items()}
    assert ends(channel, "reader") == {at["O_RDONLY"]}
    assert ends(channel, "writer") == {at["O_WRONLY"]}
    assert ends(channel, "both") == {at["O_RDWR"]}
    assert {end.role: end.side for end in channel.endpoints} == {"reader": "b", "writer": "a", "both": "a"}
    assert (field(channel, "writers"), field(channel, "readers")) == (2, 2)
    assert channel.relation == "splitting work", "two processes may receive"


def test_one_reader_splits_no_work_also_with_two_descriptors(start: Start, named: Names) -> None:
    name = named("single")
    code = QUEUES + "one = opened(ARGS[0], flags=os.O_RDONLY); two = os.dup(one); say(one, two); stay()"
    subject = start(code, name)
    channel = queue_of(look(), name)
    assert ends(channel) == {(subject.pid, fd) for fd in subject.said}
    assert channel.relation == "data exchange"


def test_figures_are_those_of_mq_getattr(start: Start, named: Names) -> None:
    names = [named(f"size{number}") for number in range(4)]
    code = """
told = []
for number, name in enumerate(ARGS):
    queue = opened(name, maxmsg=number + 2, msgsize=100 * (number + 1))
    for place in range(number): send(queue, bytes(place * 7 + 1), place)
    told.append(attributes(queue))
say(told); stay()
"""
    subject = start(QUEUES + code, *names)
    seen = look()
    for number, (name, (maxmsg, msgsize, curmsgs)) in enumerate(zip(names, subject.said[0], strict=True)):
        channel = queue_of(seen, name)
        assert (field(channel, "max_messages"), field(channel, "max_message_bytes")) == (maxmsg, msgsize)
        assert (channel.capacity_bytes, channel.fill) == (maxmsg * msgsize, curmsgs / maxmsg)
        sent = sum(place * 7 + 1 for place in range(number))
        assert (channel.queued_messages, channel.queued_bytes) == (curmsgs, sent)


UNLINKS = """
first = opened(ARGS[0]); send(first, b"old"); unlink(ARGS[0])
second = opened(ARGS[0])
third = opened(ARGS[0] + " (deleted)")
say(first, second, third)
try: stay()
finally: unlink(ARGS[0] + " (deleted)")
"""


def test_an_unlinked_queue_lives_on_beside_a_new_one_of_its_name(start: Start, named: Names) -> None:
    name = named("name")
    subject = start(QUEUES + UNLINKS, name)
    first, second, third = subject.said
    seen = look()
    by_fd = {next(iter(ends(channel)))[1]: channel for channel in queues(seen, name)}
    assert set(by_fd) == {first, second}
    old, new = by_fd[first], by_fd[second]
    assert (old.state, old.queued_messages, field(old, "unlinked")) == ("marked-for-deletion", 1, True)
    assert (new.state, new.queued_messages, field(new, "unlinked")) == ("idle", 0, False)
    assert new.id == f"posix-mq:{name}"
    assert old.id.startswith("posix-mq:[")
    assert old.namespaces == new.namespaces
    assert (old.exposure and old.exposure.reach, new.exposure and new.exposure.reach) == ("holders", "owner")
    assert find(old.id, seen) == (old,)
    odd = queue_of(seen, f"{name} (deleted)")
    assert (odd.state, ends(odd)) == ("idle", {(subject.pid, third)}), "a name that only looks like it"


@pytest.mark.parametrize(
    "word",
    ["\x1b[31mred", "two\nlines", "@ipc:[4026531839]", "[b]markup", "\udcff\udcfe", "‮txt", " ", "x" * 200],
    ids=["escape", "newline", "suffix", "markup", "no UTF-8", "bidi", "blank", "long"],
)
def test_a_hostile_name_is_exact_and_an_id_of_its_own(start: Start, named: Names, word: str) -> None:
    name = named(word)
    subject = start(QUEUES + "say(opened(ARGS[0])); stay()", name)
    seen = look()
    channel = queue_of(seen, name)
    assert ends(channel) == {(subject.pid, subject.said[0])}
    assert find(channel.id, seen) == (channel,)
    assert [one for one in seen.channels if one.id == channel.id] == [channel]


LOOKS_LIKE_ONE = """
fs = checked(LIBC.syscall(430, b"tmpfs", 1)); checked(LIBC.syscall(431, fs, 6, None, None, 0))
mount = checked(LIBC.syscall(432, fs, 1, 0))
file = os.open(ARGS[0][1:], os.O_RDWR | os.O_CREAT, dir_fd=mount)
os.ftruncate(file, 80)
say(file, os.readlink(f"/proc/self/fd/{file}"), os.fstat(file).st_blocks); stay()
"""


def test_a_file_that_looks_like_a_queue_in_every_way_is_none(root: None, start: Start, named: Names) -> None:
    name = named("impostor")
    subject = start(QUEUES + LOOKS_LIKE_ONE, name)
    assert subject.said[1:] == [name, 0]
    assert not queues(look(), name)


def test_a_limit_that_stands_in_the_way_of_a_demo_is_named(named: Names) -> None:
    with pytest.raises(OSError, match=r"fs\.mqueue\.msg_max"):
        mq_transfer.create(named("huge"), 10_000_000, 16)
    name = named("taken")
    mq_transfer.create(name, 1, 16)
    with pytest.raises(FileExistsError):
        mq_transfer.create(name, 1, 16)
    descriptor = mq_transfer.open_existing(name, os.O_WRONLY)
    with pytest.raises(OSError, match="too long"):
        mq_transfer.send(descriptor, bytes(17))
    os.close(descriptor)


def test_nothing_looks_into_a_queue_and_the_reason_is_said() -> None:

    assert posix_mq.TELLS.peek is None
    with pytest.raises(Unsupported, match="BPF"):
        posix_mq.peek(None, None)  # type: ignore[arg-type]


THOUSAND = """
with open("/proc/sys/fs/mqueue/queues_max", "w") as limit: limit.write("1000")
for number in range(1000): os.close(opened(f"{ARGS[0]}-{number}", maxmsg=1, msgsize=8))
say(); stay()
"""


def test_a_thousand_queues_are_read_in_no_time(root: None, start: Start, named: Names) -> None:
    name = named("many")
    start(QUEUES + THOUSAND, name, command=IN_A_NAMESPACE)
    snapshot = look()
    found = [channel for channel in snapshot.channels if (channel.name or "").startswith(name)]
    assert len(found) == 1000
    (cost,) = [cost.seconds for cost in snapshot.costs if cost.part == "posix-mq"]
    assert cost < 2.0
