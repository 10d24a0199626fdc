"""Whom a thread waits for, whom that one waits for, and so on, down to the root of it or round in a circle."""

from __future__ import annotations

from typing import NamedTuple

from ipcinspect.diagnosis.wait_graph import Helpers, WaitGraph
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.wait import Awaited, ThreadKey, Wait

_LONGEST = 64
_ASKED_AT_MOST = 256
"""Things that one thread polls which are asked after: a chain follows one of them, and a key waits for it."""


class Hop(NamedTuple):
    """One thread of a chain, and through what it waits for the next one."""

    thread: ThreadKey
    wait: Wait | None
    """None for one that does not sleep in a call."""
    awaited: Awaited | None = None
    """What it waits for, of which the next one is to bring it."""
    helpers: Helpers | None = None


class Chain(NamedTuple):
    """From a thread to the root of its waiting."""

    hops: tuple[Hop, ...]
    back_to: int | None
    """Where the last one waits for one who is in the chain already: its place; None where the chain ends."""
    why: str | None
    """Why it ends with the last one; None where it does not end."""


def chain(graph: WaitGraph, thread: ThreadKey, stuck: set[ThreadKey]) -> Chain:
    """Follow whom it waits for. Of several, who is stuck comes first: there is nothing to find with the others."""
    hops: list[Hop] = []
    places: dict[ThreadKey, int] = {}
    at = thread
    while len(hops) < _LONGEST:
        places[at] = len(hops)
        wait = graph.waits.get(at)
        if wait is None:
            return Chain((*hops, Hop(at, None)), None, "does not sleep in a call: it runs")
        step = _step(graph, wait, stuck)
        if isinstance(step, str):
            return Chain((*hops, Hop(at, wait)), None, step)
        hop, following = step
        hops.append(hop)
        if following in places:
            return Chain(tuple(hops), places[following], None)
        at = following
    return Chain(tuple(hops), None, f"the chain goes on after {_LONGEST}")


def _step(graph: WaitGraph, wait: Wait, stuck: set[ThreadKey]) -> tuple[Hop, ThreadKey] | str:
    """The next one; else why there is none."""
    if wait.stopped:
        return "is stopped, by a signal or a debugger"
    options = graph.some_helpers(wait, _ASKED_AT_MOST)
    if not options:
        return "waits for nobody: it sleeps" if wait.has_timeout else "waits for something that is not understood here"
    terminal = next((name for awaited, _ in options if (name := _terminal(graph, wait, awaited)) is not None), None)
    if terminal is not None:
        return f"waits for a key at {terminal}"
    named = [(awaited, helpers) for awaited, helpers in options if helpers.processes or helpers.threads]
    others = [(awaited, helpers) for awaited, helpers in named if _is_about_others(helpers, wait.thread.process)]
    outside = next((helpers.unknown for _, helpers in options if helpers.unknown is not None), None)
    named = others or ([] if outside is not None else named)  # a pipe of one's own is how a program wakes itself
    if not named and len(wait.awaited) > _ASKED_AT_MOST:
        return f"waits for any of {len(wait.awaited)} things"
    if not named:
        return f"waits for whoever comes: {outside}" if outside is not None else "waits for nobody"
    for awaited, helpers in named:
        found = next((key for key in graph.threads_of(helpers) if key in stuck and key != wait.thread), None)
        if found is not None:
            return Hop(wait.thread, wait, awaited, helpers), found
    awaited, helpers = named[0]
    return Hop(wait.thread, wait, awaited, helpers), _first(graph, helpers, wait.thread)


def _terminal(graph: WaitGraph, wait: Wait, awaited: Awaited) -> str | None:
    """The terminal at which it waits for a key; None where it does not."""
    channel = graph.channel(awaited)
    if channel is None or channel.mechanism != "pty" or awaited.what != "data":
        return None
    own = (end for end in channel.endpoints if end.process is not None and end.process.key == wait.thread.process)
    is_slave = any(end.fd == awaited.fd and end.role == "slave" for end in own)
    return (channel.name or channel.id) if is_slave else None


def _is_about_others(helpers: Helpers, own: ProcessKey) -> bool:
    """Whether somebody else could help, or a thread that the object itself names."""
    return bool(helpers.threads) or any(key != own for key in helpers.processes)


def _first(graph: WaitGraph, helpers: Helpers, thread: ThreadKey) -> ThreadKey:
    """Of those who could help, one to go on with: another process before one's own, one that sleeps in its first
    thread before its others."""
    if helpers.threads:
        return helpers.threads[0]
    own = thread.process
    process = next((key for key in helpers.processes if key != own), helpers.processes[0])
    return _speaker(graph, process)


def _speaker(graph: WaitGraph, process: ProcessKey) -> ThreadKey:
    """The thread that stands for a process: one that runs where there is one, else the first."""
    return ThreadKey(process, process.pid)
