"""What is chosen for a demo: the line above the picture, and the page before the first run. Pure functions."""

from __future__ import annotations

from ipcinspect.demo.plan import Plan
from ipcinspect.mechanisms.room import Demo
from ipcinspect.model.words import STAGES
from ipcinspect.tui import figures
from ipcinspect.tui.demo_words import FORMAT_WORDS, MECHANISM_WORDS, STAGE_WORDS
from ipcinspect.tui.drawing import Line, Part, Span, clip, fit, join_parts, length, spread, wrap
from ipcinspect.tui.glyphs import Glyphs


def setup_line(plan: Plan, demo: Demo, where: Line, width: int, glyphs: Glyphs) -> Line:
    """The plan in one line; `where` stands at the right."""
    variant = plan.variant or demo.variants[0]
    name = plan.mechanism if variant == plan.mechanism or len(demo.variants) == 1 else f"{plan.mechanism} {variant}"
    form = FORMAT_WORDS[plan.format] + (f" {plan.byte_order}" if plan.format == "struct" else "")
    parts = [
        Part((Span(name, "strong"),), 0),
        *([_pair("format", form, 2)] if demo.carries_payload else []),
        _pair("mode", "blocking" if plan.blocking else "non-blocking", 4),
        _pair("size" if demo.carries_payload else "raised", _amount(plan, demo, glyphs), 3),
        _pair("told by", plan.notification or demo.notifications[0], 6),
        _pair("answer", f"{plan.response or demo.responses[0]} channel", 7),
        *([_pair("lock", plan.lock or demo.locks[0], 5)] if demo.locks else []),
        *([_pair("fault", plan.fault, 1)] if plan.fault is not None else []),
    ]
    room = width - length(where) - 4
    return spread((Span(" "), *join_parts(parts, room, "   ")), (*where, Span(" ")), width, glyphs)


def _pair(word: str, value: str, drop: int) -> Part:
    return Part((Span(f"{word} ", "muted"), Span(value)), drop)


def _amount(plan: Plan, demo: Demo, glyphs: Glyphs) -> str:
    times = "x" if glyphs.plain else "×"
    return f"{figures.size(plan.size)} {times} {plan.messages}" if demo.carries_payload else f"{plan.messages} times"


def intro_lines(plan: Plan, failure: str | None, width: int, glyphs: Glyphs) -> list[Line]:
    """Before a run: what it is, what will be shown, what to press. `failure`: why the last one was not possible."""
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
    about = MECHANISM_WORDS.get(plan.mechanism, "")
    lines += _rows([(plan.mechanism, about, "strong")], width, glyphs)
    lines += [
        (
            Span(f"   {place} {clip(stage, 13, glyphs)} ", "accent"),
            Span(clip_to(STAGE_WORDS[stage], width - 20, glyphs)),
        )
        for place, stage in enumerate(STAGES, 1)
    ]
    keys: Line = (Span("   "),)
    for key, word in (("enter", "run it"), ("n", "go stage by stage"), ("m", "another mechanism"), ("o", "options")):
        keys = (*keys, Span(key, "key"), Span(f" {word}    "))
    return [*lines, (), keys, (Span("   Nothing is left behind: not after the end, not when you leave.", "muted"),)]


def clip_to(text: str, width: int, glyphs: Glyphs) -> str:
    """The text, cut where it has no room."""
    return clip(text, min(len(text), max(width, 0)), glyphs)


def _rows(rows: list[tuple[str, str, str]], width: int, glyphs: Glyphs) -> list[Line]:
    return [
        fit((Span(f"   {clip(word, 15, glyphs)} ", role), Span(glyphs.safe(text))), width, glyphs)
        for word, text, role in rows
    ]
