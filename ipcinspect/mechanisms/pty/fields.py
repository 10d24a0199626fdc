"""The words of the room."""

from __future__ import annotations

from ipcinspect.model.channel import Field

NAME = "pty"

FIELDS = (
    Field("instance", "Instance", None, "device number of the devpts file system; several of them share the numbers"),
    Field("masters", "Masters", None, "visible descriptors of the side that drives it"),
    Field("slaves", "Slaves", None, "visible descriptors of the side that programs take for a terminal"),
    Field("foreground", "Foreground group", None, "process group that input goes to (TIOCGPGRP, tpgid)"),
    Field("foreground_name", "Foreground", None, "name of the first process of that group"),
    Field("session", "Session", None, "session whose controlling terminal it is (TIOCGSID)"),
    Field("session_name", "Session leader", None, "name of the process that leads the session"),
    Field("line_mode", "Line mode", None, "input is read by whole lines, and only those count as queued (ICANON)"),
    Field("echo", "Echo", None, "input is shown (ECHO)"),
    Field("timed_reads", "Timed reads", None, "a read without input ends after a time (MIN 0 and a TIME, termios(3))"),
    Field("owner_uid", "Owner", "uid", "user id that owns the slave's file"),
    Field("mode", "Mode", "mode", "permission bits of the slave's file: who may open it"),
)
