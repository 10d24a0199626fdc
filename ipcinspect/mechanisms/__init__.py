"""One room for each mechanism of inter-process communication.

A new mechanism is one new file beside these and one new line in MECHANISMS.
"""

from __future__ import annotations

from ipcinspect.mechanisms import (
    eventfd,
    fifo,
    file_lock,
    futex,
    memfd,
    mmap,
    netlink,
    packet,
    pipe,
    posix_mq,
    posix_sem,
    posix_shm,
    pty,
    shared_anon,
    sysv_msg,
    sysv_sem,
    sysv_shm,
    tcp,
    udp,
    unix,
)
from ipcinspect.mechanisms.room import Room, Tells
from ipcinspect.model.channel import Channel, Field, FieldValue

MECHANISMS: tuple[Room, ...] = (
    pipe,
    fifo,
    unix,
    tcp,
    udp,
    netlink,
    packet,
    sysv_msg,
    sysv_sem,
    sysv_shm,
    posix_mq,
    posix_shm,
    posix_sem,
    memfd,
    shared_anon,
    mmap,
    eventfd,
    pty,
    file_lock,
    futex,
)


def fields_of(mechanism: str) -> tuple[Field, ...]:
    """The fields that a mechanism tells, in the order of `Channel.fields`; empty for a word without a room."""
    return next((room.FIELDS for room in MECHANISMS if mechanism == room.NAME), ())


def field_of(channel: Channel, wanted: str) -> FieldValue:
    """The value of one of the mechanism's fields by its name; None where it has none or it is not known."""
    for field, value in zip(fields_of(channel.mechanism), channel.fields, strict=False):
        if field.name == wanted:
            return value
    return None


def tells_of(mechanism: str) -> Tells | None:
    """What a mechanism's room tells of its channels; None for a word without a room."""
    return next((room.TELLS for room in MECHANISMS if mechanism == room.NAME), None)
