"""For how long a thread has been in its wait, told by one look alone."""

from __future__ import annotations

import time

from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
from tests.live.conftest import Start
from tests.live.subjects import until


def test_since_when_a_thread_sleeps_is_known_at_first_sight_and_never_told_too_long(start: Start) -> None:
    """The scheduler remembers when it ran last; what it remembers is a little less than the truth, never more."""
    before = time.time()
    subject = start(
        "r, w = os.pipe(); say(r); threading.Thread(target=os.read, args=(r, 1), daemon=True).start(); stay()"
    )
    source = LiveSource()

    def slept_long() -> bool:
        seen = source.take(Want(waits=True))
        sleepers = seen.waits[seen.processes[subject.pid].key]
        moments = [wait.since for wait in sleepers.waits if wait.since is not None]
        assert all(moment >= before for moment in moments)
        return any(seen.taken_at - moment > 0.5 for moment in moments)

    until(slept_long, "a sleep of half a second to be known")
