"""The tree of processes as rows, with the worst that each one holds."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.cells import cell_len

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import Process, ProcessKey
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.selection.order import condition
from ipcinspect.tui.drawing import Line, Span, clip, fit
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.states import look_of, rank

_QUIET = frozenset(("idle", "listening", "unknown", "closed"))


class Twig(NamedTuple):
    """One process at its place in the tree."""

    process: Process
    rails: tuple[bool, ...]
    """For every ancestor below the root, and last for itself, whether siblings follow."""
    state: str | None
    """The worst state of the channels it holds; None where all are quiet."""
    matches: bool
    """False for an ancestor that is shown only to place what matches."""


@dataclass(frozen=True)
class TreeRows:
    """The tree's rows, parents above their children."""

    twigs: Sequence[Twig] = ()
    places: Mapping[ProcessKey, int] = field(default_factory=dict)
    mapped: Mapping[int, tuple[ChannelKey, ...]] = field(default_factory=dict)
    """By pid: the channels that a process holds without a descriptor (mappings, attachments, System V)."""

    def __len__(self) -> int:
        return len(self.twigs)

    @property
    def matching(self) -> int:
        """How many are shown for their own sake."""
        return sum(twig.matches for twig in self.twigs)

    def key(self, index: int) -> Hashable:
        return self.twigs[index].process.key

    def find(self, key: Hashable) -> int | None:
        return self.places.get(key) if isinstance(key, ProcessKey) else None

    def head(self, width: int, glyphs: Glyphs) -> Line | None:
        return (Span(" PROCESSES  ", "muted"), Span(str(self.matching), "muted"))

    def line(self, index: int, width: int, chosen: bool, glyphs: Glyphs) -> Line:
        twig = self.twigs[index]
        mark, role = _mark(twig, glyphs)
        rails = _rails(twig.rails, glyphs)[-(width // 2) :]
        name, number = glyphs.safe(twig.process.comm), f" {twig.process.pid}"
        room = max(width - len(" m " + rails + number), 1)  # only the name is ever cut, never a number
        spans = (
            Span(" "),
            Span(mark, role),
            Span(" "),
            Span(rails, "faint"),
            Span(name if cell_len(name) <= room else clip(name, room, glyphs), "text" if twig.matches else "muted"),
            Span(number, "muted"),
        )
        return fit(spans, width, glyphs)


def build_tree(snapshot: Snapshot, words: Sequence[str] = ()) -> TreeRows:
    """All processes, or those that have every word in their name, arguments or pid, with their ancestors."""
    processes = snapshot.processes
    matching = {pid for pid, process in processes.items() if _matches(process, words)}
    shown = matching | set(_ancestors(matching, processes))
    children: dict[int, list[Process]] = {}
    for pid in sorted(shown):
        parent = processes[pid].ppid
        children.setdefault(parent if parent in shown and parent != pid else 0, []).append(processes[pid])
    worst = _worst_states(snapshot)
    twigs: list[Twig] = []
    unplaced = dict.fromkeys(sorted(shown))
    for root in (*children.get(0, []), *(processes[pid] for pid in sorted(shown))):
        waiting: list[tuple[Process, tuple[bool, ...]]] = [(root, ())]
        while waiting:
            process, rails = waiting.pop()
            if process.pid not in unplaced:
                continue  # placed already: a root, or (in a snapshot that is not one moment) its own ancestor
            del unplaced[process.pid]
            twigs.append(Twig(process, rails, worst.get(process.pid), process.pid in matching))
            below = children.get(process.pid, [])
            waiting.extend((child, (*rails, child is not below[-1])) for child in reversed(below))
    places = {twig.process.key: place for place, twig in enumerate(twigs)}
    return TreeRows(tuple(twigs), places, _mapped(snapshot))


def _matches(process: Process, words: Sequence[str]) -> bool:
    if not words:
        return not process.kernel_thread
    text = " ".join((process.comm, str(process.pid), *(process.cmdline or ()))).lower()
    return all(word.lower() in text for word in words)


def _ancestors(pids: Iterable[int], processes: Mapping[int, Process]) -> Iterable[int]:
    seen: set[int] = set()
    for pid in pids:
        parent = processes[pid].ppid
        while parent is not None and parent in processes and parent not in seen:
            seen.add(parent)
            yield parent
            parent = processes[parent].ppid


def _worst_states(snapshot: Snapshot) -> dict[int, str]:
    worst: dict[int, str] = {}
    for channel in snapshot.channels:
        if channel.state in _QUIET:
            continue
        for end in channel.endpoints:
            if end.process is None:
                continue
            held = worst.get(end.process.pid)
            if held is None or rank(condition(channel)) < rank(held):
                worst[end.process.pid] = condition(channel)
    return worst


def _mapped(snapshot: Snapshot) -> dict[int, tuple[ChannelKey, ...]]:
    found: dict[int, dict[ChannelKey, None]] = {}
    for channel in snapshot.channels:
        for end in channel.endpoints:
            if end.fd is None and end.process is not None:
                found.setdefault(end.process.pid, {})[channel.key] = None
    return {pid: tuple(keys) for pid, keys in found.items()}


def _rails(rails: Sequence[bool], glyphs: Glyphs) -> str:
    if not rails:
        return ""
    fork, last, passing, nothing = glyphs.branches
    above = "".join(passing if follows else nothing for follows in rails[:-1])
    return above + (fork if rails[-1] else last)


def _mark(twig: Twig, glyphs: Glyphs) -> tuple[str, str]:
    if not twig.process.readable and not twig.process.kernel_thread:
        return glyphs.marks["unknown"], "muted"
    if twig.state is None:
        return glyphs.marks["quiet"], "muted"
    look = look_of(twig.state)
    return glyphs.marks[look.mark], look.role
