"""The words in which a channel's life is told. Names in them are kernel text, exact and hostile."""

from __future__ import annotations

from collections.abc import Iterable

from ipcinspect.model.channel import Channel, Endpoint
from ipcinspect.model.figures import size
from ipcinspect.model.process import Process

_NAMED = 2


def process_name(process: Process) -> str:
    """`make 2211`."""
    return f"{process.comm} {process.pid}"


def names(ends: Iterable[Endpoint]) -> str:
    """`make 2211`, `make 2211, sh 2209 and 3 more`; empty where nobody visible holds any."""
    found = {end.process.key: process_name(end.process) for end in ends if end.process is not None}
    shown = list(found.values())
    if len(shown) <= _NAMED:
        return " and ".join(shown)
    return f"{', '.join(shown[:_NAMED])} and {len(shown) - _NAMED} more"


def writers(channel: Channel) -> str:
    """Who can put something into a one-way channel."""
    return names(end for end in channel.endpoints if end.role in ("writer", "both"))


def readers(channel: Channel) -> str:
    """Who can take something out of a one-way channel."""
    return names(end for end in channel.endpoints if end.role in ("reader", "both"))


def amount(channel: Channel) -> str:
    """`64.0K`, `12 messages`: what waits in it, in the figures that the kernel gives; empty where it gives none."""
    data, messages = channel.queued_bytes, channel.queued_messages
    if messages is not None and data is not None:
        return f"{_messages(messages)}, {size(data)}"
    if data is not None:
        return size(data)
    if messages is not None:
        return _messages(messages)
    waiting = [queue.next_message_bytes for queue in channel.queues if queue.next_message_bytes]
    return f"a message of {size(waiting[0])}" if waiting else ""


def figures(channel: Channel) -> str:
    """`65536 of 65536 bytes`: the evidence of `amount`, exact."""
    data, messages = channel.queued_bytes, channel.queued_messages
    parts = []
    if messages is not None:
        parts.append(_messages(messages))
    if data is not None:
        capacity = channel.capacity_bytes
        parts.append(f"{data} bytes" if capacity is None else f"{data} of {capacity} bytes")
    return ", ".join(parts) or "no figure"


def _messages(number: int) -> str:
    return f"{number} message" if number == 1 else f"{number} messages"
