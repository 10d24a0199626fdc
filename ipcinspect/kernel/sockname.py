"""The protocol of a socket by its descriptor alone: the extended attribute system.sockprotoname (net/socket.c)."""

from __future__ import annotations

import os


def protocol_of(root: str, pid: int, fd: int, inode: int) -> str | None:
    """The kernel's name (`UNIX-STREAM`, `TCP`, `NETLINK`); None where it is refused, or another file by now.

    Asked only right after the link said that it is this socket: of a socket the kernel answers from memory.
    """
    path = f"{root}/{pid}/fd/{fd}"
    try:
        if os.readlink(path) != f"socket:[{inode}]":
            return None
        return os.fsdecode(os.getxattr(path, "system.sockprotoname").rstrip(b"\0"))
    except OSError:
        return None
