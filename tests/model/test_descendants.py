"""Descendants of a process, and the part of a snapshot that they have to do with."""

from __future__ import annotations

from ipcinspect.sources.descendants import descendants, only_of
from tests.fakes import pipe, process, snapshot

US, SH, MAKE, CC = (
    process(10, "us", ppid=1),
    process(11, "sh", ppid=10),
    process(12, "make", ppid=11),
    process(13, "cc", ppid=12),
)
ORPHAN, OTHER = process(14, "orphan", ppid=1), process(15, "other", ppid=1)
EVERYBODY = {one.pid: one for one in (process(1, "init"), US, SH, MAKE, CC, ORPHAN, OTHER)}


def test_everything_below_is_a_descendant_and_nothing_else() -> None:
    assert descendants(EVERYBODY, 10) == {11, 12, 13}
    assert descendants(EVERYBODY, 13) == frozenset()
    assert descendants(EVERYBODY, 1) == {10, 11, 12, 13, 14, 15}


def test_a_look_that_is_no_single_moment_may_have_circles() -> None:
    circle = {20: process(20, ppid=21), 21: process(21, ppid=20), 22: process(22, ppid=22), 23: process(23, ppid=None)}
    assert descendants({**EVERYBODY, **circle}, 10) == {11, 12, 13}


def test_who_is_across_stays_and_who_has_nothing_to_do_with_them_goes() -> None:
    inside, across, outside = pipe(1, MAKE, CC), pipe(2, MAKE, ORPHAN), pipe(3, ORPHAN, OTHER)
    seen = only_of(snapshot([inside, across, outside], EVERYBODY.values()), frozenset((11, 12, 13)))
    assert seen.channels == (inside, across)
    assert set(seen.processes) == {11, 12, 13, 14}
    assert set(seen.descriptors) == {12, 13, 14}
