"""What the demo of a room is asked, and what it answers, where the object is there already and the user named it.

Such a demo makes nothing, so it removes nothing. What each half will do to the object is said in sentences before
anything is done to it. A name may mean another object by then: a half that opens one by its path looks whether it is
still the one that was shown.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import NamedTuple

from ipcinspect.kernel.errors import Unsupported
from ipcinspect.mechanisms.demo_part import Calls
from ipcinspect.model.channel import Channel, Field, FieldValue

ROLES = ("sender", "receiver", "both")
"""What can be put on a channel."""


class Attaching(NamedTuple):
    """What is wanted of a channel that is there."""

    channel: Channel
    """As it was seen."""
    role: str
    """One of `ROLES`."""
    messages: int
    """How many are sent, and how many are received at most."""
    size: int
    """Bytes of each."""
    at: int
    """Of memory the first byte, of a set of semaphores which one; 0 for all else."""
    number: int
    """One that no other program has at this moment: our pid."""
    blocking: bool
    """As in `Terms`."""

    @property
    def sends(self) -> bool:
        """Whether there is a sender."""
        return self.role != "receiver"

    @property
    def receives(self) -> bool:
        """Whether there is a receiver."""
        return self.role != "sender"

    @property
    def amount(self) -> str:
        """`4 messages of 64 bytes`."""
        return f"{counted(self.messages, 'message')} of {self.size} bytes"


class Access(NamedTuple):
    """How the halves get at a channel, and what they do to it."""

    sender_args: tuple[str, ...]
    receiver_args: tuple[str, ...]
    does: tuple[str, ...]
    """In order; each goes on from `the demo will`, and is our own words but for the names in it."""
    most_bytes: int | None = None
    """The largest single message that it takes; None where there is no such limit, or it is not known before."""
    limit_told_by: str | None = None
    answers: bool = False
    """Whether an answer can come back to the sender."""
    empty: str | None = None
    """What it means that a call brings no bytes; None where that is a message like any other."""


def as_client(args: tuple[str, ...], attaching: Attaching) -> Access:
    """How a client gets at a server that accepts connections, and what it does."""
    does = (
        "connect to it as one more client, which takes a place in its backlog until it is accepted",
        f"send {attaching.amount}, which the server gets as from any client",
        "read an answer, if one comes",
        "close the connection",
    )
    return Access(args, (), does, answers=True, empty="the other side has closed the connection")


def told(fields: Sequence[Field], channel: Channel, name: str) -> FieldValue:
    """What a channel's own room told of it."""
    return next(value for field, value in zip(fields, channel.fields) if field.name == name)


def counted(number: int, word: str) -> str:
    """`1 message`, `4 messages`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def does_to_semaphore(attaching: Attaching, which: str) -> tuple[str, ...]:
    """What a demo does to a semaphore."""
    times = counted(attaching.messages, "time")
    raises = f"raise {which} by 1, {times}: who sleeps on it goes on"
    at_0 = "sleep" if attaching.blocking else "give up"
    takes = f"take 1 off {which}, {times} at most, and {at_0} while it is 0: who else takes from it waits longer"
    if attaching.role == "both":
        return (
            raises,
            f"take 1 off it again, {times} at most: nobody has more or less by that, unless others use it now",
        )
    return (raises + ", and nothing takes it back",) if attaching.sends else (takes + ", and nothing gives it back",)


def of_place(channel: Channel) -> tuple[str, str]:
    """Device and inode of a channel that is a file, as arguments of a half."""
    return str(channel.key.space), str(channel.key.number)


def path_of_shm(channel: Channel) -> str:
    """The path of an object that our own /dev/shm has a name for. Raises Unsupported where it has none."""
    path = next((name for name in channel.aliases if name.startswith("/dev/shm/")), None)
    if path is None:
        raise Unsupported("our /dev/shm has no name for it: it is deleted, or another mount namespace has it")
    return path


def open_same(calls: Calls, path: str, access: str, place: Sequence[str], nonblocking: bool = False) -> int:
    """A descriptor of the file that was shown. Raises OSError, ESTALE where the path leads to another one by now.

    `access`: O_RDONLY, ...; `place`: as `of_place` gave it. Looked at before it is opened, since that alone does
    something to a FIFO or a device; and after, since the path may change in between.
    """
    stat_same(calls, path, place)
    more = os.O_NONBLOCK if nonblocking else 0
    flags = getattr(os, access) | more | os.O_CLOEXEC | os.O_NOCTTY
    shown = f"{access}|O_NONBLOCK" if nonblocking else access
    fd = calls("open", (path, shown), lambda: os.open(path, flags))
    check_open(fd, place)
    return fd


def check_open(fd: int, place: Sequence[str]) -> None:
    """Close it and raise OSError (ESTALE) where it is not the file that was shown."""
    try:
        _check_same(os.fstat(fd), place)
    except OSError:
        os.close(fd)
        raise


def stat_same(calls: Calls, path: str, place: Sequence[str]) -> None:
    """Raises OSError, ESTALE where the path leads to another file than was shown."""
    _check_same(calls("stat", (path,), lambda: os.stat(path), lambda found: f"inode {found.st_ino}"), place)


def _check_same(found: os.stat_result, place: Sequence[str]) -> None:
    if (str(found.st_dev), str(found.st_ino)) != tuple(place):
        raise OSError(errno.ESTALE, "that name leads to something else by now")
