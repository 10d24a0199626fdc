"""What makes two sightings the same channel."""

from __future__ import annotations

from typing import NamedTuple


class ChannelKey(NamedTuple):
    """The identity of a channel within one boot of one host.

    kind   `pipe`, `fifo`, `socket`, `sysv-msg`, `sysv-sem`, `sysv-shm`, `mmap`, ...: names the number space
    space  what the number is unique in: the device for pipes, FIFOs, POSIX queues and mapped files (two tmpfs mounts
           give the same inode number to different files), the IPC namespace's inode for System V objects, 0 for
           sockets, whose inodes are unique machine-wide
    number the inode, or the System V id
    part   what lies inside of it: the offset of a futex word; 0 for all else
    """

    kind: str
    space: int
    number: int
    part: int = 0
