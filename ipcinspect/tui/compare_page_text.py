"""The page Compare: what it does, the rows as they come, then the answers above them. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ipcinspect.demo.compare.answers import Answer
from ipcinspect.demo.compare.contest import Effort, Progress
from ipcinspect.demo.compare.rows import Results, Row
from ipcinspect.tui.compare_words import best_of, block_title, blocks, left_words, notes, questions, row_words, wrapped
from ipcinspect.tui.drawing import Line, Span, bar, clip, fit, spread, wrap
from ipcinspect.tui.glyphs import Glyphs

_LABEL, _BAR, _INDENT = 27, 6, 2
_FIGURES = (("ONE WAY", 8), ("±", 6), ("TRIP", 7), ("±", 6), ("P99", 7), ("CPU", 7))
_SWITCHES = ("SWITCHES", 9)
_WIDE, _WIDEST = 92, 104
_PROGRESS = 20


def compare_lines(
    results: Results | None,
    answers: Sequence[Answer],
    effort: Effort | None,
    failure: str | None,
    width: int,
    glyphs: Glyphs,
) -> list[Line]:
    """All that is known by now."""
    if failure is not None:
        return [(), *_paragraph(failure, width, "error", glyphs)]
    if results is None or effort is None:
        return [(), *_intro(width, glyphs)]
    lines: list[Line] = []
    for question, said in questions(answers):
        lines += [(), (Span(f"  {question}", "strong"),)]
        for sentence in said:
            lines += _paragraph(sentence, width, "text", glyphs, "- ")
    for size, rows in blocks(results):
        lines += [(), *_block(size, rows, width, glyphs)]
    lines.append(())
    for note in notes(effort, results):
        lines += _paragraph(note, width, "muted", glyphs)
    return lines


def progress_line(progress: Progress | None, is_over: bool, quick: bool, width: int, glyphs: Glyphs) -> Line:
    """How far it is, and how long it still takes."""
    kind = "quick" if quick else "full"
    if is_over or progress is None:
        word = "measured" if is_over else "starting"
        return fit((Span("  "), Span(f"{word}, {kind}", "muted")), width, glyphs)
    drawn = bar(progress.done, _PROGRESS, "accent", glyphs)
    left: Line = (Span("  "), *drawn, Span(f" {progress.done:4.0%}  ", "strong"), Span(progress.what, "muted"))
    right: Line = (Span(left_words(progress.left_s), "strong"), Span("  "))
    return spread(left, right, width, glyphs)


def _intro(width: int, glyphs: Glyphs) -> Iterator[Line]:
    yield from _paragraph(
        "Two processes for each mechanism, and the same work for all of them: messages of four sizes in one direction "
        "as fast as they go, and round trips. All take turns, and the first round does not count. Rows come after the "
        "second one, the answers at the end.",
        width,
        "text",
        glyphs,
    )
    yield ()
    yield from _paragraph("Nothing is left behind: not after the end, not when you leave.", width, "muted", glyphs)


def _block(size: int, rows: Sequence[Row], width: int, glyphs: Glyphs) -> Iterator[Line]:
    columns = (*_FIGURES, _SWITCHES) if width >= _WIDE else _FIGURES
    title = clip(f"  {block_title(size)}", _INDENT + _LABEL + 1 + _BAR, glyphs)
    heads = [Span(clip(_plain(head, glyphs), room, glyphs, "right"), "muted") for head, room in columns]
    yield (Span(title, "strong"), *heads)
    best = best_of(rows)
    for row in rows:
        yield fit(_row(row, best, [room for _, room in columns], glyphs), width, glyphs)


def _row(row: Row, best: float, rooms: Sequence[int], glyphs: Glyphs) -> Line:
    words = row_words(row, best)
    label = Span(" " * _INDENT + clip(words.label, _LABEL, glyphs) + " ")
    if words.reason is not None and row.round_trip is None:
        return (label, Span(glyphs.safe(words.reason), "muted"))
    drawn = (Span(" " * _BAR),) if words.part is None else bar(words.part, _BAR, "accent", glyphs)
    figures = (words.rate, words.rate_spread, words.trip, words.trip_spread, words.p99, words.cpu, words.switches)
    roles = ("strong", "muted", "strong", "muted", "text", "text", "text")
    cells = zip(figures, roles, rooms, strict=False)
    return (
        label,
        *drawn,
        *(Span(clip(_plain(text, glyphs), room, glyphs, "right"), role) for text, role, room in cells),
    )


def _paragraph(text: str, width: int, role: str, glyphs: Glyphs, start: str = "") -> Iterator[Line]:
    room = max(min(width - 2 * _INDENT, _WIDEST) - len(start), 20)
    for place, line in enumerate(wrapped(_plain(text, glyphs), lambda whole: wrap(whole, room))):
        yield (Span(" " * _INDENT + (" " * len(start) if place else start) + line, role),)


def _plain(text: str, glyphs: Glyphs) -> str:
    """Printable, `±` in two characters where only ASCII is drawn."""
    return glyphs.safe(text.replace("±", "+-") if glyphs.plain else text)
