"""A real comparison, as short as can be: every case of the register plays, and nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ipcinspect.demo.compare import contest as contest_module
from ipcinspect.demo.compare import figures
from ipcinspect.demo.compare.bench import start_pair
from ipcinspect.demo.compare.cases import FULL, NONE, SIZES, Case
from ipcinspect.demo.compare.contest import THIS_MACHINE, Contest, Effort
from ipcinspect.demo.compare.copies import COPIES
from ipcinspect.demo.limits import Machine
from ipcinspect.demo.runner import DemoPair
from ipcinspect.mechanisms.demo_part import Terms
from tests.demo.test_nothing_is_left import assert_ended

BRIEF = Effort(2, 1, 0.001, 10.0, 600.0)


@pytest.mark.timeout(120)
def test_every_case_is_measured_at_every_size_that_it_can_carry_and_leaves_nothing() -> None:
    pairs: list[DemoPair] = []

    def start(case: Case, terms: Terms) -> DemoPair:
        pair = start_pair(case, terms)
        assert isinstance(pair, DemoPair)
        pairs.append(pair)
        return pair

    with contextlib.closing(Contest(FULL, BRIEF, start)) as contest:
        for _ in contest:
            pass
    found = contest.results()
    for case in FULL:
        for size in case.sizes:
            row = found.row(case, size)
            assert row is not None
            assert row.reason == case.refusal(size, THIS_MACHINE), row
            assert (row.round_trip is None) == (row.reason is not None)
            assert (row.one_way is None) == (row.reason is not None or size == NONE)
    assert len(pairs) == len(FULL)
    assert_ended(*(pid for pair in pairs for pid in (pair.maker_pid, pair.sender_pid, pair.receiver_pid)))


def test_a_mechanism_that_the_kernel_refuses_to_make_is_a_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A queue for messages longer than the kernel's limit, because the program was told a higher one."""
    settings = tmp_path / "sys/fs/mqueue"
    settings.mkdir(parents=True)
    (settings / "msgsize_max").write_text("100000000")
    machine = Machine(str(tmp_path))
    queue = Case("posix-mq", "queue")
    with contextlib.closing(Contest([queue], BRIEF, start_pair, machine=machine)) as contest:
        assert list(contest)[-1].done == pytest.approx(1)
    reasons = {row.reason for row in contest.results()}
    assert len(reasons) == 1
    reason = reasons.pop()
    assert reason is not None
    assert reason.startswith(("EINVAL: ", "EMFILE: "))
    assert "msgsize_max" in reason or "RLIMIT_MSGQUEUE" in reason, "the limit in the way"


def test_every_mechanism_that_carries_bytes_tells_its_copies_or_is_known_not_to() -> None:
    carrying = {case.mechanism for case in FULL if case.demo.carries_payload}
    assert carrying - set(COPIES) == {"pty"}
    assert set(COPIES) <= carrying
    assert all(copies.number >= 1 and copies.source for copies in COPIES.values())


def test_labels_and_sizes_tell_the_cases_apart() -> None:
    assert len({case.label for case in FULL}) == len(FULL)
    assert figures.outside(contest_module.QUICKLY.rounds) == 1
    assert figures.outside(contest_module.FULLY.rounds) > 1
    assert list(SIZES) == sorted(SIZES)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounts a file system of its own")
def test_memory_that_a_full_file_system_has_no_pages_for_is_a_row_with_that_reason() -> None:
    """And no half dies of the signal that a store into it would raise."""
    inside = (
        "mount --make-rprivate / && mount -t tmpfs -o size=64k,mode=1777 none /dev/shm && "
        'exec "$0" -m ipcinspect compare --quick --json posix-shm'
    )
    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", inside, sys.executable], capture_output=True, text=True, timeout=60, check=False
    )
    rows = json.loads(ran.stdout)["compare"]
    assert len(rows) > len(SIZES)
    assert {row["reason"] for row in rows} == {"ENOSPC: No space left on device"}
