"""What a POSIX queue tells beside what every channel has."""

from __future__ import annotations

from ipcinspect.model.channel import Field

NAME = "posix-mq"

FIELDS = (
    Field("max_messages", "Message limit", "messages", "mq_maxmsg: with so many in it a sender waits"),
    Field("max_message_bytes", "Longest message", "bytes", "mq_msgsize: what one message may have"),
    Field("notifies", "Notifies", None, "how its first message is announced: by signal, thread, nothing; or to nobody"),
    Field("notify_pid", "Registered", "pid", "who is told of it (mq_notify); nobody: nobody, or outside our namespace"),
    Field("notify_signal", "Signal", None, "number of the signal that announces it"),
    Field("mode", "Mode", "mode", "permission bits: who may send and receive"),
    Field("owner_uid", "Owner", "uid", "user id that owns it"),
    Field("unlinked", "Unlinked", None, "whether its name is gone: it goes with its last holder (nlink 0)"),
    Field("last_transfer", "Last transfer", "time", "mtime: last send or receive, before that its creation"),
    Field("writers", "Writers", None, "visible descriptors that may send"),
    Field("readers", "Readers", None, "visible descriptors that may receive"),
)
