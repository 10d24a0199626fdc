"""What the status file of a thread tells of its sleep: /proc/PID/task/TID/status (proc_pid_status(5))."""

from __future__ import annotations

from typing import NamedTuple

LIMIT = 1 << 16
"""Bytes of a status file: 2,000 as a rule, more for a user of thousands of groups."""
_STATE, _NUMBERS = b"\nState:\t", b"\nNSpid:\t"
_SWITCHES, _INVOLUNTARY = b"\nvoluntary_ctxt_switches:\t", b"\nnonvoluntary_ctxt_switches:\t"
_LONGEST_CHAIN = 400
"""Characters of a NSpid line: pid namespaces are nested 32 deep at most."""


class Status(NamedTuple):
    """A thread as the kernel counts it."""

    state: str
    switches: int | None
    """Context switches since it began, of its own will and not; None where they are not told."""
    numbers: tuple[int, ...]
    """Its own, in each pid namespace, from that of the /proc inwards."""


def parse_status(text: bytes) -> Status:
    """Its name cannot forge lines, because the kernel escapes it. Raises ValueError."""
    at = text.index(_STATE) + len(_STATE)
    voluntary, involuntary = _number_at(text, _SWITCHES), _number_at(text, _INVOLUNTARY)
    switches = None if voluntary is None or involuntary is None else voluntary + involuntary
    return Status(text[at : at + 1].decode("ascii"), switches, _chain(text))


def _number_at(text: bytes, name: bytes) -> int | None:
    start = text.rfind(name)
    digits = text[start + len(name) :].partition(b"\n")[0] if start >= 0 else b""
    return int(digits) if digits.isdigit() and len(digits) <= 20 else None


def _chain(text: bytes) -> tuple[int, ...]:
    start = text.find(_NUMBERS)
    line = text[start + len(_NUMBERS) :].partition(b"\n")[0][:_LONGEST_CHAIN] if start >= 0 else b""
    return tuple(int(field) for field in line.split())
