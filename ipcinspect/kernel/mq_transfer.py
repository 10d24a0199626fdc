"""POSIX queues of a demo pair: make, send, receive, remove (mq_open(3), mq_send(3), mq_receive(3)).

Looking uses none of these. The two calls that may sleep let go of the interpreter lock.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from typing import Any

from ipcinspect.kernel.errors import Unsupported
from ipcinspect.kernel.libc import LIBC
from ipcinspect.kernel.mqueue import Question, function_of

_SLEEPY = ctypes.CDLL(None, use_errno=True)
_REASONS = {
    errno.EMFILE: "this user's message queues may hold no more bytes (RLIMIT_MSGQUEUE), or too many open files",
    errno.ENOSPC: "there are as many message queues as there may be (fs.mqueue.queues_max)",
    errno.EINVAL: "more or longer messages than a queue may have (fs.mqueue.msg_max, fs.mqueue.msgsize_max)",
    errno.ENOSYS: "this kernel or C library has no POSIX message queues",
}
"""What mq_open(3) means, where strerror(3) would send one the wrong way."""


class _MqAttr(ctypes.Structure):
    _fields_ = [
        ("flags", ctypes.c_long),
        ("maxmsg", ctypes.c_long),
        ("msgsize", ctypes.c_long),
        ("rest", ctypes.c_long * 5),
    ]


def _call(name: str, library: ctypes.CDLL = LIBC) -> Any:
    try:
        return function_of(name, library)
    except Unsupported as error:
        raise OSError(errno.ENOSYS, _REASONS[errno.ENOSYS], name) from error


def create(name: str, maxmsg: int, msgsize: int, mode: int = 0o600) -> None:
    """A queue that was not there before, for its owner alone by default. Raises OSError with the limit in the way."""
    attr = _MqAttr(0, maxmsg, msgsize)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    os.close(_opened(_call("mq_open")(os.fsencode(name), flags, ctypes.c_uint(mode), ctypes.byref(attr))))


def open_existing(name: str, mode: int) -> int:
    """A descriptor of a queue, `mode` O_RDONLY, O_WRONLY or O_RDWR. Raises OSError."""
    return _opened(_call("mq_open")(os.fsencode(name), mode))


def unlink(name: str) -> None:
    """The queue goes with its last descriptor. Raises OSError."""
    _checked(_call("mq_unlink")(os.fsencode(name)), "mq_unlink")


def send(fd: int, message: bytes, priority: int = 0) -> None:
    """Sleeps while the queue is full. Raises OSError."""
    sending(fd, priority)(message)


def sending(fd: int, priority: int = 0) -> Callable[[bytes], None]:
    """`send` for one queue and one priority. Raises OSError."""
    mq_send = _call("mq_send", _SLEEPY)
    mq_send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint)

    def send_one(message: bytes) -> None:
        _checked(mq_send(fd, message, len(message), priority), "mq_send")

    return send_one


def receive(fd: int) -> bytes:
    """The oldest of the messages of the highest priority; sleeps while there is none. Raises OSError."""
    return receiving(fd)()


def receiving(fd: int) -> Callable[[], bytes]:
    """`receive` for one queue, which is asked once for the longest message that it takes. Raises OSError."""
    question = Question()
    _checked(question(fd), "mq_getattr")
    most = question.answer().attributes.mq_msgsize
    buffer = ctypes.create_string_buffer(most)
    mq_receive = _call("mq_receive", _SLEEPY)
    mq_receive.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)

    def receive_one() -> bytes:
        return ctypes.string_at(buffer, _checked(mq_receive(fd, buffer, most, None), "mq_receive"))

    return receive_one


def _opened(fd: int) -> int:
    if fd < 0:
        number = ctypes.get_errno()
        raise OSError(number, _REASONS.get(number) or os.strerror(number), "mq_open")
    return fd


def _checked(answer: int, call: str) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), call)
    return answer
