"""What a demo shall do: which mechanism, what is sent, how, and what shall go wrong."""

from __future__ import annotations

from typing import NamedTuple

FORMATS = ("json", "struct", "raw")
"""How the value becomes bytes. struct: fixed fields, in the byte order of `Plan.byte_order`."""
BYTE_ORDERS = ("little", "big")
FAULTS = (
    "full",
    "denied",
    "emfile",
    "limit",
    "too-big",
    "corrupt",
    "receiver-killed",
    "sender-killed",
    "owner-dies",
    "leak",
)
"""What can be made to go wrong, each at the stage that it belongs to."""


class Plan(NamedTuple):
    """One walk through the seven stages. What a mechanism can do stands in its `Demo`; `check` compares."""

    mechanism: str
    variant: str | None = None
    """None: the mechanism's usual one."""
    format: str = "json"
    byte_order: str = "little"
    size: int = 64
    """Bytes of one message as it is sent."""
    messages: int = 4
    rate: float | None = None
    """Messages per second; None: one after the other."""
    blocking: bool = True
    notification: str | None = None
    """None: the mechanism's usual one; likewise `response` and `lock`."""
    response: str | None = None
    lock: str | None = None
    reading_s: float = 0.0
    """How long the receiver is busy with each message: a slow receiver."""
    fault: str | None = None
