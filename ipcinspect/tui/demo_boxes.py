"""Sender, channel and receiver as three boxes with what moves between them. Pure functions."""

from __future__ import annotations

from ipcinspect.mechanisms.demo_part import Report
from ipcinspect.tui import demo_tank
from ipcinspect.tui.demo_calls import call_text
from ipcinspect.tui.demo_scene import Scene, is_closed, milliseconds, slept_until
from ipcinspect.tui.demo_wires import wire
from ipcinspect.tui.drawing import Line, Span, clip, clip_left, fit, length
from ipcinspect.tui.glyphs import Glyphs

_WIDEST = 44
_WIRE = 4
_WIRE_IN_A_WIDE_LINE = 8
_WIDE = 110
HEIGHT = 4


def box_lines(scene: Scene, width: int, glyphs: Glyphs) -> list[Line]:
    """Four lines of at most `width` cells."""
    between = _WIRE_IN_A_WIDE_LINE if width >= _WIDE else _WIRE
    box = min((width - 2 - 2 * between) // 3, _WIDEST)
    if box < 8:
        return []
    active = _active(scene)
    inner = box - 4
    sender = _box(_title(scene, "a"), _process(scene, "a", inner, glyphs), box, active == "a", glyphs)
    receiver = _box(_title(scene, "b"), _process(scene, "b", inner, glyphs), box, active == "b", glyphs)
    content = [demo_tank.drawn(scene, inner, glyphs), demo_tank.told(scene, inner, glyphs)]
    channel = _box(_channel_title(scene, inner, glyphs), content, box, active == "channel", glyphs)
    lines = []
    for place in range(HEIGHT):
        first, second = ((Span(" " * between),),) * 2 if place != 1 else _wires(scene, between, glyphs)
        lines.append((Span(" "), *sender[place], *first, *channel[place], *second, *receiver[place]))
    return lines


def _wires(scene: Scene, width: int, glyphs: Glyphs) -> tuple[Line, Line]:
    return wire(scene, "a", width, glyphs), wire(scene, "b", width, glyphs)


def _active(scene: Scene) -> str | None:
    """Whose doing the newest line is."""
    newest = scene.newest
    if newest is None or scene.is_over:
        return None
    return newest.side if newest.side in ("a", "b") else "channel" if newest.evidence is not None else None


def _title(scene: Scene, side: str) -> str:
    word = "sender" if side == "a" else "receiver"
    if scene.cast is None:
        return word
    return f"{word} {scene.cast.sender if side == 'a' else scene.cast.receiver}"


def _channel_title(scene: Scene, width: int, glyphs: Glyphs) -> str:
    channel = scene.channel
    name = scene.plan.mechanism if channel is None else glyphs.safe(channel.id)
    return clip_left(name, min(len(name), width - 2), glyphs)


def _process(scene: Scene, side: str, width: int, glyphs: Glyphs) -> list[Line]:
    """The last call of one half, and how far it is."""
    told = scene.last_call(side)
    report = None if told is None else told.report
    call = "" if report is None else glyphs.safe(call_text(report, width))
    dead = scene.is_killed(side)
    role = "muted" if dead else "error" if report is not None and report.has_failed else "text"
    condition = f"{glyphs.marks['gone']} killed" if dead else _condition(scene, side, report, glyphs.quiet_call)
    if len(condition) > width:
        condition = condition.rpartition(f" {glyphs.quiet_call} ")[2]
    return [
        (Span(clip(call, width, glyphs), "strong" if slept_until(scene, side) is False and not dead else role),),
        (Span(clip(condition, width, glyphs), "muted"),),
    ]


def _condition(scene: Scene, side: str, report: Report | None, dot: str) -> str:
    if scene.cast is None:
        return "not started yet"
    newest = scene.newest
    number = 0 if newest is None else newest.sent if side == "a" else newest.taken
    done = f"{number} {'sent' if side == 'a' else 'taken'}"
    if scene.is_over:
        return f"{done} {dot} ended"
    if is_closed(scene, side):
        return f"{done} {dot} has let go"
    woken = slept_until(scene, side)
    if woken is not None:
        return f"{done} {dot} {'woken' if woken else 'asleep'}"
    if report is not None and report.took_s is not None and report.took_s >= 0.001:
        return f"{done} {dot} slept {milliseconds(report.took_s)}"
    return f"{done} {dot} running"


def _box(title: str, content: list[Line], width: int, active: bool, glyphs: Glyphs) -> list[Line]:
    role = "accent" if active else "muted"
    upper_left, upper_right, lower_right, lower_left, side = tuple(glyphs.box)
    stroke = glyphs.line
    shown = f" {title if len(title) <= width - 5 else clip(title, max(width - 5, 1), glyphs)} "
    rest = width - 3 - length((Span(shown),))
    top: Line = (
        Span(upper_left + stroke, role),
        Span(shown, "strong"),
        Span(stroke * max(rest, 0) + upper_right, role),
    )
    middle = [(Span(f"{side} ", role), *fit(line, width - 4, glyphs), Span(f" {side}", role)) for line in content]
    return [top, *middle, (Span(lower_left + stroke * (width - 2) + lower_right, role),)]
