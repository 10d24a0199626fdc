"""What is chosen for a demo: the line above the picture, and the page before the first run. Pure functions."""

from __future__ import annotations

from ipcinspect.demo import faults as demo_faults
from ipcinspect.demo.plan import Plan
from ipcinspect.mechanisms.room import Demo
from ipcinspect.model.words import STAGES
from ipcinspect.tui import figures
from ipcinspect.tui.demo_fault_words import fault_words
from ipcinspect.tui.demo_words import FORMAT_WORDS, MECHANISM_WORDS, stage_words
from ipcinspect.tui.drawing import Line, Part, Span, clip, fit, join_parts, length, spread, wrap
from ipcinspect.tui.glyphs import Glyphs


def setup_line(plan: Plan, demo: Demo, where: Line, width: int, glyphs: Glyphs) -> Line:
    """The plan, filled in, in one line; `where` stands at the right."""
    only = plan.variant == plan.mechanism or len(demo.variants) == 1
    name = plan.mechanism if only else f"{plan.mechanism} {plan.variant}"
    form = FORMAT_WORDS[plan.format] + (f" {plan.byte_order}" if plan.format == "struct" else "")
    parts = [
        Part((Span(name, "strong"),), 0),
        *([_pair("format", form, 2)] if demo.carries_payload else []),
        _pair("mode", "blocking" if plan.blocking else "non-blocking", 4),
        _pair("size" if demo.carries_payload else "raised", _amount(plan, demo, glyphs), 3),
        _pair("told by", plan.notification or "", 6),
        _pair("answer", f"{plan.response} channel", 7),
        *([_pair("lock", plan.lock, 5)] if plan.lock is not None else []),
        *([_pair("fault", plan.fault, 1, "warning")] if plan.fault is not None else []),
    ]
    room = width - length(where) - 4
    return spread((Span(" "), *join_parts(parts, room, "   ")), (*where, Span(" ")), width, glyphs)


def _pair(word: str, value: str, drop: int, role: str = "text") -> Part:
    return Part((Span(f"{word} ", "muted"), Span(value, role)), drop)


def _amount(plan: Plan, demo: Demo, glyphs: Glyphs) -> str:
    times = "x" if glyphs.plain else "×"
    return f"{figures.size(plan.size)} {times} {plan.messages}" if demo.carries_payload else f"{plan.messages} times"


def intro_lines(plan: Plan, demo: Demo, failure: str | None, width: int, glyphs: Glyphs) -> list[Line]:
    """Before a run: what it is, what will be shown, what to press. `failure`: why it is, or was, not possible."""
    room = max(min(width - 6, 100), 20)
    lines: list[Line] = [()]
    if failure is not None:
        mark = glyphs.marks["error"]
        told = wrap(glyphs.safe(failure), room - 2)
        lines += [(Span(f"   {'  ' if place else mark + ' '}{text}", "error"),) for place, text in enumerate(told)]
    else:
        lines.append((Span("   No pair is running.", "strong"),))
    sentence = (
        f"A demo is two processes, a sender and a receiver, over one real {plan.mechanism}. This page shows the calls "
        "of both, and what the kernel shows of the channel, through the seven stages of its life."
    )
    lines += [(), *((Span(f"   {text}"),) for text in wrap(sentence, room)), ()]
    lines += _mechanism_rows(plan, width, glyphs)
    lines += _stage_rows(plan, demo, width, glyphs)
    keys: Line = (Span("   "),)
    for key, word in _KEYS:
        keys = (*keys, Span(key, "key"), Span(f" {word}   "))
    after = "   Nothing is left behind: not after the end, not when you leave."
    return [*lines, (), keys, *([(Span(after, "muted"),)] if failure is None else [])]


_WORD = 15
_KEYS = (("enter", "run it"), ("n", "stage by stage"), ("m", "mechanism"), ("x", "let something go wrong"))


def _stage_rows(plan: Plan, demo: Demo, width: int, glyphs: Glyphs) -> list[Line]:
    """What happens in each stage; below the one where the fault belongs, what goes wrong there."""
    rows: list[Line] = []
    room = width - _WORD - 7
    for place, stage in enumerate(STAGES, 1):
        words = stage_words(stage, demo.carries_payload)
        told = words if len(words) <= room else f"{words.partition(';')[0]}."
        rows.append((Span(f"   {place} {clip(stage, _WORD, glyphs)} ", "accent"), Span(told)))
        if plan.fault is not None and demo_faults.FAULTS_BY_WORD[plan.fault].stage == stage:
            head = f"   {glyphs.stations['stuck']} {clip(plan.fault, _WORD, glyphs)} "
            rows.append((Span(head, "error"), Span(fault_words(plan.fault, plan, demo), "error")))
    return [fit(row, width, glyphs) for row in rows]


def _mechanism_rows(plan: Plan, width: int, glyphs: Glyphs) -> list[Line]:
    """What the mechanism is."""
    about = wrap(MECHANISM_WORDS.get(plan.mechanism, ""), max(min(width - _WORD - 7, 100), 20))
    return [
        fit(
            (Span(f"   {clip('' if place else plan.mechanism, _WORD + 2, glyphs)} ", "strong"), Span(text)),
            width,
            glyphs,
        )
        for place, text in enumerate(about)
    ]
