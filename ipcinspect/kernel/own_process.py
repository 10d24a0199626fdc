"""What a process may set about itself alone (prctl(2))."""

from __future__ import annotations

from ipcinspect.kernel.libc import LIBC

_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36


def set_name(name: str) -> None:
    """Give the calling thread a name; of the first thread it is the process's `comm`. The kernel keeps 15 bytes."""
    LIBC.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, in place of pid 1 (PR_SET_CHILD_SUBREAPER).

    So descendants stay descendants, also those that detach: by their parents, and for Yama, which lets a process look
    into those below it (task_is_descendant in security/yama/yama_lsm.c follows real_parent).
    """
    LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
