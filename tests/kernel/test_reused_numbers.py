"""A number that was given to another process or thread between the two reads of a look is not taken for the first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipcinspect.mechanisms.waits import WaitLooks, relay
from ipcinspect.model.process import ProcessKey

STAT = "42 (stuck) S 1 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {starttime} 0 0 " + "0 " * 14 + "0 0 0\n"
STATUS = (
    "Name:\tstuck\nState:\tS (sleeping)\nNSpid:\t42\n"
    "voluntary_ctxt_switches:\t{switches}\nnonvoluntary_ctxt_switches:\t0\n"
)
READ = {"x86_64": 0, "aarch64": 63}
SYSCALL = "{number} 0x{fd:x} 0x7f0000001000 0x1 0x0 0x0 0x0 0x7ffd00000000 0x7f0000002000\n"


class FakeProc:
    """A /proc with the one process 42, which sleeps in read(2)."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self._process = root / "42"
        (self._process / "task" / "42").mkdir(parents=True)
        self.becomes(starttime=700, switches=5, fd=3)

    def becomes(self, starttime: int, switches: int, fd: int) -> None:
        """From now on the numbers mean this one."""
        if os.uname().machine not in READ:
            pytest.skip("calls of this machine are not known here")
        number = READ[os.uname().machine]
        for place in (self._process, self._process / "task" / "42"):
            (place / "stat").write_text(STAT.format(starttime=starttime))
        task = self._process / "task" / "42"
        (task / "status").write_text(STATUS.format(switches=switches))
        (task / "syscall").write_text(SYSCALL.format(number=number, fd=fd))


@pytest.mark.parametrize(
    ("later", "slept_on"),
    [
        ({"starttime": 700, "switches": 5, "fd": 3}, {42}),
        ({"starttime": 701, "switches": 5, "fd": 3}, set()),
        ({"starttime": 700, "switches": 6, "fd": 3}, set()),
        ({"starttime": 700, "switches": 5, "fd": 4}, set()),
    ],
    ids=["the same one", "another process", "another thread, or one that ran", "another call"],
)
def test_only_who_is_the_same_at_both_reads_slept_on(tmp_path: Path, later: dict[str, int], slept_on: set[int]) -> None:
    proc = FakeProc(tmp_path)
    looks = WaitLooks(proc.root, False, relay(lambda: None), lambda: None, apart_s=0.0)
    looks.begin([42])
    proc.becomes(**later)
    seen = looks.end()
    (key,) = seen.first
    assert key == ProcessKey(42, 700)
    assert [one.call for one in seen.first[key].blocked] == ["read"]
    assert seen.still[key] == frozenset(slept_on)
