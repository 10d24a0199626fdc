"""What fits into a channel of this machine, told before one is made: the longest message, and how many wait at once.

After it was made, the room itself tells the longest message (`Handover.most_bytes`); the kernel has the last word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ipcinspect.mechanisms import demo_ring

LARGEST_SIZE = 16 << 20
"""Bytes of one message that a demo sends at most: each process holds it, and so does what stands between them."""
MOST_MESSAGES = 1000

_PAGE = 4096
_PIPE_PAGES = 16
"""What pipe(2) gives (pipe(7)); less where the user has very many pipes (pipe-user-pages-soft)."""
_UDP_HEADERS = {"ipv4": 28, "ipv6": 8}
"""Bytes that the 16 bits of the length count beside the data: IPv6 does not count its own header."""
_LONGEST_DATAGRAM = 65535
_SKB = 256
"""struct sk_buff as allocated; `_SKB_TAIL` is struct skb_shared_info behind the data (net/core/skbuff.c)."""
_SKB_TAIL = 320
_UNIX_STREAMS = ("stream", "abstract", "socketpair")
_PTY_BYTES = 4095
"""N_TTY_BUF_SIZE less one: from there on the kernel does not tell how much waits."""
_TCP_BYTES = 65536
"""A receiver that does not read takes about the half of the usual net.ipv4.tcp_rmem; more only as it reads."""
_LARGEST_SEMAPHORE = 32767
"""SEMVMX (semop(2))."""


class Longest(NamedTuple):
    """The longest single message."""

    size: int
    told_by: str
    """Where that stands: a file of the kernel, or a name of its source."""


class AtOnce(NamedTuple):
    """How many messages can wait to be read."""

    messages: int
    why: str
    """`a pipe holds 16 pages`."""


class Machine(NamedTuple):
    """Where the limits of this machine are read."""

    root: str
    """Of /proc."""

    def number(self, name: str, otherwise: int) -> int:
        """What a file below /proc/sys says; `otherwise` where it says nothing."""
        try:
            with open(f"{self.root}/sys/{name}", encoding="ascii") as file:
                return int(file.read(32))
        except (OSError, ValueError):
            return otherwise


def longest(mechanism: str, variant: str, machine: Machine) -> Longest:
    """The longest message that a new channel of this kind takes."""
    known = _LONGEST[mechanism](variant, machine) if mechanism in _LONGEST else None
    return known if known is not None else Longest(LARGEST_SIZE, "what a demo sends at most")


def at_once(mechanism: str, variant: str, size: int, carries_payload: bool, machine: Machine) -> AtOnce:
    """How many messages of `size` bytes a new channel of this kind holds while nobody reads."""
    if not carries_payload:
        return AtOnce(_LARGEST_SEMAPHORE, f"a semaphore counts to {_LARGEST_SEMAPHORE}")
    count = _AT_ONCE.get(mechanism, _of_memory)
    return count(variant, size, machine)


def _of_send_buffer(machine: Machine) -> Longest:
    overhead = 32  # net/unix/af_unix.c: len > sk->sk_sndbuf - 32 is EMSGSIZE
    return Longest(machine.number("net/core/wmem_default", 212992) - overhead, "net.core.wmem_default")


def _of_datagram(variant: str, machine: Machine) -> Longest:
    headers = _UDP_HEADERS["ipv6" if "6" in variant else "ipv4"]
    buffer = machine.number("net/core/wmem_default", 212992)
    whole = _LONGEST_DATAGRAM - headers
    return Longest(whole, "a UDP datagram has no more") if whole < buffer else Longest(buffer, "net.core.wmem_default")


def pipe_holds(size: int, pages: int = _PIPE_PAGES) -> int:
    """Writes of `size` bytes that a pipe takes: a write adds to the last page only where its odd bytes fit there."""
    used = last = written = 0
    while True:
        odd, rest = size % _PAGE, size
        if used and odd and last + odd <= _PAGE:
            last += odd
            rest -= odd
        used += -(-rest // _PAGE)
        if used > pages:
            return written
        if rest:
            last = rest % _PAGE or _PAGE
        written += 1


def _of_pipe(variant: str, size: int, machine: Machine) -> AtOnce:
    if variant == "packet":
        return AtOnce(_PIPE_PAGES, f"each packet takes one of the pipe's {_PIPE_PAGES} pages")
    return AtOnce(pipe_holds(size), f"a pipe has {_PIPE_PAGES} pages of {_PAGE} bytes")


def _truesize(size: int) -> int:
    """Kernel memory charged for one message (never less: longer ones lie in whole pages)."""
    if size + _SKB_TAIL > 2 * _PAGE:
        return _SKB + 2 * _PAGE + -(-size // _PAGE) * _PAGE
    return _SKB + max(512, 1 << (size + _SKB_TAIL - 1).bit_length())


def _of_unix(variant: str, size: int, machine: Machine) -> AtOnce:
    buffer = machine.number("net/core/wmem_default", 212992)
    held = buffer // _truesize(size)
    if size <= buffer or variant not in _UNIX_STREAMS:
        held = max(held, 1)
    if "dgram" in variant:
        queued = machine.number("net/unix/max_dgram_qlen", 10)
        if queued < held:
            return AtOnce(queued, f"net.unix.max_dgram_qlen is {queued}")
    return AtOnce(held, f"the kernel's memory for each counts against net.core.wmem_default, {buffer}")


def _of_udp(variant: str, size: int, machine: Machine) -> AtOnce:
    buffer = machine.number("net/core/rmem_default", 212992)
    return AtOnce(
        buffer // _truesize(size), f"the kernel's memory for each counts against net.core.rmem_default, {buffer}"
    )


def _of_system_v(variant: str, size: int, machine: Machine) -> AtOnce:
    whole = machine.number("kernel/msgmnb", 16384)
    return AtOnce(whole // size, f"kernel.msgmnb gives a queue {whole} bytes")


def _of_system_v_message(machine: Machine) -> Longest:
    """A message longer than its queue may hold waits for ever (msgsnd(2))."""
    longest, whole = machine.number("kernel/msgmax", 8192), machine.number("kernel/msgmnb", 16384)
    return Longest(longest, "kernel.msgmax") if longest <= whole else Longest(whole, "kernel.msgmnb")


def _of_posix_queue(variant: str, size: int, machine: Machine) -> AtOnce:
    most = machine.number("fs/mqueue/msg_max", 10)
    return AtOnce(most, f"fs.mqueue.msg_max is {most}")


def _of_memory(variant: str, size: int, machine: Machine) -> AtOnce:
    return AtOnce(demo_ring.fits(size), f"a demo takes at most {demo_ring.MOST} bytes of memory")


_LONGEST: dict[str, Callable[[str, Machine], Longest | None]] = {
    "pipe": lambda variant, machine: Longest(_PAGE, "a packet has at most PIPE_BUF") if variant == "packet" else None,
    "unix": lambda variant, machine: None if variant in _UNIX_STREAMS else _of_send_buffer(machine),
    "udp": _of_datagram,
    "sysv-msg": lambda variant, machine: _of_system_v_message(machine),
    "posix-mq": lambda variant, machine: Longest(
        machine.number("fs/mqueue/msgsize_max", 8192), "fs.mqueue.msgsize_max"
    ),
    **dict.fromkeys(
        ("sysv-shm", "posix-shm", "memfd", "shared-anon", "mmap"),
        lambda variant, machine: Longest(demo_ring.LONGEST, f"a demo takes at most {demo_ring.MOST} bytes of memory"),
    ),
}
"""Whatever is not here, or None, is a stream of bytes."""
_AT_ONCE: dict[str, Callable[[str, int, Machine], AtOnce]] = {
    "pipe": _of_pipe,
    "fifo": _of_pipe,
    "unix": _of_unix,
    "tcp": lambda variant, size, machine: AtOnce(
        _TCP_BYTES // size, f"a receiver that does not read takes about {_TCP_BYTES} bytes"
    ),
    "udp": _of_udp,
    "sysv-msg": _of_system_v,
    "posix-mq": _of_posix_queue,
    "pty": lambda variant, size, machine: AtOnce(_PTY_BYTES // size, f"a terminal holds {_PTY_BYTES} bytes"),
}
"""Whatever is not here is memory."""
