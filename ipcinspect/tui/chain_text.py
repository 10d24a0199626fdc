"""A chain of waits as a drawing: two lines a hop, read downwards as "waits for the one below". Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ipcinspect.diagnosis import wording
from ipcinspect.diagnosis.chains import Chain, Hop
from ipcinspect.diagnosis.wait_graph import WaitGraph
from ipcinspect.model.channel import Channel
from ipcinspect.model.figures import size
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.wait import Awaited, Wait
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Span, bar, clip, fit, length
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.trouble_lines import MARKS

WIDEST = 88
"""Cells of a drawing and of the sentences below it at most."""
_ALL_SHOWN = 6
_FIRST, _LAST = 2, 3
"""Hops of a longer chain that are shown at its beginning and at its end."""
_NAME, _CALL, _AGE, _BAR = 20, 22, 5, 8


class _Place(NamedTuple):
    """Where in the drawing a line stands."""

    before: Line
    """What the rail takes at its left."""
    room: int
    """Cells behind that."""
    with_wchan: bool
    """Whether the kernel told of any hop in which function it sleeps."""


def chain_lines(graph: WaitGraph, one: Chain, severity: str, width: int, glyphs: Glyphs) -> list[Line]:
    """The whole chain; one that closes in a circle stands in a rail."""
    lines: list[Line] = []
    width, begun = min(width, WIDEST), False
    for number in _shown(len(one.hops)):
        in_rail = one.back_to is not None and (number if number is not None else len(one.hops) - _LAST) >= one.back_to
        starts, begun = in_rail and not begun, begun or in_rail
        first, after = _places(one, in_rail, starts, width, glyphs)
        if number is None:
            lines.append((*first.before, Span(f"{glyphs.more} {len(one.hops) - _FIRST - _LAST} more", "muted")))
            continue
        hop, is_root = one.hops[number], one.back_to is None and number == len(one.hops) - 1
        if is_root:
            lines.append(_root(graph, hop, one.why, severity, first, glyphs))
        else:
            lines += [_node(graph, hop, severity, first, glyphs), _edge(graph, hop, after, glyphs)]
    if one.back_to is not None:
        lines.append(_back(graph, one.hops[one.back_to], glyphs))
    return lines


def what_root_waits_for(graph: WaitGraph, hop: Hop, why: str | None) -> str:
    """`waits for a key`, `does not sleep in a call: it runs`; kernel text."""
    wait = hop.wait
    if wait is None:
        return why or ""
    if why is not None and why.startswith(_AT_TERMINAL):
        return why
    does = wording.does(wait, graph)
    return does if not why or why in does else f"{does}; {why}"


_AT_TERMINAL = "waits for a key"


def _shown(number: int) -> Iterator[int | None]:
    """The places of the hops that are drawn; None for those between."""
    if number <= _ALL_SHOWN:
        yield from range(number)
        return
    yield from range(_FIRST)
    yield None
    yield from range(number - _LAST, number)


def _places(one: Chain, in_rail: bool, starts: bool, width: int, glyphs: Glyphs) -> tuple[_Place, _Place]:
    """For the first line of a hop, and for its second one."""
    told = any(hop.wait is not None and hop.wait.wchan for hop in one.hops)
    if one.back_to is None:
        place = _Place((Span(" "),), width - 1, told)
        return place, place
    if not in_rail:
        place = _Place((Span("    "),), width - 4, told)
        return place, place
    start, through, _ = glyphs.rail
    below = _Place((Span(f" {through} ", "error"),), width - 4, told)
    return (_Place((Span(f" {start} ", "error"),), width - 4, told) if starts else below), below


def _node(graph: WaitGraph, hop: Hop, severity: str, place: _Place, glyphs: Glyphs) -> Line:
    """`■ make 2211  write(1, 4096)  pipe_write  2m10`."""
    mark, role = MARKS[severity]
    wait = hop.wait
    rest = max(place.room - _NAME - _AGE - 6, 0)
    where = max(rest - _CALL, 0) if place.with_wchan else 0
    name = wording.who(hop.thread, graph.snapshot)
    call, wchan = ("", "") if wait is None else (wait.told, wait.wchan or "?")
    return (
        *place.before,
        Span(f"{glyphs.marks[mark]} ", role),
        Span(clip(glyphs.safe(name), _NAME, glyphs) + " ", "strong"),
        Span(clip(glyphs.safe(call), rest - where, glyphs) + " "),
        Span(clip(glyphs.safe(wchan), where, glyphs) + " ", "muted"),
        Span(clip(_lasted(graph, wait), _AGE, glyphs, "right"), role),
    )


def _root(graph: WaitGraph, hop: Hop, why: str | None, severity: str, place: _Place, glyphs: Glyphs) -> Line:
    """`◆ less 2213  read(0)  ROOT  waits for a key`."""
    role = MARKS[severity][1] if severity != "info" else "accent"
    name = clip(glyphs.safe(wording.who(hop.thread, graph.snapshot)), _NAME, glyphs)
    call = "" if hop.wait is None else clip(glyphs.safe(hop.wait.told), _CALL, glyphs)
    told = glyphs.safe(what_root_waits_for(graph, hop, why))
    spans = [*place.before, Span(f"{glyphs.marks['root']} ", role), Span(f"{name} ", "strong")]
    spans += [Span(f"{call} ")] if call else []
    spans += [Span(" ROOT ", "badge"), Span(f"  {told}")]
    return fit(spans, place.room + length(place.before), glyphs)


def _edge(graph: WaitGraph, hop: Hop, place: _Place, glyphs: Glyphs) -> Line:
    """`▼ ━━━━━━━━ 64.0K of 64.0K  until tee 2212 reads fd 0 of pipe:[48213]`."""
    start = (*place.before, Span(f"{glyphs.edge} ", "muted"))
    if hop.awaited is None or hop.helpers is None or hop.wait is None:
        return start
    channel, more = graph.channel(hop.awaited), len(hop.wait.awaited) - 1
    told = glyphs.safe(wording.until(hop.awaited, hop.helpers, graph))
    where = glyphs.safe(_where(hop.awaited, channel, [*hop.helpers.processes]))
    end = (Span(told + where), Span(f"  or one of {more} more" if more else "", "muted"))
    fills = _filled(channel, glyphs) if channel is not None and hop.awaited.what == "room" else [()]
    width = place.room + length(place.before)
    filled = next((each for each in fills if length((*start, *each, *end)) <= width), fills[-1])
    return fit((*start, *filled, *end), width, glyphs)


def _filled(channel: Channel, glyphs: Glyphs) -> list[Line]:
    """How full it is, where that is known: at length, and in ever less room."""
    if channel.fill is None:
        return [()]
    figure = "" if channel.queued_bytes is None else size(channel.queued_bytes)
    whole = figure if not figure or channel.capacity_bytes is None else f"{figure} of {size(channel.capacity_bytes)}"
    drawn = bar(channel.fill, _BAR, "error" if channel.state == "full" or channel.fill >= 1 else "accent", glyphs)
    return [(*drawn, Span(f" {text}  ", "muted")) for text in dict.fromkeys((whole, figure))] + [(*drawn, Span("  "))]


def _where(awaited: Awaited, channel: Channel | None, helpers: list[ProcessKey]) -> str:
    """` fd 0 of pipe:[48213]`, ` of pipe:[48213]`; nothing where it is about no channel."""
    if channel is None:
        return ""
    name = wording.place(awaited, channel)
    if awaited.what in ("room", "data") and len(helpers) == 1:
        role = "reader" if awaited.what == "room" else "writer"
        fds = {
            end.fd for end in channel.endpoints if end.role == role and end.process and end.process.key == helpers[0]
        }
        if len(fds) == 1 and None not in fds:
            return f" fd {fds.pop()} of {name}" if role == "reader" else f": fd {fds.pop()} of {name}"
    return f": {name}"


def _back(graph: WaitGraph, hop: Hop, glyphs: Glyphs) -> Line:
    name = glyphs.safe(wording.who(hop.thread, graph.snapshot))
    return (Span(f" {glyphs.rail[2]} ", "error"), Span(" CYCLE ", "badge"), Span(f"  back to {name}"))


def _lasted(graph: WaitGraph, wait: Wait | None) -> str:
    since = None if wait is None else wait.since
    return "?" if since is None else figures.steady_age(max(graph.snapshot.taken_at - since, 0.0))
