"""Below a demo's picture: what the kernel shows, what a stage is, the payload, where one meets it. Pure functions."""

from __future__ import annotations

import re

from ipcinspect.demo import formats
from ipcinspect.demo.formats import FormatError
from ipcinspect.lifecycle.interfaces import INTERFACES
from ipcinspect.model.words import STAGES
from ipcinspect.tui import figures
from ipcinspect.tui.demo_scene import Scene
from ipcinspect.tui.demo_words import REAL_LIFE, STAGE_WORDS
from ipcinspect.tui.drawing import Line, Span, clip, rule, wrap
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.states import look_of

_LABEL = 11
_READABLE = 110
"""Sentences stop at this width."""
_IN_A_ROW = 16
_SHOWN_ROWS = 3


def kernel_lines(scene: Scene, width: int, whole: bool, glyphs: Glyphs) -> list[Line]:
    """What the program's own collectors show, and the newest sentence of the walk; `whole`: with who holds it."""
    lines: list[Line] = []
    evidence = scene.evidence
    if evidence is not None:
        fact = evidence.seen if whole else evidence.seen.partition(", held by")[0]
        known = INTERFACES.get(scene.plan.mechanism) if evidence.channel is not None else None
        lines += _labelled("Kernel", fact, "" if known is None else known.fill, width, glyphs)
    says = scene.says
    if says is not None and says.says is not None:
        who = {"a": "Sender", "b": "Receiver", "maker": "Maker"}.get(says.side or "", "Told")
        bad = says.failed or says.fault
        told = _labelled("Failed" if says.failed else who, says.says, "", width, glyphs, "error" if bad else "text")
        lines += told if whole else told[:2]
    return lines


def stage_lines(scene: Scene, width: int, glyphs: Glyphs) -> list[Line]:
    """What happens in the stage where it stands."""
    if scene.stage is None:
        return []
    number = STAGES.index(scene.stage) + 1
    return _labelled(f"Stage {number}", f"{scene.stage}: {STAGE_WORDS[scene.stage]}", "", width, glyphs)


def real_life_lines(scene: Scene, width: int, glyphs: Glyphs) -> list[Line]:
    """Where one meets this stage outside of a demo."""
    if scene.stage is None:
        return []
    spans: list[Span] = [_label("Real life", glyphs)]
    for place, piece in enumerate(re.split(r"\{(\w+)\}", REAL_LIFE[scene.stage])):
        if place % 2:
            look = look_of(piece)
            spans.append(Span(f"{glyphs.marks[look.mark]} {piece}", look.role))
        else:
            spans.append(Span(piece))
    return [tuple(spans)]


def payload_lines(scene: Scene, width: int, glyphs: Glyphs) -> list[Line]:
    """The message at hand: its value, its bytes, and its size against the channel's."""
    number = _message_at_hand(scene)
    if not number:
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
