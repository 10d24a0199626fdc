"""What the requests of an io_uring are that wait for something: their kinds, which is all that the kernel tells.

/proc/PID/fdinfo/FD of a ring lists the armed ones under `PollList:`, each with the number of its kind and no
descriptor (io_uring/fdinfo.c). Work that the kernel's own threads do for it stands nowhere.
"""

from __future__ import annotations

from collections import Counter

_KINDS = (
    "nop", "readv", "writev", "fsync", "read_fixed", "write_fixed", "poll_add", "poll_remove", "sync_file_range",
    "sendmsg", "recvmsg", "timeout", "timeout_remove", "accept", "async_cancel", "link_timeout", "connect",
    "fallocate", "openat", "close", "files_update", "statx", "read", "write", "fadvise", "madvise", "send", "recv",
    "openat2", "epoll_ctl", "splice", "provide_buffers", "remove_buffers", "tee", "shutdown", "renameat", "unlinkat",
    "mkdirat", "symlinkat", "linkat", "msg_ring", "fsetxattr", "setxattr", "fgetxattr", "getxattr", "socket",
    "uring_cmd", "send_zc", "sendmsg_zc", "read_multishot", "waitid", "futex_wait", "futex_wake", "futex_waitv",
    "fixed_fd_install", "ftruncate", "bind", "listen", "recv_zc", "epoll_wait", "readv_fixed", "writev_fixed", "pipe",
)  # fmt: skip
"""By number: enum io_uring_op (include/uapi/linux/io_uring.h); numbers are never given anew."""
LIMIT = 1 << 16
"""Bytes of the text; a request takes about 25."""
_LIST = b"PollList:"
_KIND = b"op="


def parse_requests(text: bytes) -> dict[str, int]:
    """How many requests of each kind wait, by its name (`poll_add`); of one that is not known here by `op N`."""
    _, _, waiting = text[:LIMIT].partition(_LIST)
    kinds: Counter[str] = Counter()
    for line in waiting.split(b"\n")[1:]:
        word = line.strip().split(b",")[0]
        if not word.startswith(_KIND):
            break
        digits = word[len(_KIND) :]
        if digits.isdigit() and len(digits) <= 3:
            number = int(digits)
            kinds[_KINDS[number] if number < len(_KINDS) else f"op {number}"] += 1
    return dict(kinds)
