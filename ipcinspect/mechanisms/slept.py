"""What threads sleep in, as far as it is known before descriptors of processes are read: all that `why` looks at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ipcinspect.kernel.walk import ProcessFacts


class Slept(NamedTuple):
    """In which descriptors threads sleep."""

    descriptors: Mapping[int, frozenset[int]]
    """By pid, those that its threads gave to the calls that they sleep in."""
    inodes: frozenset[int]
    """What is watched through an epoll: the number as which it was added may mean another file by now."""

    def inodes_of(self, facts: Iterable[ProcessFacts]) -> set[int]:
        """Of the pipes and sockets in which somebody sleeps."""
        found = set(self.inodes)
        for each in facts:
            slept_in = self.descriptors.get(each.pid)
            if slept_in:
                found.update(end.inode for end in each.table.pipes if end.fd in slept_in)
                found.update(end.inode for end in each.table.sockets if end.fd in slept_in)
        return found

    def has_anonymous(self, facts: Iterable[ProcessFacts]) -> bool:
        """Whether somebody sleeps in something that has no file behind it: an eventfd, an epoll."""
        return any(
            end.file is None and end.fd in slept_in
            for each in facts
            if (slept_in := self.descriptors.get(each.pid))
            for end in each.table.others
        )
