"""What a unix channel tells beside what every channel has."""

from __future__ import annotations

from ipcinspect.model.channel import Field

NAME = "unix"

FIELDS = (
    Field("type", "Type", None, "stream, dgram or seqpacket"),
    Field("pairing", "Pairing", None, "socketpair, connection, listener, receiver or single"),
    Field("backlog", "Backlog", None, "listener: clients that may wait to be accepted (listen(2))"),
    Field("pending", "Waiting clients", None, "listener: clients that wait to be accepted"),
    Field("shut_a", "Shut by a", None, "directions that end a has shut: receive, send, both (shutdown(2))"),
    Field("shut_b", "Shut by b", None, "directions that end b has shut: receive, send, both (shutdown(2))"),
    Field("uid_a", "Owner of a", "uid", "user id that made the socket of end a (UNIX_DIAG_UID)"),
    Field("uid_b", "Owner of b", "uid", "user id that made the socket of end b (UNIX_DIAG_UID)"),
    Field("in_flight", "In flight", "descriptors", "sent over it and not received yet (scm_fds in fdinfo)"),
)
