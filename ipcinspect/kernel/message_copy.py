"""Messages of a System V queue, copied without taking them out (MSG_COPY, msgop(2)).

The kernel copies the message at an index, under the queue's lock, and changes neither times nor last pids, nor wakes
anybody. Each copy walks from the front of the queue, so the number of copies is limited: the walks of a thousand
together take about as long as one of half a million steps. Between two copies the queue may move.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Sequence
from typing import NamedTuple

from ipcinspect.kernel.errors import Unsupported, translated
from ipcinspect.kernel.sysv import QueueDepth, queue_depth

_IPC_NOWAIT, _MSG_COPY = 0o4000, 0o40000
_TYPE = struct.Struct("@l")
_FIRST_BUFFER = 8192
_LARGEST_BUFFER = 64 << 20
"""Bytes; a buffer of that size the kernel allocates too, for each copy (load_msg in ipc/msgutil.c)."""
_MOST_MESSAGES = 1000
_ATTEMPTS = 3

_msgrcv = ctypes.CDLL(None, use_errno=True).msgrcv  # lets go of the interpreter lock: nothing is borrowed meanwhile
_msgrcv.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long, ctypes.c_int)
_msgrcv.restype = ctypes.c_ssize_t


class Message(NamedTuple):
    """One message."""

    type: int
    """mtype, as its sender chose it."""
    data: bytes
    """As much as was wanted."""
    size: int


class QueueCopy(NamedTuple):
    """The first messages of a queue."""

    messages: tuple[Message, ...]
    depth: QueueDepth | None
    """How much was in the queue afterwards; None where the kernel does not tell."""
    moved: bool
    """The queue moved while it was copied, again and again: a message between two may be missing."""


def copy_messages(msqid: int, most: int) -> QueueCopy:
    """The first messages of a queue of our IPC namespace, `most` bytes of them altogether.

    Raises Vanished, Denied (it needs the right to read the queue) or Unsupported.
    """
    copier = _Copier(msqid)
    for _ in range(_ATTEMPTS):
        before = queue_depth(msqid)
        messages = copier.first(most)
        after = queue_depth(msqid)
        moved = before != after or not copier.still_holds(messages)
        if not moved:
            break
    return QueueCopy(tuple(messages), after, moved)


class _Copier:
    """Grows its buffer as messages need it: one that is too small for the message is refused."""

    def __init__(self, msqid: int) -> None:
        self._msqid = msqid
        self._size = _FIRST_BUFFER
        self._buffer = ctypes.create_string_buffer(_TYPE.size + self._size)

    def first(self, most: int) -> list[Message]:
        """The first messages, `most` bytes of them altogether. Raises as `copy_messages`."""
        messages: list[Message] = []
        while most > 0 and len(messages) < _MOST_MESSAGES:
            message = self.message(len(messages), most)
            if message is None:
                break
            messages.append(message)
            most -= max(len(message.data), 1)  # an empty one costs a line, too
        return messages

    def still_holds(self, messages: Sequence[Message]) -> bool:
        """Whether the first and the last of these stand where they stood. Raises as `copy_messages`."""
        places = {0, len(messages) - 1} if messages else ()
        return all(self.message(place, len(messages[place].data)) == messages[place] for place in places)

    def message(self, place: int, most: int) -> Message | None:
        """The message at a place; None where the queue ends before it. Raises as `copy_messages`."""
        while True:
            got: int = _msgrcv(self._msqid, self._buffer, self._size, place, _IPC_NOWAIT | _MSG_COPY)
            if got >= 0:
                (kind,) = _TYPE.unpack_from(self._buffer)
                return Message(kind, ctypes.string_at(ctypes.addressof(self._buffer) + _TYPE.size, min(got, most)), got)
            number = ctypes.get_errno()
            if number == errno.ENOMSG:
                return None
            if number != errno.E2BIG or self._size >= _LARGEST_BUFFER:
                raise self._refusal(number)
            self._size *= 2
            self._buffer = ctypes.create_string_buffer(_TYPE.size + self._size)

    def _refusal(self, number: int) -> Exception:
        if number == errno.ENOSYS:
            return Unsupported("this kernel cannot copy messages: it was built without CHECKPOINT_RESTORE")
        if (
            number == errno.EINVAL and queue_depth(self._msqid) is not None
        ):  # the queue is there: its message is refused
            return Unsupported("a message is longer than msgmax, which was lowered: the kernel copies none beyond it")
        return translated(OSError(number, os.strerror(number)), f"message queue {self._msqid}")
