"""TCP sockets over IPv4 and IPv6 (tcp(7)).

sock_diag(7) tells addresses, states and both queues; /proc/PID/fd tells who holds which inode. Two ends on this
machine are joined where one's four addresses are the other's reversed, in one network namespace, and nowhere else: a
translated address is left alone rather than guessed. An IPv4 address mapped into IPv6 is that IPv4 address. Which end
connected follows from who listens on its port; the kernel keeps no record of it.
States follow from the kernel's own, and `orphaned` from an inode of 0 (no file leads to it), never from who is visible.
"""

from __future__ import annotations

from ipcinspect.mechanisms import socket_contents, sockets
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Collected, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.mechanisms.tcp.channels import TcpTable
from ipcinspect.mechanisms.tcp.demo import DEMO
from ipcinspect.mechanisms.tcp.fields import FIELDS, NAME
from ipcinspect.model.channel import Channel
from ipcinspect.model.contents import Contents

__all__ = ["DEMO", "FIELDS", "NAME", "NEEDS_ALL_DESCRIPTORS", "TELLS", "WAITS", "collect", "peek"]

TELLS = Tells("descriptors", "bytes", socket_contents.ANNOUNCEMENT, ("data exchange",), "net")

NEEDS_ALL_DESCRIPTORS = False

WAITS = (
    Wait("connect", "client", "listener", "no answer"),
    Wait("accept4", "listener", "client", "empty"),
    Wait("recvfrom", "client", "server", "empty"),
    Wait("recvfrom", "server", "client", "empty"),
    Wait("sendto", "client", "server", "full"),
    Wait("sendto", "server", "client", "full"),
)


_PROTOCOLS = ("TCP", "TCPv6")
_NO_FIELDS = (None,) * len(FIELDS)


def collect(scan: Scan) -> Collected:
    """Every TCP socket in the namespaces that could be entered, as connections and listeners."""
    return Collected(TcpTable(scan).channels() + sockets.unlisted(scan, NAME, _PROTOCOLS, _NO_FIELDS), [])


def _no_source(address: bytes) -> str | None:
    """Bytes of a stream come from the other end."""
    return None


_FAMILY = socket_contents.Family(_no_source, keeps_at_sender=True)


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """What has arrived at each end and was not read."""
    return socket_contents.of_socket(peeking, channel, _FAMILY)
