"""What is said of one process above its descriptors. Pure functions."""

from __future__ import annotations

from ipcinspect.model.process import Process
from ipcinspect.model.signal_words import signal_set
from ipcinspect.model.snapshot import Snapshot
from ipcinspect.sources import Details
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Part, Span, fit, join_parts, length
from ipcinspect.tui.glyphs import Glyphs

_LAST = 100
"""Place in the order of importance behind everything else."""
_DEEPEST = 64
"""Ancestors followed at most: a snapshot is not one moment, so parents may form a ring."""


def breadcrumb(process: Process, snapshot: Snapshot, width: int, glyphs: Glyphs) -> Line:
    """`sshd 790 › bash 812 › make 2211  › 4 children`: the nearest ancestors that fit."""
    own: Line = (Span(f"{glyphs.safe(process.comm)} {process.pid}", "strong"),)
    children = sum(1 for other in snapshot.processes.values() if other.ppid == process.pid)
    below: Line = (Span(f"  {glyphs.crumb} {figures.plural(children, 'child')}", "muted"),) if children else ()
    if children > 1:
        below = (Span(f"  {glyphs.crumb} {children} children", "muted"),)
    line, room = own, width - length(own) - length(below) - 1
    for ancestor in _ancestors(process, snapshot):
        step = (Span(f"{glyphs.safe(ancestor.comm)} {ancestor.pid}"), Span(f" {glyphs.crumb} ", "muted"))
        if length(step) > room:
            break
        line, room = (*step, *line), room - length(step)
    return fit((Span(" "), *line, *below), width, glyphs)


def facts(process: Process, snapshot: Snapshot, details: Details | None, width: int, glyphs: Glyphs) -> Line:
    """User, container and what was asked for this process alone (status, CPU, memory, ...)."""
    user = "?" if process.uid is None else glyphs.safe(snapshot.users.get(process.uid, str(process.uid)))
    parts = [Part((Span("user ", "muted"), Span(user)), 0)]
    if not process.readable:
        parts.append(Part((Span(f"{glyphs.marks['trouble']} hidden: its descriptors cannot be read", "warning"),), 1))
    told = [fact for fact in details.facts if fact.title.lower() != "user"] if details is not None else []
    for place, fact in enumerate(told):
        value = _brief(figures.told(fact.value, fact.unit, glyphs), fact.unit)
        parts.append(Part((Span(f"{glyphs.safe(fact.title).lower()} ", "muted"), Span(value)), place + 3))
    if process.container:
        parts.append(Part((Span("in ", "muted"), Span(glyphs.safe(process.container))), 2))
    parts += _signals(process)
    return fit((Span(" "), *join_parts(parts, width - 1, "   ")), width, glyphs)


def command(process: Process, width: int, glyphs: Glyphs) -> Line:
    """Its arguments, as far as they fit; in brackets where there are none to tell."""
    if process.cmdline is None:
        told = "(arguments not readable)"
    elif not process.cmdline:
        told = "(kernel thread)" if process.kernel_thread else "(no arguments)"
    else:
        told = glyphs.safe(" ".join(process.cmdline))
    return fit((Span(f" {told}", "muted"),), width, glyphs)


def _brief(value: str, unit: str | None) -> str:
    """Sizes without their exact bytes: the line is for a glance."""
    return value.split(" (")[0] if unit == "bytes" else value


def _signals(process: Process) -> list[Part]:
    """Signals that wait, and those that are blocked, caught and ignored, where there is room for them."""
    if process.signals is None:
        return []
    told = [("pending", process.signals.pending, "warning", 2), ("blocked", process.signals.blocked, "text", _LAST)]
    told += [
        ("caught", process.signals.caught, "text", _LAST + 1),
        ("ignored", process.signals.ignored, "text", _LAST + 2),
    ]
    return [
        Part((Span(f"{name} ", "muted"), Span(signal_set(mask), role)), place)
        for name, mask, role, place in told
        if mask
    ]


def _ancestors(process: Process, snapshot: Snapshot) -> list[Process]:
    """From the parent upwards."""
    found: list[Process] = []
    parent = process.ppid
    while parent is not None and parent in snapshot.processes and len(found) < _DEEPEST:
        above = snapshot.processes[parent]
        if above.pid == process.pid:
            break
        found.append(above)
        parent = above.ppid
    return found
