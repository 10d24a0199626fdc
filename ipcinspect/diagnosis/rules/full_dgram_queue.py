"""A datagram socket that is full: everybody who sends to it sleeps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.finding import Evidence, Finding
from ipcinspect.diagnosis.rules.rule import Explanation, Judged
from ipcinspect.model.channel import Channel


@dataclass(frozen=True)
class FullDgramQueue:
    """A unix socket that receives datagrams, full, with its senders."""

    ID = "full-dgram-queue"
    SEVERITY = "warning"
    NEEDS_WAITS = False
    EXPLANATION = Explanation(
        "A unix datagram socket holds as many messages as it may (net.unix.max_dgram_qlen, or the senders' memory), "
        "and its owner does not read. Whoever sends to it sleeps, as programs that log do behind a full /dev/log.",
        "A sender's descriptor says that it could not be written to now (poll(2)), or a sender sleeps in sendto(2).",
        "See why the receiver does not read (ipcinspect why PID); restart it. In the program: send with MSG_DONTWAIT.",
    )

    def check(self, judged: Judged) -> Iterable[Finding]:
        """One finding a socket."""
        for channel in judged.snapshot.channels:
            if channel.mechanism == "unix" and channel.state == "full" and _receives(channel):
                yield _finding(judged, channel)


def _receives(channel: Channel) -> bool:
    return any(end.role == "reader" for end in channel.endpoints)


def _finding(judged: Judged, channel: Channel) -> Finding:
    snapshot = judged.snapshot
    readers = [end.process for end in channel.endpoints if end.role == "reader" and end.process is not None]
    writers = [end.process for end in channel.endpoints if end.role == "writer" and end.process is not None]
    owners = list(dict.fromkeys(wording.process_name(one.key, snapshot) for one in readers)) or ["its owner"]
    senders = wording.some(list(dict.fromkeys(wording.process_name(one.key, snapshot) for one in writers)))
    message = f"{channel.name or channel.id} is full and {wording.some(owners)} {wording.do(owners)} not read it"
    return Finding(
        rule=FullDgramQueue.ID,
        severity="warning",
        certainty="exact",
        message=f"{message}: {senders} cannot send" if senders else message,
        remedy=f"ipcinspect why {readers[0].pid} tells what it waits for" if readers else "see who should read it",
        channels=(channel.key,),
        evidence=(Evidence("a sender would sleep now", "poll(2) of a sender's descriptor"),),
    )
