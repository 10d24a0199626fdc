"""The program leaves itself out of what it shows."""

from __future__ import annotations

from dataclasses import replace

from ipcinspect.inspector import without_process
from ipcinspect.model.process import Descriptor, ProcessKey
from tests.model.small_world import OBSERVER, channel, process, snapshot

SELF = ProcessKey(OBSERVER, 1)
US = process(OBSERVER)
THEM = process(7)


def test_the_process_and_its_descriptors_go() -> None:
    table = (Descriptor(1, "file", "/x"),)
    rows = {OBSERVER: table, 7: table}
    left = without_process(snapshot(channel("pipe:[1]", ends=[("a", THEM)]), descriptors=rows), SELF)
    assert set(left.processes) == {7}
    assert set(left.descriptors) == {7}


def test_a_channel_of_others_stays_untouched() -> None:
    theirs = channel("pipe:[1]", ends=[("a", THEM), ("b", process(8))])
    assert without_process(snapshot(theirs), SELF).channels == (theirs,)


def test_a_channel_that_it_shares_keeps_the_ends_of_the_others() -> None:
    shared = channel("pipe:[1]", ends=[("a", US), ("a", THEM), ("b", process(8))])
    (left,) = without_process(snapshot(shared), SELF).channels
    assert [end.process for end in left.endpoints] == [THEM, process(8)]


def test_a_pipe_to_its_own_pager_goes_whole() -> None:
    plumbing = channel("pipe:[1]", ends=[("a", US), ("b", THEM)])
    assert without_process(snapshot(plumbing), SELF).channels == ()


def test_a_channel_that_nobody_visible_holds_stays() -> None:
    orphan = channel("pipe:[1]", ends=[("a", None)])
    assert without_process(snapshot(orphan), SELF).channels == (orphan,)


def test_a_channel_without_any_end_stays() -> None:
    queue = channel("sysv-msg:[1]")
    assert without_process(snapshot(queue), SELF).channels == (queue,)


def test_the_snapshot_before_is_not_changed() -> None:
    before = snapshot(channel("pipe:[1]", ends=[("a", US), ("b", THEM)]))
    without_process(before, SELF)
    assert len(before.channels) == 1
    assert OBSERVER in before.processes


def test_another_process_that_was_given_the_same_pid_stays() -> None:
    reused = process(OBSERVER, starttime=99)
    theirs = channel("pipe:[1]", ends=[("a", reused), ("b", THEM)])
    before = replace(snapshot(theirs), processes={OBSERVER: reused, 7: THEM})
    left = without_process(before, SELF)
    assert left.channels == (theirs,)
    assert set(left.processes) == {OBSERVER, 7}
