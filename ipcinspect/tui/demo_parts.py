"""Below a demo's picture: what the kernel shows, what a stage is, the payload, where one meets it. Pure functions."""

from __future__ import annotations

import re

from ipcinspect.demo import formats
from ipcinspect.demo.formats import FormatError
from ipcinspect.lifecycle.interfaces import INTERFACES
from ipcinspect.model.words import STAGES
from ipcinspect.tui import figures
from ipcinspect.tui.demo_scene import Scene
from ipcinspect.tui.demo_words import COUNT_WORDS, FAULT_REAL_LIFE, REAL_LIFE, stage_words
from ipcinspect.tui.drawing import Line, Span, clip, fit, length, rule, wrap
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.states import look_of

_LABEL = 11
_SECOND = "second channel "
"""How the walk tells of the answer's channel, behind the other."""
_READABLE = 110
"""Sentences stop at this width."""
_IN_A_ROW = 16
_SHOWN_ROWS = 3
_SAID, _LEAST_SAID = 2, 1
"""Lines of the newest sentence where there is not room for everything; beside a fault."""


def kernel_lines(scene: Scene, width: int, whole: bool, glyphs: Glyphs) -> list[Line]:
    """What the program's own collectors show, the fault once it showed, and the newest sentence of the walk.

    `whole`: with who holds the channel, and every sentence in full; the one of a fault always is.
    """
    fault, says = scene.fault, scene.says
    lines = [] if scene.is_over and fault is not None and not whole else _seen_lines(scene, width, whole, glyphs)
    if fault is not None:
        lines += _labelled("Fault", fault.says or "", "", width, glyphs, "error")
    if says is not None and says.says is not None and says is not fault:
        who = {"a": "Sender", "b": "Receiver", "maker": "Maker"}.get(says.side or "", "Told")
        role = "error" if says.failed else "text"
        told = _labelled("Failed" if says.failed else who, says.says, "", width, glyphs, role)
        lines += told if whole or says.failed else _shortened(told, _LEAST_SAID if fault else _SAID, width, glyphs)
    return lines


def _seen_lines(scene: Scene, width: int, whole: bool, glyphs: Glyphs) -> list[Line]:
    evidence = scene.evidence
    if evidence is None:
        return []
    fact = evidence.seen if whole else _of_the_one_in_use(scene, evidence.seen)
    known = INTERFACES.get(scene.plan.mechanism) if evidence.channel is not None else None
    return _labelled("Kernel", fact, "" if known is None else known.fill, width, glyphs)


def _of_the_one_in_use(scene: Scene, seen: str) -> str:
    """What is seen of the channel that is in use now, without who holds it."""
    first, _, second = seen.partition(f"; {_SECOND}")
    return (second if scene.is_answer and second else first).partition(", held by")[0]


def _shortened(lines: list[Line], most: int, width: int, glyphs: Glyphs) -> list[Line]:
    """The first of the lines; the last one that stays tells that there was more."""
    if len(lines) <= most:
        return lines
    *above, last = lines[:most]
    room = width - len(glyphs.ellipsis)
    return [*above, (*(last if length(last) <= room else fit(last, room, glyphs)), Span(glyphs.ellipsis))]


def stage_lines(scene: Scene, width: int, glyphs: Glyphs) -> list[Line]:
    """What happens in the stage where it stands."""
    if scene.stage is None:
        return []
    number = STAGES.index(scene.stage) + 1
    return _labelled(
        f"Stage {number}", f"{scene.stage}: {stage_words(scene.stage, scene.demo.carries_payload)}", "", width, glyphs
    )


def real_life_lines(scene: Scene, width: int, glyphs: Glyphs) -> list[Line]:
    """Where one meets this stage outside of a demo; what that says is of channels that carry something."""
    if scene.stage is None:
        return []
    words = FAULT_REAL_LIFE.get(scene.plan.fault or "") if scene.newest is scene.fault else None
    if words is None and scene.stage in COUNT_WORDS and not scene.demo.carries_payload:
        return []
    spans: list[Span] = [_label("Real life", glyphs)]
    for place, piece in enumerate(re.split(r"\{([\w-]+)\}", words or REAL_LIFE[scene.stage])):
        if place % 2:
            look = look_of(piece)
            spans.append(Span(f"{glyphs.marks[look.mark]} {look.label}", look.role))
        else:
            spans.append(Span(piece))
    return [tuple(spans)]


def payload_lines(scene: Scene, width: int, glyphs: Glyphs) -> list[Line]:
    """The message at hand: its value, its bytes, and its size against the channel's."""
    number = _message_at_hand(scene)
    if not number or not scene.demo.carries_payload:
        return []
    payload = scene.payloads[number - 1]
    right: Line = (Span(f"message {number} of {scene.plan.messages}, {figures.size(len(payload))}", "muted"),)
    lines: list[Line] = [rule((Span("Payload", "strong"),), right, width, False, glyphs)]
    try:
        value = formats.shown(formats.decode(payload, scene.plan.format, scene.plan.byte_order))
    except FormatError as error:
        value = str(error)
    lines += _labelled("Value", value, "", width, glyphs)
    for row in range(0, min(len(payload), _IN_A_ROW * _SHOWN_ROWS), _IN_A_ROW):
        lines.append(_bytes_line(payload, row, glyphs))
    rest = len(payload) - _IN_A_ROW * _SHOWN_ROWS
    if rest > 0:
        lines.append((_label("", glyphs), Span(f"and {rest} more bytes", "muted")))
    return lines


def _message_at_hand(scene: Scene) -> int:
    """The number of the message that the newest line is about; 0 where there is none."""
    newest = scene.newest
    if newest is None or not scene.payloads:
        return 0
    number = newest.sent if newest.stage in ("transmission", "delivery") else newest.taken
    return min(max(number, 1), len(scene.payloads))


def _bytes_line(payload: bytes, start: int, glyphs: Glyphs) -> Line:
    piece = payload[start : start + _IN_A_ROW]
    halves = piece[:8].hex(" "), piece[8:].hex(" ")
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
    return (
        _label("" if start else "Bytes", glyphs),
        Span(f"{start:06x}  ", "muted"),
        Span(f"{halves[0]:<23}  {halves[1]:<23}  "),
        Span(text, "accent"),
    )


def _label(word: str, glyphs: Glyphs) -> Span:
    return Span(f" {clip(word, _LABEL - 1, glyphs)}", "muted")


def _labelled(word: str, text: str, source: str, width: int, glyphs: Glyphs, role: str = "text") -> list[Line]:
    """A sentence with its label before it, and behind it in brackets what told it."""
    room = max(min(width - _LABEL - 1, _READABLE), 10)
    pieces = wrap(glyphs.safe(text), room)
    lines: list[Line] = [
        (_label(word if not place else "", glyphs), Span(piece, role)) for place, piece in enumerate(pieces)
    ]
    if source and len(pieces[-1]) + len(source) + 4 <= width - _LABEL:
        lines[-1] = (*lines[-1], Span(f"  ({glyphs.safe(source)})", "muted"))
    return lines
