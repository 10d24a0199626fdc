"""How often the bytes of a message are copied between the sender's memory and the receiver's: read, not measured.

Only what the mechanism itself does counts; a program may add copies of its own. Where nobody has counted, nothing is
said: a terminal hands bytes on through its buffers in ways that depend on the kernel's version.
"""

from __future__ import annotations

from typing import NamedTuple


class Copies(NamedTuple):
    """A number and where it is to be read."""

    number: int
    source: str


_RING = Copies(2, "the demo's ring: into a place and out of it; a program that works in the memory itself copies none")
COPIES = {
    "pipe": Copies(2, "fs/pipe.c: copy_page_from_iter in pipe_write, copy_page_to_iter in pipe_read"),
    "fifo": Copies(2, "fs/pipe.c, as a pipe"),
    "unix": Copies(2, "net/unix/af_unix.c: skb_copy_datagram_from_iter, skb_copy_datagram_msg"),
    "tcp": Copies(2, "net/ipv4/tcp.c: skb_copy_to_page_nocache, skb_copy_datagram_msg; loopback passes the buffer on"),
    "udp": Copies(2, "net/ipv4/udp.c: ip_generic_getfrag, skb_copy_datagram_msg; loopback passes the buffer on"),
    "sysv-msg": Copies(2, "ipc/msgutil.c: load_msg, store_msg"),
    "posix-mq": Copies(2, "ipc/msgutil.c: load_msg, store_msg, called from ipc/mqueue.c"),
    "sysv-shm": _RING,
    "posix-shm": _RING,
    "memfd": _RING,
    "shared-anon": _RING,
    "mmap": _RING,
}
"""By mechanism. What carries no bytes copies none, and has no row here."""
