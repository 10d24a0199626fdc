"""The lines that frame every screen: header, screens, headline, keys. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ipcinspect.model.snapshot import Snapshot
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Part, Span, fit, join_parts, length, spread
from ipcinspect.tui.ends import ends_of
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.states import STATES
from ipcinspect.tui.trouble_lines import stuck_sentence
from ipcinspect.tui.view import View
from ipcinspect.tui.wording import end_text


class Pulse(NamedTuple):
    """How fresh what is shown is."""

    interval: float
    paused_for: float | None
    """Seconds; None where it is not paused."""
    failure: str | None
    """Why the last look failed; None where it did not."""
    about: str | None = None
    """What alone is shown; None for the whole machine."""


class Tab(NamedTuple):
    """One of several things of which one is open: a screen, a tab of a panel."""

    key: str
    title: str
    badge: Line = ()
    """Open trouble of that screen."""


class Kept(NamedTuple):
    """What a filter keeps."""

    words: Sequence[str]
    shown: int
    whole: int
    noun: str


class Key(NamedTuple):
    """A key and what it does, for the footer."""

    key: str
    word: str


def header_line(snapshot: Snapshot | None, pulse: Pulse, width: int, glyphs: Glyphs) -> Line:
    """Host, kernel, user, counts, what is hidden; at the right whether it is live."""
    right = (*_pulse(snapshot, pulse, glyphs), Span(" "))
    if snapshot is None:
        return spread((Span(" "),), right, width, glyphs)
    room = width - length(right) - 2
    for left in _header_variants(snapshot, pulse.about, glyphs):
        if length(left) <= room:
            break
    return spread((Span(" "), *left), right, width, glyphs)


def tabs_line(tabs: Sequence[Tab], open_key: str, width: int, glyphs: Glyphs) -> Line:
    """The screens; the open one is set off."""
    spans: list[Span] = []
    for tab in tabs:
        if tab.key == open_key:
            spans.append(Span(f" {tab.key} {tab.title} ", "open"))
        else:
            spans += [Span(f" {tab.key}", "accent"), Span(f" {tab.title} ")]
        spans += [*tab.badge, Span(" ")] if tab.badge else []
    return fit(spans, width, glyphs)


def tab_at(tabs: Sequence[Tab], x: int) -> Tab | None:
    """The screen whose name is drawn at a cell."""
    start = 0
    for tab in tabs:
        start += len(tab.key) + len(tab.title) + 3 + (length(tab.badge) + 1 if tab.badge else 0)
        if x < start:
            return tab
    return None


def headline(view: View | None, pulse: Pulse, kept: Kept | None, width: int, glyphs: Glyphs) -> Line:
    """What is known of the trouble on this machine, in one line; with a filter, what the filter keeps."""
    if view is None:
        return fit((Span(" Looking at this machine" + glyphs.ellipsis, "muted"),), width, glyphs)
    if pulse.failure is not None:
        parts = [Part(_failure(view, pulse.failure, glyphs), 0)]
    elif kept is None:
        parts = [Part((*_trouble(view, width - 2, glyphs), *_worst(view, glyphs)), 0), *_further(view, glyphs)]
    else:
        parts = [Part(_trouble(view, width - 2, glyphs), 0), *_further(view, glyphs)]
        parts.append(Part(_worst(view, glyphs)[1:], _FIRST_TO_GO))
    if kept is not None:
        parts = [Part(_filtered(kept, glyphs), 0), Part((Span("esc clears it", "muted"),), 1), *parts]
    return fit((Span(" "), *join_parts(parts, width - 2, "   ")), width, glyphs)


def keys_line(keys: Sequence[Key], always: Sequence[Key], width: int, glyphs: Glyphs) -> Line:
    """`key word` pairs; the ones of `always` survive, of the others as many as there is room for."""
    pairs = [Part((Span(key.key, "key"), Span(f" {key.word}", "muted")), place + 1) for place, key in enumerate(keys)]
    kept = [Part((Span(key.key, "key"), Span(f" {key.word}", "muted")), 0) for key in always]
    return fit((Span(" "), *join_parts([*pairs, *kept], width - 1)), width, glyphs)


def _header_variants(snapshot: Snapshot, about: str | None, glyphs: Glyphs) -> list[Line]:
    """The left half of the header, the most telling first."""
    host = snapshot.host
    gap = Span("  ")
    name = Span(glyphs.safe(host.name), "strong")
    kernel = (gap, Span(f"Linux {glyphs.safe(host.kernel)}", "muted"))
    user = (gap, Span(glyphs.safe(snapshot.users.get(host.uid, str(host.uid)))))
    rights = (Span(" (not root)", "muted"),) if host.uid else ()
    counts = (gap, Span(_counts(snapshot), "muted"))
    hidden, brief = _hidden(snapshot, glyphs)
    only = () if about is None else (Span("  only ", "muted"), Span(glyphs.safe(about), "accent"))
    return [
        (name, *only, *kernel, *user, *rights, *counts, *hidden),
        (name, *only, *user, *counts, *hidden),
        (name, *only, *user, *hidden),
        (name, *only, *user, *brief),
        (name, *only, *user),
        (
            name,
            *only,
        ),
    ]


def _counts(snapshot: Snapshot) -> str:
    return f"{len(snapshot.processes)} procs  {figures.plural(len(snapshot.channels), 'channel')}"


def _hidden(snapshot: Snapshot, glyphs: Glyphs) -> tuple[Line, Line]:
    """How many processes could not be looked into, with and without what to do about it."""
    number = snapshot.hidden_processes
    if not number:
        return (), ()
    brief = (Span("  "), Span(f"{glyphs.marks['trouble']} {number} hidden", "warning"))
    return ((*brief, Span(": run as root", "warning")) if snapshot.host.uid else brief), brief


def _pulse(snapshot: Snapshot | None, pulse: Pulse, glyphs: Glyphs) -> Line:
    if pulse.failure is not None:
        seen = "" if snapshot is None else f" since {figures.wall_time(snapshot.taken_at)}"
        return (Span(f"{glyphs.marks['trouble']} stale{seen}", "warning"),)
    if pulse.paused_for is not None:
        return (Span(f"{glyphs.paused} paused {figures.whole_age(pulse.paused_for)}", "warning"),)
    if snapshot is None:
        return (Span(f"{glyphs.marks['quiet']} looking", "muted"),)
    shown = f"{pulse.interval:g}s"
    return (Span(glyphs.marks["moving"], "ok"), Span(" live "), Span(shown, "muted"))


def _trouble(view: View, room: int, glyphs: Glyphs) -> Line:
    """Who is stuck; where no waits were read only what is known without: full channels."""
    if view.trouble is not None:
        return stuck_sentence(view.trouble, glyphs, room)
    if view.worst is None:
        return (Span(f"{glyphs.marks['moving']} no channel is full", "ok"),)
    number = view.states["full"]
    told = "1 channel is full" if number == 1 else f"{number} channels are full"
    return (Span(f"{glyphs.marks['error']} {told}", "error"),)


def _worst(view: View, glyphs: Glyphs) -> Line:
    """Who is at the ends of the channel that is worst off, and for how long."""
    worst = view.worst
    if worst is None or view.trouble is not None:
        return ()
    ends = ends_of(worst)
    spans = [
        Span("  "),
        Span(end_text(ends.left, glyphs), "strong"),
        Span(f" {glyphs.wires[ends.wire]} ", "error"),
        Span(end_text(ends.right, glyphs)),
    ]
    since = view.since(worst.key)
    if since is not None and view.snapshot.taken_at - since >= 10:
        spans.append(Span(f" for {figures.steady_age(view.snapshot.taken_at - since)}", "error"))
    return tuple(spans)


_FIRST_TO_GO = 99
_FURTHER = tuple(state for state, look in STATES.items() if look.role == "warning")


def _further(view: View, glyphs: Glyphs) -> list[Part]:
    """Further trouble by its numbers, and how much is not known."""
    parts = []
    if view.trouble is not None:
        if view.trouble.tangles:
            parts.append(Part((Span("w", "key"), Span(" why", "muted")), 1))
        full = view.states.get("full", 0)
        parts.append(Part((Span(f"{glyphs.marks['error']} {full} full", "error"),) if full else (), 1))
    for place, state in enumerate(_FURTHER):
        number, look = view.states.get(state, 0), STATES[state]
        if number:
            parts.append(Part((Span(f"{glyphs.marks[look.mark]} {number} {look.label}", "warning"),), place + 1))
    number = view.states.get("unknown", 0)
    if number:
        parts.append(Part((Span(f"{glyphs.marks['unknown']} {number} unknown", "muted"),), len(_FURTHER) + 1))
    return parts


def _filtered(kept: Kept, glyphs: Glyphs) -> Line:
    return (
        Span("/ ", "key"),
        Span(glyphs.safe(" ".join(kept.words)), "strong"),
        Span(f"  {kept.shown} of {figures.plural(kept.whole, kept.noun)}", "muted"),
    )


def _failure(view: View, reason: str, glyphs: Glyphs) -> Line:
    seen = figures.wall_time(view.snapshot.taken_at)
    return (
        Span(f"{glyphs.marks['error']} cannot look: ", "error"),
        Span(glyphs.safe(reason)),
        Span(f"  this is {seen}; trying again", "muted"),
    )
