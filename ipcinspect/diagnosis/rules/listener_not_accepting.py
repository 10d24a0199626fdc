"""A listener whose queue of clients is full: nobody accepts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.mechanisms import field_of
from ipcinspect.model.channel import Channel


@dataclass(frozen=True)
class ListenerNotAccepting:
    """As many clients wait as may."""

    ID = "listener-not-accepting"
    SEVERITY = "warning"
    NEEDS_WAITS = False
    EXPLANATION = Explanation(
        "As many clients wait to be accepted as the listener lets wait (listen(2)). Further ones sleep in connect(2) "
        "on a unix socket, and are not answered over TCP.",
        "sock_diag(7) tells the queue of a listener and its limit.",
        "See what the server does instead of accept(2): ipcinspect why PID. A larger backlog only delays it.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a listener."""
        for channel in judged.snapshot.channels:
            if channel.state != "waiting-accept":
                continue
            pending, backlog = field_of(channel, "pending"), field_of(channel, "backlog")
            if not isinstance(pending, int) or not isinstance(backlog, int):
                continue
            if pending >= max(backlog, 1):
                yield _finding(judged, channel, pending, backlog)


def _finding(judged: Judged, channel: Channel, pending: int, backlog: int) -> Finding:
    servers = [end.process for end in channel.endpoints if end.role == "listener" and end.process is not None]
    names = list(dict.fromkeys(wording.process_name(one.key, judged.snapshot) for one in servers))
    who = f"{wording.some(names)} {wording.do(names)} not accept" if names else "nobody visible accepts"
    clients = "1 client waits" if pending == 1 else f"{pending} clients wait"
    return Finding(
        rule=ListenerNotAccepting.ID,
        severity="warning",
        certainty="exact",
        message=f"{who} at {channel.name or channel.id}: {clients}, {backlog} may",
        remedy=f"ipcinspect why {servers[0].pid} tells what it does instead" if servers else "see who should accept",
        channels=(channel.key,),
        evidence=(Evidence(f"{pending} in the queue of a listener with backlog {backlog}", "sock_diag(7)"),),
    )
