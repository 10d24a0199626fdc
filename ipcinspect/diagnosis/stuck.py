"""Which threads nobody can help: the greatest set of sleeping threads of which none can be helped from outside it.

A thread waits for any one of several things. Whoever waits with a timeout, was seen to move, is stopped, or waits for
something that somebody outside could bring, is not stuck; nor is whoever waits for one of those. What is left when no
more can be taken away cannot move by itself: only a signal could change that.

That alone would accuse healthy programs: a service at rest polls a pipe of its own. So a closed set counts by what is
in it: an obligation, as a write into a full channel, a lock with an owner, a child that is waited for; or a wait that a
thread of the same program may end at any time.
"""

from __future__ import annotations

from typing import NamedTuple

from ipcinspect.diagnosis.wait_graph import Helpers, WaitGraph
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.wait import OBLIGES, ThreadKey, Wait

_SPEAKERS = 32
"""Threads that stand for all of their process where any of them could help: there can be thousands."""
LEAST_UNCHANGED_S = 0.2
"""For how long a thread has to be seen in the same wait."""


class Knot(NamedTuple):
    """Threads that wait for one another and for nobody else."""

    threads: tuple[ThreadKey, ...]
    """Those in the cycles first, then those who wait for them."""
    cycle: tuple[ThreadKey, ...]
    """One way round: each waits for the next, the last for the first."""
    verdict: str
    """`yes`, `likely` or `recheck`: the waits of a program at rest look the same."""


def stuck_threads(graph: WaitGraph) -> set[ThreadKey]:
    """The greatest set of which no thread can be helped from outside it."""
    stuck = {key for key, wait in graph.waits.items() if may_be_stuck(wait)}
    helped_by = {key: graph.helpers(graph.waits[key]) for key in stuck}
    while True:
        bound = _bound_processes(graph, stuck)
        free = {key for key in stuck if any(_is_helped(one, stuck, bound) for _, one in helped_by[key])}
        if not free:
            return stuck
        stuck -= free


def may_be_stuck(wait: Wait) -> bool:
    """Whether the thread has not moved, and neither a time nor anything unknown ends its wait."""
    return (
        wait.unchanged_s >= LEAST_UNCHANGED_S
        and wait.has_timeout is False
        and wait.complete
        and not wait.stopped
        and bool(wait.awaited)
    )


def _bound_processes(graph: WaitGraph, stuck: set[ThreadKey]) -> set[ProcessKey]:
    """The processes of which all threads are in the set."""
    return {
        key
        for key, sleepers in graph.sleepers.items()
        if sleepers.known and not sleepers.others and all(wait.thread in stuck for wait in sleepers.waits)
    }


def _is_helped(helpers: Helpers, stuck: set[ThreadKey], bound: set[ProcessKey]) -> bool:
    """Whether somebody outside of the set could end the wait."""
    if helpers.unknown is not None:
        return True
    return any(one not in stuck for one in helpers.threads) or any(one not in bound for one in helpers.processes)


def knots(graph: WaitGraph, stuck: set[ThreadKey]) -> list[Knot]:
    """The stuck threads, those together who wait for one another; the largest first."""
    speakers = _speakers(graph, stuck)
    edges = {key: _waits_for(graph, key, stuck, speakers) for key in stuck}
    return sorted((_knot(graph, part, edges) for part in _parts(edges)), key=lambda knot: -len(knot.threads))


def _speakers(graph: WaitGraph, stuck: set[ThreadKey]) -> dict[ProcessKey, list[ThreadKey]]:
    """The stuck threads of each process; of very many the first, and the first of those who may be at rest."""
    found: dict[ProcessKey, list[ThreadKey]] = {}
    for process, sleepers in graph.sleepers.items():
        waits = [wait for wait in sleepers.waits if wait.thread in stuck]
        idle = [wait for wait in waits if not _obliges(wait)]
        found[process] = list(dict.fromkeys(wait.thread for wait in (*waits[:_SPEAKERS], *idle[:_SPEAKERS])))
    return found


def _waits_for(
    graph: WaitGraph, thread: ThreadKey, stuck: set[ThreadKey], speakers: dict[ProcessKey, list[ThreadKey]]
) -> list[ThreadKey]:
    """Whom it waits for, in the order of its own list; itself where it alone could end its own wait."""
    found: dict[ThreadKey, None] = {}
    for _, helpers in graph.helpers(graph.waits[thread]):
        found.update((one, None) for one in helpers.threads if one in stuck)
        found.update((one, None) for process in helpers.processes for one in speakers.get(process, ()))
    others = [other for other in found if other != thread]
    return others or list(found)


def _parts(edges: dict[ThreadKey, list[ThreadKey]]) -> list[set[ThreadKey]]:
    """Threads that hang together, in whichever direction."""
    neighbours: dict[ThreadKey, set[ThreadKey]] = {key: set(others) for key, others in edges.items()}
    for key, others in edges.items():
        for other in others:
            neighbours[other].add(key)
    parts, left = [], set(edges)
    while left:
        part, front = set(), [left.pop()]
        while front:
            key = front.pop()
            part.add(key)
            new = neighbours[key] & left
            left -= new
            front += new
        parts.append(part)
    return parts


def _knot(graph: WaitGraph, part: set[ThreadKey], edges: dict[ThreadKey, list[ThreadKey]]) -> Knot:
    cycle = _cycle(part, edges)
    rest = sorted(part - set(cycle))
    return Knot((*cycle, *rest), cycle, _verdict(part, edges, graph))


def _cycle(part: set[ThreadKey], edges: dict[ThreadKey, list[ThreadKey]]) -> tuple[ThreadKey, ...]:
    """One way round; there is one, for everybody here waits for somebody here."""
    path: list[ThreadKey] = [min(part)]
    while (following := edges[path[-1]][0]) not in path:
        path.append(following)
    return tuple(path[path.index(following) :])


def _verdict(part: set[ThreadKey], edges: dict[ThreadKey, list[ThreadKey]], graph: WaitGraph) -> str:
    """Whether it is a deadlock, likely one, or just as a program at rest looks."""
    waits = {key: graph.waits[key] for key in part}
    idle = {key for key, wait in waits.items() if not _obliges(wait)}
    at_rest = {key for key in idle if _wakes_itself(waits[key], graph)}
    circling = _circling(idle, edges)
    if circling & at_rest or (len(idle) == len(part) and at_rest):
        return "recheck"
    guesses = {_is_guess(waits[key]) for key in _cycle(part, edges)}
    if guesses == {True, False}:  # a semaphore may be an event for which others come, no lock
        return "recheck"
    if circling or any(_is_guess(wait) for wait in waits.values()):
        return "likely"
    return "yes"


def _circling(part: set[ThreadKey], edges: dict[ThreadKey, list[ThreadKey]]) -> set[ThreadKey]:
    """Those of them who wait for one another, without the help of those outside of it."""
    left = set(part)
    while ends := {key for key in left if not any(other in left for other in edges[key])}:
        left -= ends
    return left


def _is_guess(wait: Wait) -> bool:
    """Whether who could end it is known by a custom alone: who used a semaphore last need not be who has it."""
    return any(awaited.what == "count" for awaited in wait.awaited)


def _obliges(wait: Wait) -> bool:
    return all(awaited.what in OBLIGES for awaited in wait.awaited)


def _wakes_itself(wait: Wait, graph: WaitGraph) -> bool:
    """Whether a thread of the same program may end it when there is something to do."""
    for awaited in wait.awaited:
        if awaited.what in ("wake", "signal"):
            return True
        channel = graph.channel(awaited)
        if channel is not None and awaited.what == "data":
            holders = {end.process.key for end in channel.endpoints if end.process is not None}
            if holders == {wait.thread.process} and (len(wait.awaited) > 1 or wait.call != "read"):
                return True
    return False
