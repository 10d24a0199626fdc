"""Somebody who has not been read is never taken for not being there, however fast processes come and go."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ipcinspect.kernel.descriptors import Table
from ipcinspect.kernel.errors import Denied, KernelError, Vanished
from ipcinspect.kernel.newcomers import Newcomers, read_newcomers
from ipcinspect.kernel.walk import ProcessFacts

STAT = "{pid} (some) S 1 {group} {group} 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {pid} 0 0 " + "0 " * 14 + "0 0 0\n"
LEADER = 10
WITHIN_S = 0.05


def facts(pid: int, group: int) -> ProcessFacts:
    """As a walk reads it, with no descriptors."""
    nothing = Table([], [], [], [], 0, 0, 0)
    row = ("some", "S", 1, 0, 1, pid, 0, -1, group)
    return ProcessFacts(pid, *row, 0, None, None, None, None, None, None, nothing, [], ())


class Machine:
    """A /proc in which what is read may make others come and go."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.asked: list[list[int]] = []
        self.begin(LEADER, LEADER)

    def begin(self, pid: int, group: int) -> None:
        """A new process."""
        (self._root / str(pid)).mkdir()
        (self._root / str(pid) / "stat").write_text(STAT.format(pid=pid, group=group))

    def end(self, pid: int) -> None:
        """One that is gone."""
        shutil.rmtree(self._root / str(pid))

    def look(self, answer: Callable[[int], ProcessFacts | KernelError]) -> Newcomers:
        """After the leader alone was read."""

        def run(pids: Sequence[int]) -> tuple[list[ProcessFacts | KernelError], list[int]]:
            self.asked.append(list(pids))
            return [answer(pid) for pid in pids], []

        return read_newcomers(str(self._root), [facts(LEADER, LEADER)], [], run, WITHIN_S)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_where_nobody_came_nobody_is_read_again(machine: Machine) -> None:
    assert machine.look(lambda pid: pytest.fail("nobody is new")) == Newcomers([], True, frozenset())


def test_who_came_is_read_once_and_then_all_are_known(machine: Machine) -> None:
    machine.begin(20, 20)
    assert machine.look(lambda pid: facts(pid, 20)) == Newcomers([facts(20, 20)], True, frozenset())
    assert machine.asked == [[20]]


def test_who_refuses_has_been_asked(machine: Machine) -> None:
    machine.begin(20, 20)
    assert machine.look(lambda pid: Denied("hidden")) == Newcomers([], True, frozenset())


def handed_on(machine: Machine, group: int, answer: Callable[[int], ProcessFacts | KernelError]) -> Newcomers:
    """One after the other, each of which begins the next one and ends before it is read."""

    def read(pid: int) -> ProcessFacts | KernelError:
        machine.end(pid)
        machine.begin(pid + 1, group)
        return answer(pid)

    machine.begin(20, group)
    return machine.look(read)


def test_who_is_handed_on_unread_in_a_group_that_is_known_leaves_that_group_in_doubt(machine: Machine) -> None:
    assert handed_on(machine, LEADER, lambda pid: Vanished("gone")) == Newcomers([], True, frozenset((LEADER,)))


def test_who_is_handed_on_unread_in_a_group_of_its_own_leaves_all_in_doubt(machine: Machine) -> None:
    assert handed_on(machine, 20, lambda pid: Vanished("gone")) == Newcomers([], False, frozenset())


def test_whoever_was_read_when_it_had_begun_the_next_one_proves_nothing(machine: Machine) -> None:
    """As a zombie is, which has no descriptors any more."""
    came = handed_on(machine, LEADER, lambda pid: facts(pid, LEADER))
    assert came.facts
    assert (came.settled, came.groups) == (True, {LEADER})
