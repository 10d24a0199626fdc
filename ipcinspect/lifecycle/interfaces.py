"""By which interface of the kernel each mechanism shows what its events rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Interfaces(NamedTuple):
    """Whom to believe of one mechanism."""

    fill: str
    """What tells how much is in it, and its state."""
    ends: str
    """What tells who takes part in it."""
    listed: bool
    """Whether the kernel has a table of all of them: then one that is gone from it is gone."""


_TABLES = "links in /proc/PID/fd"
_SOCKETS = Interfaces("sock_diag", _TABLES, True)
_MEMORY = Interfaces("lines of /proc/PID/maps", "lines of /proc/PID/maps", False)

INTERFACES: Mapping[str, Interfaces] = {
    "pipe": Interfaces("FIONREAD and poll", _TABLES, False),
    "fifo": Interfaces("FIONREAD and poll", _TABLES, False),
    "unix": _SOCKETS,
    "tcp": _SOCKETS,
    "udp": _SOCKETS,
    "netlink": _SOCKETS,
    "packet": _SOCKETS,
    "sysv-msg": Interfaces("table /proc/sysvipc/msg", "msg_lspid and msg_lrpid", True),
    "sysv-sem": Interfaces("table /proc/sysvipc/sem", "sempid", True),
    "sysv-shm": Interfaces("table /proc/sysvipc/shm", "lines of /proc/PID/maps", True),
    "posix-mq": Interfaces("mq_getattr", _TABLES, False),
    "posix-shm": Interfaces("/dev/shm", "lines of /proc/PID/maps", False),
    "posix-sem": Interfaces("/dev/shm", "lines of /proc/PID/maps", False),
    "memfd": _MEMORY,
    "shared-anon": _MEMORY,
    "mmap": _MEMORY,
    "eventfd": Interfaces("eventfd-count in fdinfo", _TABLES, False),
    "pty": Interfaces("FIONREAD and poll", _TABLES, False),
    "file-lock": Interfaces("table /proc/locks", "table /proc/locks", True),
    "futex": Interfaces("calls in /proc/PID/syscall", "calls in /proc/PID/syscall", False),
}
"""Of every mechanism."""
