"""Unix sockets: stream, datagram, seqpacket; named, abstract, socketpair (unix(7)).

sock_diag(7) tells every socket with its peer, queues and, for a listener, the clients that wait to be accepted;
/proc/PID/fd tells who holds which inode. Inodes of sockets are unique on the machine, so both ends are joined by
inode, also across network namespaces. Without sock_diag there are no peers: each socket then stands alone and its
state is unknown. What a datagram queue holds is known by its first message and by kernel memory, not by bytes.
Who may connect to a path is told where the kernel has its file in memory and that is the very file the socket is bound
to (UNIX_DIAG_VFS). Descriptors that wait in a socket to be received are counted by the kernel (`scm_fds`); what they
lead to stands nowhere. States follow from what the kernel says of the sockets (shutdown bits, a peer that is closed),
never from who is visible.
"""

from __future__ import annotations

from ipcinspect.kernel import sockaddr
from ipcinspect.mechanisms import socket_contents, sockets
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.room import Collected, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.mechanisms.unix.channels import UnixTable, name_in_words
from ipcinspect.mechanisms.unix.demo import DEMO
from ipcinspect.mechanisms.unix.fields import FIELDS, NAME
from ipcinspect.model.channel import Channel
from ipcinspect.model.contents import Contents
from ipcinspect.model.gap import Gap

__all__ = ["DEMO", "FIELDS", "NAME", "NEEDS_ALL_DESCRIPTORS", "TELLS", "WAITS", "collect", "peek"]

TELLS = Tells("descriptors", "bytes", socket_contents.ANNOUNCEMENT, ("data exchange", "splitting work"), "net")

NEEDS_ALL_DESCRIPTORS = False

WAITS = (
    Wait("connect", "client", "listener", "backlog full"),
    Wait("accept4", "listener", "client", "empty"),
    Wait("recvmsg", "reader", "writer", "empty"),
    Wait("sendmsg", "writer", "reader", "full"),
)


_PROTOCOLS = ("UNIX", "UNIX-STREAM")
_NO_FIELDS = (None,) * len(FIELDS)


def collect(scan: Scan) -> Collected:
    """Every unix socket in the namespaces that could be entered, as pairs, listeners, receivers and single ends."""
    table = UnixTable(scan)
    unnamed = table.unnamed_clients()
    rows = (
        Gap("clients of the listeners with very many waiting", "unsupported", unnamed),
        Gap("descriptors in flight in unix sockets", "unsupported", scan.in_flight.known),
        Gap("unix sockets of which is not told what is in flight in them", "unsupported", scan.in_flight.untold),
        Gap("unix sockets not asked for what is in flight in them", "timed out", scan.in_flight.unasked),
        Gap(
            "unix sockets not accepted yet that may have descriptors in flight",
            "unsupported",
            scan.in_flight.unaccepted,
        ),
    )
    gaps = [gap for gap in rows if gap.count]
    return Collected(table.channels() + sockets.unlisted(scan, NAME, _PROTOCOLS, _NO_FIELDS), gaps)


def _source_name(address: bytes) -> str | None:
    """The name that the sender of a message is bound to."""
    name = sockaddr.parse_unix(address)
    return name_in_words(name) if name else None


_FAMILY = socket_contents.Family(_source_name, carries_descriptors=True)


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """What waits in each direction; of datagrams and packets the first one."""
    return socket_contents.of_socket(peeking, channel, _FAMILY)
