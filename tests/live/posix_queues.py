"""What the tests of POSIX message queues share: their names, calls for subjects, and how to find them in a look."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ipcinspect.kernel import mq_transfer
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot

QUEUES = """
class Attr(ctypes.Structure):
    _fields_ = [(n, ctypes.c_long) for n in ("flags", "maxmsg", "msgsize", "curmsgs", "a", "b", "c", "d")]
EVENT = ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_char * 48
class Event(ctypes.Structure):
    _fields_ = [(n, t) for n, t in zip(("value", "signo", "notify", "rest"), EVENT)]
def opened(name, flags=os.O_RDWR, mode=0o600, maxmsg=5, msgsize=64):
    os.umask(0)
    attr = Attr(0, maxmsg, msgsize)
    return checked(LIBC.mq_open(os.fsencode(name), flags | os.O_CREAT, ctypes.c_uint(mode), ctypes.byref(attr)))
def send(queue, data, priority=0):
    checked(LIBC.mq_send(queue, data, ctypes.c_size_t(len(data)), ctypes.c_uint(priority)))
def receive(queue):
    buffer = ctypes.create_string_buffer(8192)
    size = checked(LIBC.mq_receive(queue, buffer, ctypes.c_size_t(8192), None))
    return buffer.raw[:size]
def attributes(queue):
    attr = Attr()
    checked(LIBC.mq_getattr(queue, ctypes.byref(attr)))
    return [attr.maxmsg, attr.msgsize, attr.curmsgs]
def unlink(name): LIBC.mq_unlink(os.fsencode(name))
def ipc(): return os.stat("/proc/self/ns/ipc").st_ino
"""


IN_A_NAMESPACE = ("unshare", "--ipc")


Names = Callable[[str], str]


@pytest.fixture
def named() -> Iterator[Names]:
    """Names that nobody else has; what is still called so after the test is removed."""
    given: list[str] = []

    def name(word: str) -> str:
        given.append(f"/ipci-{os.getpid()}-{len(given)}-{word}")
        return given[-1]

    yield name
    for each in given:
        try:
            mq_transfer.unlink(each)
        except FileNotFoundError:
            continue


def queues(snapshot: Snapshot, name: str) -> list[Channel]:
    """The queues of that name, of whatever namespace."""
    return [channel for channel in snapshot.channels if (channel.mechanism, channel.name) == ("posix-mq", name)]


def queue_of(snapshot: Snapshot, name: str) -> Channel:
    """The only one."""
    (channel,) = queues(snapshot, name)
    return channel


WITHOUT_ITS_MOUNT = ("unshare", "--mount", "sh", "-c", 'umount -a -t mqueue; exec "$@"', "sh")


TELLS_QUEUES = """
import json, os
from ipcinspect.export.json_document import channels_document
from ipcinspect.model.snapshot import Want
from ipcinspect.sources.live import LiveSource
before = open("/proc/self/mountinfo").read(), len(os.listdir("/proc/self/fd"))
seen = LiveSource().take(Want(descriptors=True))
after = open("/proc/self/mountinfo").read(), len(os.listdir("/proc/self/fd"))
told = json.loads("".join(channels_document(seen, [c for c in seen.channels if c.mechanism == "posix-mq"])))
told["left nothing"] = before == after
told["mounted"] = " - mqueue " in after[0]
told["gaps"] = [[gap.what, gap.why, gap.count] for gap in seen.gaps]
print(json.dumps(told))
"""


def told(found: dict[str, Any], name: str) -> dict[str, Any]:
    """One queue of a document."""
    (one,) = [channel for channel in found["channels"] if channel["name"] == name]
    assert isinstance(one, dict)
    return one
