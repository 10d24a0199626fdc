"""One queue as a channel."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence

from ipcinspect.kernel import fdinfo
from ipcinspect.kernel.mqueue import QueueNow, Status
from ipcinspect.mechanisms.posix_mq.fields import NAME
from ipcinspect.mechanisms.posix_mq.queues import Queue
from ipcinspect.mechanisms.scan import OtherHolder, Scan
from ipcinspect.model.channel import Channel, Endpoint, Exposure, FieldValue, Namespaces, reach_of_mode
from ipcinspect.model.channel import Queue as Waiting
from ipcinspect.model.channel_key import ChannelKey

_ROLES = {os.O_RDONLY: ("b", "reader"), os.O_WRONLY: ("a", "writer"), os.O_RDWR: ("a", "both")}
_OPENED_AS_PATH = getattr(os, "O_PATH", 0o10000000)
_LIKE_A_SUFFIX = re.compile(r"@ipc:\[[0-9]+\]\Z")
_NOTIFIES = ("signal", "nothing", "thread")
"""By SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD (sigevent(3type))."""


def channels(scan: Scan, queues: Sequence[Queue]) -> list[Channel]:
    """Those queues that are still there."""
    is_complete = not scan.may_hide
    found: list[Channel] = []
    taken: set[str] = set()
    for queue in queues:
        ends = _endpoints(scan, queue)
        if not queue.is_listed and not ends:
            continue  # it went with its last holder
        name = _id(scan, queue)
        if name in taken:
            name = _id_of_place(queue)
        taken.add(name)
        found.append(_channel(scan, queue, name, ends, is_complete and len(ends) == len(queue.holders)))
    return found


def _channel(scan: Scan, queue: Queue, name: str, ends: Sequence[Endpoint], are_all: bool) -> Channel:
    attributes = queue.now.attributes if queue.now is not None else None
    readers = [end for end in ends if end.role != "writer"]
    is_shared_out = len({end.process.pid for end in readers if end.process is not None}) > 1
    return Channel(
        key=ChannelKey(NAME, *queue.place),
        id=name,
        aliases=(),
        mechanism=NAME,
        name=queue.name,
        state=_state(queue, has_ends=bool(ends) or not are_all),
        relation="splitting work" if is_shared_out else "data exchange",
        queues=(_waiting(queue.now),),
        capacity_bytes=attributes.mq_maxmsg * attributes.mq_msgsize if attributes is not None else None,
        namespaces=Namespaces(ipc=queue.namespace),
        created_at=None,
        endpoints=tuple(ends),
        fields=_fields(scan, queue, ends),
        exposure=_exposure(queue),
    )


def _state(queue: Queue, has_ends: bool) -> str:
    """Full is the kernel's own rule: a sender waits when mq_curmsgs is mq_maxmsg.

    A named queue without holders is orphaned when it is empty. One in which messages wait for a reader who is not there
    yet is ordinary life: that is what it is for.
    """
    if queue.now is None:
        return "unknown"
    attributes = queue.now.attributes
    if attributes.mq_curmsgs >= attributes.mq_maxmsg:
        return "full"
    if queue.file.is_deleted:
        return "marked-for-deletion"
    if attributes.mq_curmsgs:
        return "holding"
    return "idle" if has_ends else "orphaned"


def _waiting(now: QueueNow | None) -> Waiting:
    if now is None:
        return Waiting("b", None)
    attributes, status = now
    if not attributes.mq_curmsgs:
        size: int | None = 0
    else:
        size = status.qsize if status is not None else None
    fill = min(attributes.mq_curmsgs / attributes.mq_maxmsg, 1.0) if attributes.mq_maxmsg > 0 else None
    return Waiting("b", size, attributes.mq_curmsgs, fill=fill)


def _endpoints(scan: Scan, queue: Queue) -> list[Endpoint]:
    ends = []
    for holder in queue.holders:
        part = _part(scan, holder, queue.file.inode)
        if part is not None:
            ends.append(Endpoint(*part, holder.process, holder.end.fd, queue.file.inode))
    return ends


def _part(scan: Scan, holder: OtherHolder, inode: int) -> tuple[str, str] | None:
    """Side and role by the open mode; None for what is closed by now, and for O_PATH, which is no end."""
    text = holder.end.info or scan.fdinfo(holder.process, holder.end.fd)
    try:
        flags = fdinfo.parse_flags(text) if text is not None else _OPENED_AS_PATH
    except ValueError:
        return None
    if text is None or flags & _OPENED_AS_PATH or fdinfo.parse_inode(text) not in (None, inode):
        return None
    return _ROLES.get(flags & os.O_ACCMODE)


def _fields(scan: Scan, queue: Queue, ends: Sequence[Endpoint]) -> tuple[FieldValue, ...]:
    attributes, status = queue.now if queue.now is not None else (None, None)
    return (
        attributes.mq_maxmsg if attributes is not None else None,
        attributes.mq_msgsize if attributes is not None else None,
        _notifies(status),
        (status.notify_pid or None) if status is not None and scan.surroundings.pids_agree else None,
        (status.signo or None) if status is not None else None,
        stat.S_IMODE(queue.file.mode),
        queue.file.uid,
        queue.file.is_deleted,
        queue.file.mtime,
        sum(1 for end in ends if end.role != "reader"),
        sum(1 for end in ends if end.role != "writer"),
    )


def _notifies(status: Status | None) -> str | None:
    if status is None:
        return None
    if not (status.notify or status.signo or status.notify_pid):
        return "nobody"
    return _NOTIFIES[status.notify] if 0 <= status.notify < len(_NOTIFIES) else None


def _exposure(queue: Queue) -> Exposure:
    mode = stat.S_IMODE(queue.file.mode)
    return Exposure("holders" if queue.file.is_deleted else reach_of_mode(mode), queue.file.uid, mode)


def _id(scan: Scan, queue: Queue) -> str:
    """By name where that is exact; else by device and inode. A name can be chosen to look like another's id."""
    own = scan.surroundings.ipc_namespace
    if queue.file.is_deleted or queue.namespace is None:
        return _id_of_place(queue)
    if queue.namespace != own:
        return f"{NAME}:{queue.name}@ipc:[{queue.namespace}]"
    return _id_of_place(queue) if _LIKE_A_SUFFIX.search(queue.name) else f"{NAME}:{queue.name}"


def _id_of_place(queue: Queue) -> str:
    device, inode = queue.place
    return f"{NAME}:[{os.major(device)}:{os.minor(device)}:{inode}]"
