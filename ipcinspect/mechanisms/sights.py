"""What can be told of each mechanism here: from what its room tells, and from what this look could not see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ipcinspect.mechanisms.room import Room
from ipcinspect.mechanisms.scan import Scan
from ipcinspect.model.gap import Gap, Sight

_OF_HOLDERS = ("descriptors", "mappings", "lock table")
"""Ways to know holders that an unreadable process keeps from us; the lock table names who asked, not who holds."""


class Found(NamedTuple):
    """What one room made of one look."""

    room: Room
    channels: int
    gaps: tuple[Gap, ...]


def sights_of(found: Iterable[Found], scan: Scan, more: str | None) -> Iterator[Sight]:
    """A line for each mechanism; `more` is the command that shows what is denied."""
    for one in found:
        missing, hiding = list(_missing(one, scan)), _hiding(one, scan)
        failed = any(gap.what.startswith(f"{one.room.NAME} (") for gap in one.gaps)
        denied = hiding or any(gap.why == "denied" for gap in missing)
        verdict = "no" if failed else "partly" if missing or hiding else "yes"
        yield Sight(one.room.NAME, verdict, _sentence(one, missing, hiding), more if denied else None)


def _missing(found: Found, scan: Scan) -> Iterator[Gap]:
    """The gaps that have to do with a mechanism: its own, and those of its namespaces."""
    yield from (gap for gap in found.gaps if gap.why != "vanished")
    tells = found.room.TELLS
    if tells.namespace == "net":
        yield from (gap for gap in scan.sockets.gaps if "other" in gap.what or found.room.NAME in gap.what.lower())
    if tells.namespace == "ipc":
        yield from scan.ipc.gaps()


def _hiding(found: Found, scan: Scan) -> int:
    """Processes in which ends may hide."""
    return scan.unreadable if any(word in found.room.TELLS.ends for word in _OF_HOLDERS) else 0


def _sentence(found: Found, missing: Iterable[Gap], hiding: int) -> str:
    tells = found.room.TELLS
    parts = [f"{found.channels} here", f"ends by {tells.ends}"]
    parts += [f"depth in {tells.depth}"] * (tells.depth != "none")
    parts += ["contents on request"] * (tells.peek is not None)
    if hiding:
        parts.append(f"{hiding} hidden")  # the line about processes says what that means
    gaps = [f"{gap.what} ({gap.why}{'' if gap.count is None else f', {gap.count}'})" for gap in missing]
    return f"{', '.join(parts)}; not told: {'; '.join(gaps)}" if gaps else ", ".join(parts)
