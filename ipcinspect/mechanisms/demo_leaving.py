"""Takes what a demo left in the system out of it again; the process that made it may be dead by then."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Callable

from ipcinspect.kernel import mq_transfer, sysv
from ipcinspect.mechanisms.demo_part import Leaving

REMOVERS: dict[str, Callable[[str], None]] = {
    "path": os.unlink,
    "directory": os.rmdir,
    "sysv-msg": lambda number: sysv.remove_queue(int(number)),
    "sysv-sem": lambda number: sysv.remove_semaphores(int(number)),
    "sysv-shm": lambda number: sysv.remove_segment(int(number)),
    "posix-mq": mq_transfer.unlink,
}
"""By `Leaving.how`; each raises OSError."""

_COMMANDS = {
    "path": "rm {}",
    "directory": "rmdir {}",
    "sysv-msg": "ipcrm -q {}",
    "sysv-sem": "ipcrm -s {}",
    "sysv-shm": "ipcrm -m {}",
    "posix-mq": "mq_unlink {}",
}

_IS_GONE = frozenset((errno.ENOENT, errno.EINVAL, errno.EIDRM))
"""ENOENT of paths and queues; EINVAL and EIDRM of System V ids."""


def shown(leaves: Sequence[Leaving]) -> str:
    """What one would type to remove them all; for queues the calls, for which there is no command."""
    typed: dict[str, list[str]] = {}
    for leaving in leaves:
        command, _, rest = _COMMANDS[leaving.how].format(leaving.what).partition(" ")
        typed.setdefault(command, []).append(rest)
    return ", ".join(f"{command} {' '.join(rests)}" for command, rests in typed.items())


def remove(leaving: Leaving) -> None:
    """Remove it; its being gone already is fine. Raises OSError."""
    try:
        REMOVERS[leaving.how](leaving.what)
    except OSError as error:
        if error.errno not in _IS_GONE:
            raise
