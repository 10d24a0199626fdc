"""The whole Demo page below its setup line, for any size. Pure functions."""

from __future__ import annotations

from ipcinspect.tui.demo_boxes import box_lines
from ipcinspect.tui.demo_calls import call_lines, calls_head
from ipcinspect.tui.demo_parts import kernel_lines, payload_lines, real_life_lines, stage_lines
from ipcinspect.tui.demo_scene import Scene, stations
from ipcinspect.tui.drawing import Line
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.stage_track import track_lines

_TALL = 30
"""Lines from which on there is room for payload, stage and real life."""
_LEAST_CALLS = 3
_LEAST_BESIDE_A_FAULT = 1


def demo_lines(scene: Scene, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The picture: boxes, track, calls, what the kernel shows; on a tall screen more of each."""
    tall = height >= _TALL and width >= 100
    top = [*box_lines(scene, width, glyphs), (), *track_lines(stations(scene), width, glyphs), ()]
    kernel = kernel_lines(scene, width, tall, glyphs)
    least = _LEAST_CALLS if scene.fault is None else _LEAST_BESIDE_A_FAULT
    if not tall:
        room = height - len(top) - 1 - len(kernel)
        calls = call_lines(scene, width, max(room, least), glyphs)
        gap: list[Line] = [()] * max(min(room - len(calls), 1), 0)
        return [*top, calls_head(scene, width, glyphs), *calls, *gap, *kernel]
    below = [
        *kernel,
        *stage_lines(scene, width, glyphs),
        (),
        *payload_lines(scene, width, glyphs),
        (),
        *real_life_lines(scene, width, glyphs),
    ]
    room = height - len(top) - 2 - len(below)
    calls = call_lines(scene, width, max(room, least), glyphs)
    return [*top, calls_head(scene, width, glyphs), *calls, (), *below]
