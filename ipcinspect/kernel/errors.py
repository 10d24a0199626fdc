"""The errors of this floor. The collector turns each into a gap."""

from __future__ import annotations

import errno


class KernelError(Exception):
    """Something could not be read; the message says what, in plain words."""

    why = "unsupported"


class Vanished(KernelError):
    """The process or object went while it was looked at."""

    why = "vanished"


class Denied(KernelError):
    """The kernel refuses this observer."""

    why = "denied"


class Unsupported(KernelError):
    """This kernel has no such interface, or the sandbox around the observer forbids it (seccomp)."""

    why = "unsupported"


class TimedOut(KernelError):
    """The kernel did not answer within the deadline."""

    why = "timed out"


_VANISHED = frozenset((errno.ENOENT, errno.ESRCH, errno.EBADF, errno.EIDRM, errno.EINVAL))
_DENIED = frozenset((errno.EACCES, errno.EPERM))


def translated(error: OSError, what: str) -> KernelError:
    """The error of this floor for what a system call on a process or an object answered."""
    if error.errno in _DENIED:
        return Denied(what)
    if error.errno in _VANISHED:
        return Vanished(what)
    return Unsupported(f"{what}: {error.strerror}")
