"""Who holds which pseudo-terminal: descriptors sorted by (devpts device, number)."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from ipcinspect.kernel.anon_info import parse_tty_index
from ipcinspect.kernel.terminal import TerminalQuestion
from ipcinspect.mechanisms.pty.instances import Instances
from ipcinspect.mechanisms.scan import OtherHolder, Scan
from ipcinspect.model.gap import Gap

_MULTIPLEXER, _CONTROLLING = os.makedev(5, 2), os.makedev(5, 0)
_FIRST, _LAST = 136, 143
"""Major numbers of the slaves (Documentation/admin-guide/devices.txt)."""


class Place(NamedTuple):
    """One terminal."""

    device: int
    """Of the devpts file system."""
    number: int


def number_of(device: int) -> int | None:
    """The number of the pseudo-terminal that a device number means; None for any other device."""
    major = os.major(device)
    return (major - _FIRST) * 256 + os.minor(device) if _FIRST <= major <= _LAST else None


class Terminals:
    """The pseudo-terminals of one scan."""

    def __init__(self, scan: Scan) -> None:
        self.masters: dict[Place, list[OtherHolder]] = {}
        self.slaves: dict[Place, list[OtherHolder]] = {}
        self.hung_up: dict[Place, list[OtherHolder]] = {}
        """Slaves whose master is closed: their file has no name any more."""
        self.unplaced: set[int] = set()
        """Numbers of masters whose instance is not certain."""
        self._scan = scan
        self._lost = 0
        masters, behind = self._sort()
        self._place_masters(masters)
        for holder in behind:
            self._place_controlling(holder)

    def gaps(self) -> list[Gap]:
        """Descriptors of which it is not certain which terminal they are of."""
        gap = Gap("descriptors of terminals that could be of several", "unsupported", self._lost)
        return [gap] if gap.count else []

    def _sort(self) -> tuple[list[OtherHolder], list[OtherHolder]]:
        """Slaves to their places; masters, and descriptors of /dev/tty, to be placed with their help."""
        masters: list[OtherHolder] = []
        behind: list[OtherHolder] = []
        for holders in self._scan.files.values():
            first = holders[0].end.file
            if first is None or not stat.S_ISCHR(first.mode):
                continue
            opened = [holder for holder in holders if holder.end.is_open]
            number = number_of(first.rdev)
            if number is not None:
                for holder in opened:
                    file = holder.end.file
                    ended = file is not None and file.is_deleted
                    place = Place(first.device, number)
                    (self.hung_up if ended else self.slaves).setdefault(place, []).append(holder)
            elif first.rdev == _MULTIPLEXER:
                masters += opened
            elif first.rdev == _CONTROLLING:
                behind += opened
        return masters, behind

    def _place_masters(self, masters: list[OtherHolder]) -> None:
        instances = Instances(self._scan)
        for holder in masters:
            number = None if holder.end.info is None else parse_tty_index(holder.end.info)
            if number is None:
                self._lost += 1
                continue
            candidates = instances.candidates(holder)
            if not candidates or any(Place(covered, number) in self.slaves for covered in candidates[1:]):
                self._lost += 1
                self.unplaced.add(number)
            else:
                self.masters.setdefault(Place(candidates[0], number), []).append(holder)

    def _place_controlling(self, holder: OtherHolder) -> None:
        """By the number that the descriptor itself tells, and a slave of that number that the process holds.

        Where it holds none: the only terminal of that number, if nobody can hide another one.
        """
        question = TerminalQuestion()
        asked = self._scan.loans.ask(holder.process, holder.end, question)
        look = question.look
        if asked is None or look is None:
            self._lost += 1
            return
        number = None if look.device is None else number_of(look.device)
        if number is None:  # hung up, or the terminal of a console or a serial line
            return
        places = {place for place in (*self.slaves, *self.masters) if place.number == number}
        own = {place for place in places if any(one.process is holder.process for one in self.slaves.get(place, ()))}
        sure = own or (places if number not in self.unplaced and not self._scan.unreadable else set())
        if len(sure) == 1:
            self.slaves.setdefault(sure.pop(), []).append(holder)
        else:
            self._lost += 1
