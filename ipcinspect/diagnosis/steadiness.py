"""Since when threads have been in their waits: carried on from look to look as long as nothing about a wait changes."""

from __future__ import annotations

from dataclasses import replace

from ipcinspect.model.process import ProcessKey
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.model.wait import Sleepers, ThreadKey, Wait


class Steadiness:
    """Remembers the waits of the last look that had any."""

    def __init__(self) -> None:
        self._before: dict[ThreadKey, Wait] = {}
        self._at = 0.0

    def advance(self, snapshot: Snapshot) -> Snapshot:
        """The look with the moment from which each wait is known, by the scheduler or by looks before.

        As it is where no waits were read.
        """
        if not snapshot.waits:
            return snapshot
        now: dict[ThreadKey, Wait] = {}
        waits: dict[ProcessKey, Sleepers] = {}
        for key, sleepers in snapshot.waits.items():
            rows = tuple(self._carried_on(wait, snapshot.taken_at) for wait in sleepers.waits)
            now.update((wait.thread, wait) for wait in rows)
            waits[key] = sleepers._replace(waits=rows)
        self._before, self._at = now, snapshot.taken_at
        return replace(snapshot, waits=waits)

    def _carried_on(self, wait: Wait, taken_at: float) -> Wait:
        before = self._before.get(wait.thread)
        earlier = before.since if before is not None and _is_same(before, wait) else None
        since = min((moment for moment in (earlier, wait.since) if moment is not None), default=taken_at)
        return wait._replace(since=min(since, taken_at))  # the clock may have gone back


def _is_same(before: Wait, now: Wait) -> bool:
    """Whether it is the wait of the look before: the thread has not run since then."""
    return (
        before.switches is not None
        and before.switches == now.switches
        and before.call == now.call
        and before.arguments == now.arguments
    )
