"""The program leaves itself out of what it shows."""

from __future__ import annotations

from dataclasses import replace

from ipcinspect.inspector import without_process
from ipcinspect.model.channel import Channel
from ipcinspect.model.process import Descriptor, Process, ProcessKey
from ipcinspect.model.snapshot import Snapshot
from tests.fakes import channel, endpoint, process
from tests.fakes import snapshot as any_snapshot

SELF = ProcessKey(4000, 40000)
US = process(SELF.pid, starttime=SELF.starttime)
THEM, OTHERS = process(7), process(8)


def held(*holders: tuple[str, Process | None]) -> Channel:
    """A channel with these holders, as (side, process)."""
    return channel(1, ends=[endpoint(side, "both", holder, 3) for side, holder in holders])


def snapshot(*channels: Channel) -> Snapshot:
    """A snapshot with the observer's own process in it, as every live one has."""
    seen = any_snapshot(channels, [US])
    return replace(seen, host=replace(seen.host, observer=SELF))


def test_the_process_and_its_descriptors_go() -> None:
    table = (Descriptor(1, "file", "/x"),)
    before = replace(snapshot(held(("a", THEM))), descriptors={SELF.pid: table, 7: table})
    left = without_process(before, SELF)
    assert set(left.processes) == {7}
    assert set(left.descriptors) == {7}


def test_a_channel_of_others_stays_untouched() -> None:
    theirs = held(("a", THEM), ("b", OTHERS))
    assert without_process(snapshot(theirs), SELF).channels == (theirs,)


def test_a_channel_that_it_shares_keeps_the_ends_of_the_others() -> None:
    shared = held(("a", US), ("a", THEM), ("b", OTHERS))
    (left,) = without_process(snapshot(shared), SELF).channels
    assert [end.process for end in left.endpoints] == [THEM, OTHERS]


def test_what_it_has_of_such_a_channel_is_kept_for_who_asks_whether_there_are_more_ends() -> None:
    shared, theirs = held(("a", US), ("a", THEM), ("b", OTHERS)), held(("a", THEM))
    other = theirs._replace(key=theirs.key._replace(number=2))
    assert without_process(snapshot(shared, other), SELF).left_out == {shared.key: shared.endpoints[:1]}


def test_a_pipe_to_its_own_pager_goes_whole() -> None:
    plumbing = held(("a", US), ("b", THEM))
    assert without_process(snapshot(plumbing), SELF).channels == ()


def test_a_channel_that_nobody_visible_holds_stays() -> None:
    orphan = held(("a", None))
    assert without_process(snapshot(orphan), SELF).channels == (orphan,)


def test_a_channel_without_any_end_stays() -> None:
    queue = channel(1, "sysv-msg")
    assert without_process(snapshot(queue), SELF).channels == (queue,)


def test_a_segment_that_it_made_and_others_use_keeps_them() -> None:
    segment = channel(1, "sysv-shm", ends=[endpoint("a", "attached", THEM), endpoint("b", "creator", US)])
    (left,) = without_process(snapshot(segment), SELF).channels
    assert [end.process for end in left.endpoints] == [THEM]


def test_the_snapshot_before_is_not_changed() -> None:
    before = snapshot(held(("a", US), ("b", THEM)))
    without_process(before, SELF)
    assert len(before.channels) == 1
    assert SELF.pid in before.processes


def test_another_process_that_was_given_the_same_pid_stays() -> None:
    reused = process(SELF.pid, starttime=99)
    theirs = held(("a", reused), ("b", THEM))
    before = replace(snapshot(theirs), processes={SELF.pid: reused, 7: THEM})
    left = without_process(before, SELF)
    assert left.channels == (theirs,)
    assert set(left.processes) == {SELF.pid, 7}
