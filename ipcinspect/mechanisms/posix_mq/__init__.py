"""POSIX message queues (mq_overview(7)).

The queues of an IPC namespace are files of a file system of its own, `mqueue`, that need not be mounted anywhere. With
the privilege to mount, it is mounted for the moment of the look and nowhere in the file tree: then every queue of the
namespace shows, also one that nobody has open. Without it, a mount that is there already tells the names, and visible
descriptors the rest: mq_open(3) by name and the mount tables prove that a descriptor is one of a queue, for the text of
its link looks like that of a file (`/name`).

mq_getattr(3) tells messages and limits, the text of the file bytes and who is registered for notification
(mq_notify(3)). Who holds it is known by descriptors. Not seen: what is in the messages (no system call reads one
without taking it), who sent them, and the queues of a namespace in which no process lives any more.
"""

from __future__ import annotations

from ipcinspect.kernel.errors import Unsupported
from ipcinspect.mechanisms.peeking import Peeking
from ipcinspect.mechanisms.posix_mq.channels import channels
from ipcinspect.mechanisms.posix_mq.demo import DEMO
from ipcinspect.mechanisms.posix_mq.fields import FIELDS, NAME
from ipcinspect.mechanisms.posix_mq.queues import Queues
from ipcinspect.mechanisms.room import Collected, Tells, Wait
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.channel import Channel
from ipcinspect.model.contents import Contents

__all__ = ["DEMO", "FIELDS", "NAME", "NEEDS_ALL_DESCRIPTORS", "TELLS", "WAITS", "collect", "peek"]

TELLS = Tells("descriptors", "bytes and messages", None, ("data exchange", "splitting work"), "ipc")

NEEDS_ALL_DESCRIPTORS = True

WAITS = (
    Wait("mq_receive", "reader", "writer", "empty"),
    Wait("mq_timedreceive", "reader", "writer", "empty"),
    Wait("mq_send", "writer", "reader", "full"),
    Wait("mq_timedsend", "writer", "reader", "full"),
)


def collect(scan: Scan) -> Collected:
    """Every queue of every IPC namespace that lets us in, and those that visible processes have open."""
    queues = Queues(scan)
    found = channels(scan, queues.found())
    return Collected(found, queues.gaps())


def peek(peeking: Peeking, channel: Channel) -> Contents:
    """Nothing can look inside. Raises Unsupported."""
    raise Unsupported("contents of a POSIX queue need BPF: no system call reads a message without taking it")
