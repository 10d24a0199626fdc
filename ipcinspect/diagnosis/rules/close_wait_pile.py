"""Connections that the other side has ended and this side does not close."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.mechanisms import field_of
from ipcinspect.model.channel import Channel
from ipcinspect.model.process import ProcessKey


@dataclass(frozen=True)
class CloseWaitPile:
    """Many TCP connections of one process in CLOSE_WAIT."""

    most: int = 10
    """Of one process; a few are there whenever clients leave."""

    ID = "close-wait-pile"
    SEVERITY = "warning"
    NEEDS_WAITS = False
    EXPLANATION = Explanation(
        "A process has many TCP connections whose other side has said its end. It has not closed its own ends: it "
        "leaks descriptors, or it hangs.",
        "sock_diag(7) tells the state CLOSE_WAIT of its sockets.",
        "See whether it hangs (ipcinspect why PID); in the program close a connection when recv() gives 0.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a process."""
        piles: dict[ProcessKey, list[Channel]] = {}
        for channel in judged.snapshot.channels:
            if channel.mechanism == "tcp" and _STATE in channel.fields:
                waiting = {side for side in "ab" if field_of(channel, f"state_{side}") == _STATE}
                holders = {e.process.key for e in channel.endpoints if e.process is not None and e.side in waiting}
                for key in holders:
                    piles.setdefault(key, []).append(channel)
        for key, channels in sorted(piles.items()):
            if len(channels) >= self.most:
                who = wording.process_name(key, judged.snapshot)
                yield Finding(
                    rule=self.ID,
                    severity="warning",
                    certainty="exact",
                    message=f"{who} has not closed {len(channels)} connections that the other side has ended",
                    remedy=f"ipcinspect why {key.pid} tells whether it hangs; close when recv() gives 0",
                    channels=tuple(one.key for one in channels[:_TOLD]),
                    evidence=(Evidence(f"{len(channels)} of its sockets are in CLOSE_WAIT", "sock_diag(7)"),),
                )


_TOLD = 16
_STATE = "CLOSE_WAIT"
