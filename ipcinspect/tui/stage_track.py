"""The stage track: the seven stages of a channel's life on one line, with their names and a fact each below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ipcinspect.lifecycle.stages import Station
from ipcinspect.model.words import STAGES
from ipcinspect.tui.drawing import Line, Span, clip
from ipcinspect.tui.glyphs import Glyphs

VERBS: Mapping[str, str] = {
    "creation": "create",
    "preparation": "prepare",
    "transmission": "transmit",
    "delivery": "deliver",
    "reception": "receive",
    "response": "respond",
    "termination": "close",
}
"""What each stage is called where its noun is too long."""
ROLES: Mapping[str, str] = {"done": "ok", "now": "accent", "stuck": "error", "ahead": "muted", "none": "faint"}
"""Roles of the palette, by `stages.STATUSES`."""
_ROOMY = 15
"""Cells of a step from which on the nouns fit, with their number and a space behind them."""
_NUMBERED = 11
"""... the verbs with their number."""
_LEAST = 6
"""Below this a line cannot hold the track: the stations stand below each other."""
_LAST = 7
"""Cells that the last stage needs in a narrow line, when all others have a whole step."""


def track_lines(stations: Sequence[Station], width: int, glyphs: Glyphs) -> list[Line]:
    """Three lines of at most `width` cells; one for each station where the width holds no track."""
    step = _step(len(stations), width)
    if step < _LEAST:
        return _column(stations, width, glyphs)
    nodes: list[Span] = [Span(" ")]
    names: list[Span] = [Span(" ")]
    facts: list[Span] = [Span(" ")]
    for place, station in enumerate(stations):
        role = ROLES[station.status]
        is_last = place == len(stations) - 1
        room = width - 1 - step * place if is_last else step
        nodes += _node(station, 0 if is_last else step - 1, role, glyphs)
        names.append(Span(_cut(_name(station, step), room, is_last, glyphs), _name_role(station)))
        facts.append(Span(_cut(glyphs.safe(station.fact), room, is_last, glyphs), _fact_role(station)))
    return [tuple(nodes), tuple(names), tuple(facts)]


def _step(stations: int, width: int) -> int:
    """Cells from one station to the next: equal ones, in a narrow line at the cost of the last."""
    equal = (width - 1) // max(stations, 1)
    return max(equal, min((width - 1 - _LAST) // max(stations - 1, 1), _NUMBERED))


def _node(station: Station, behind: int, role: str, glyphs: Glyphs) -> tuple[Span, ...]:
    """The station, and the line to the next one: heavy behind what is done."""
    mark = Span(glyphs.stations[station.status], role)
    if station.status == "done":
        return (mark, Span(glyphs.track_done * behind, role))
    return (mark, Span(glyphs.track_rest * behind, "faint"))


def _name(station: Station, step: int) -> str:
    number = STAGES.index(station.stage) + 1
    if step >= _ROOMY:
        return f"{number} {station.stage}"
    verb = VERBS[station.stage]
    return f"{number} {verb}" if step >= _NUMBERED else verb


def _name_role(station: Station) -> str:
    return {"now": "strong", "stuck": "strong", "done": "text"}.get(station.status, "muted")


def _fact_role(station: Station) -> str:
    return "error" if station.status == "stuck" else "muted"


def _cut(text: str, room: int, is_last: bool, glyphs: Glyphs) -> str:
    """The text in its room, a space before what comes next."""
    return clip(text, room, glyphs) if is_last else clip(text, room - 1, glyphs) + " "


def _column(stations: Sequence[Station], width: int, glyphs: Glyphs) -> list[Line]:
    lines: list[Line] = []
    for station in stations:
        name = f"{glyphs.stations[station.status]} {VERBS[station.stage]:<9}"
        room = max(width - 1 - len(name), 0)
        lines.append(
            (
                Span(" "),
                Span(clip(name, min(len(name), max(width - 1, 0)), glyphs), ROLES[station.status]),
                Span(clip(glyphs.safe(station.fact), room, glyphs), _fact_role(station)),
            )
        )
    return lines
