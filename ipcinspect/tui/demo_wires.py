"""What stands between a demo's boxes: whether something moves, waits, runs into a wall, or an end is gone."""

from __future__ import annotations

from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.model.words import STAGES
from ipcinspect.tui.demo_calls import moves
from ipcinspect.tui.demo_scene import Scene, is_closed
from ipcinspect.tui.drawing import Line, Span
from ipcinspect.tui.glyphs import Glyphs

_FIRST_TO_MOVE = STAGES.index("transmission")
_NOTHING = "0 bytes"
"""What a read gives at the end of file."""


def wire(scene: Scene, side: str, width: int, glyphs: Glyphs) -> Line:
    """Between one half and the channel, in `width` cells."""
    shape, role = _shape(scene, side, glyphs)
    if not shape:
        return (Span(" " * width),)
    longer = width - 2 - 2
    if shape in (glyphs.wires["to moving"], glyphs.ready[0], glyphs.wires["blocked"]):
        shape = shape[0] * longer + shape
    elif shape in (glyphs.wires["from moving"], glyphs.ready[1]):
        shape = shape + shape[-1] * longer
    return (Span(" "), Span(shape, role), Span(" " * max(width - 1 - len(shape), 0)))


def _shape(scene: Scene, side: str, glyphs: Glyphs) -> tuple[str, str]:
    """The glyphs and their role; nothing before there is a channel."""
    if not scene.had_channel and not scene.is_over:
        return "", "text"
    if scene.is_over or scene.is_killed(side) or is_closed(scene, side):
        return glyphs.wires["gone"], "muted"
    report = _last_move(scene, side)
    sends = (side == "a") != scene.is_answer
    if report is not None and sends and (report.has_failed or report.took_s is None):
        return glyphs.wires["blocked"], "error"
    if report is not None and report.result is not None and report.result != _NOTHING:
        return glyphs.wires["from moving" if scene.is_answer else "to moving"], "ok"
    if scene.channel is None or _is_refused(scene, side):
        return "", "text"
    return glyphs.ready[scene.is_answer], "muted"


def _is_refused(scene: Scene, side: str) -> bool:
    """Whether this half could not take hold of its end."""
    told = scene.last_call(side)
    return told is not None and told.report is not None and told.stage == STAGES[0] and told.report.has_failed


def _last_move(scene: Scene, side: str) -> Report | None:
    """The last call by which this half has moved something, or wanted to, in the stage where the walk stands."""
    if scene.stage is None or not _FIRST_TO_MOVE <= STAGES.index(scene.stage) < len(STAGES) - 1:
        return None
    mine = (
        told.report
        for told in reversed(scene.lines)
        if told.stage == scene.stage and told.side == side and told.report is not None
    )
    return next((report for report in mine if moves(scene.demo, report)), None)
