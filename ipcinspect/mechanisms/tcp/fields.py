"""What a TCP channel tells beside what every channel has."""

from __future__ import annotations

from ipcinspect.model.channel import Field

NAME = "tcp"

FIELDS = (
    Field("state_a", "TCP state of a", None, "as in tcp(7) and RFC 9293; the end that connected"),
    Field("state_b", "TCP state of b", None, "as in tcp(7) and RFC 9293; none for an end on another host"),
    Field("send_queue_a", "Send queue of a", "bytes", "written by a, not acknowledged by b's kernel"),
    Field("receive_queue_a", "Receive queue of a", "bytes", "arrived at a, not read"),
    Field("send_queue_b", "Send queue of b", "bytes", "written by b, not acknowledged by a's kernel"),
    Field("receive_queue_b", "Receive queue of b", "bytes", "arrived at b, not read"),
    Field("backlog", "Backlog", None, "listener: connections that may wait to be accepted (listen(2))"),
    Field("pending", "Waiting clients", None, "listener: connections that wait to be accepted"),
)
