"""What a process may set about itself alone (prctl(2))."""

from __future__ import annotations

from ipcinspect.kernel.libc import LIBC

_PR_SET_NAME = 15


def set_name(name: str) -> None:
    """Give the calling thread a name; of the first thread it is the process's `comm`. The kernel keeps 15 bytes."""
    LIBC.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)
