"""A listening socket that a child of another program has inherited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.model.channel import Channel
from ipcinspect.model.process import Process

_PASSES_SOCKETS_ON = frozenset(("systemd", "init", "inetd", "xinetd", "launchd", "s6-svscan", "runsv"))
"""Programs whose work it is to hand listeners to others (socket activation)."""


@dataclass(frozen=True)
class InheritedListener:
    """Held by a program of another name than its listener's, below it in the tree of processes."""

    ID = "inherited-listener"
    SEVERITY = "warning"
    NEEDS_WAITS = False
    EXPLANATION = Explanation(
        "A child that runs another program has a copy of its parent's listening socket, which was not closed on exec. "
        "When the parent ends, the port stays busy, and clients connect to somebody who never accepts.",
        "Among all descriptors that could be seen, the same listening socket is held by a parent and by a child of "
        "another name.",
        "Make the socket with SOCK_CLOEXEC, or close it in the child before exec. Now: end the child.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a listener."""
        for channel in judged.snapshot.channels:
            if channel.state not in _OF_LISTENERS:
                continue
            holders = {
                end.process.key: end.process for end in channel.endpoints if end.process and end.role == "listener"
            }
            heirs = [one for one in holders.values() if _has_inherited(one, holders.values())]
            if heirs:
                yield _finding(judged, channel, heirs)


_OF_LISTENERS = frozenset(("listening", "waiting-accept"))
"""States."""


def _has_inherited(process: Process, holders: Iterable[Process]) -> bool:
    """Whether its parent holds the same and is another program."""
    parent = next((one for one in holders if one.pid == process.ppid), None)
    return parent is not None and parent.comm != process.comm and parent.comm not in _PASSES_SOCKETS_ON


def _finding(judged: Judged, channel: Channel, heirs: list[Process]) -> Finding:
    names = [wording.process_name(one.key, judged.snapshot) for one in heirs]
    return Finding(
        rule=InheritedListener.ID,
        severity="warning",
        certainty="likely",
        message=f"{wording.some(names)} has inherited the listening socket {channel.name or channel.id} of its parent",
        remedy="SOCK_CLOEXEC in the parent, or close it in the child before exec",
        channels=(channel.key,),
        evidence=(Evidence("parent and child hold the same listening socket", "proc_pid_fd(5)"),),
        caveats=("a server may hand its socket to a worker of another name on purpose",),
    )
