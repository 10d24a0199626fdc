"""To look changes nothing for those who are stuck: strace(1) and gdb(1) dissolve such a deadlock."""

from __future__ import annotations

from pathlib import Path

from ipcinspect.inspector import Inspector
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.running_programs import Programs, running
from tests.live.stuck_programs import STUCK
from tests.live.subjects import until

_WANT = Want(waits=True, only_waited=True)


def told(programs: Programs) -> set[str | None]:
    """The programs of which a look says that they are stuck."""
    findings = Inspector(LiveSource()).observe(_WANT).findings
    return {programs.name_of(key.process.pid) for one in findings if one.rule == "deadlock" for key in one.threads}


def test_after_a_hundred_looks_each_is_stuck_as_before_and_no_thread_has_run(tmp_path: Path) -> None:
    """Looks whose two reads follow at once see all that longer ones see, a hundred times in the time of ten."""
    with running(STUCK, str(tmp_path)) as programs:
        hasty = Inspector(LiveSource(apart_s=0.005))

        def switches() -> dict[int, int | None]:
            waits = [one for sleepers in hasty.observe(_WANT).snapshot.waits.values() for one in sleepers.waits]
            return {one.thread.tid: one.switches for one in waits if programs.name_of(one.thread.tid) is not None}

        until(lambda: told(programs) >= STUCK.keys(), "every program that is stuck is found")
        before = switches()
        assert len(before) >= 2 * len(STUCK) - 5
        for _ in range(100):
            after = switches()
        assert {tid: after.get(tid) for tid in before} == before
        until(lambda: told(programs) >= STUCK.keys(), "all of them to be told as before")
