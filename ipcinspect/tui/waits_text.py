"""Who sleeps on one channel, and what the threads of one process wait for. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from ipcinspect.diagnosis import wording
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.wait import Awaited, Wait
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Span, clip
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.trouble import Trouble

_AT_MOST = 200
"""Waits that are told one by one: a futex may have thousands."""
_NAME_LEAST, _NAME_MOST, _CALL_MOST, _AGE = 6, 26, 22, 5


def waits_of_channel(trouble: Trouble | None, key: ChannelKey, width: int, glyphs: Glyphs) -> list[Line]:
    """The tab of a channel: each thread that sleeps on it, what it waits for and who could end that."""
    if trouble is None:
        return [(Span(" What threads wait for is not known yet.", "muted"),)]
    waits = trouble.waits_at.get(key, ())
    if not waits:
        return [(Span(" No thread that can be seen sleeps on this channel.", "muted"),)]
    shown = [(wait, [each for each in wait.awaited if each.channel == key]) for wait in waits[:_AT_MOST]]
    lines = _table("THREAD", shown, trouble, width, glyphs)
    if len(waits) > _AT_MOST:
        lines.append((Span(f"   and {len(waits) - _AT_MOST} more", "muted"),))
    return lines


def waits_of_process(trouble: Trouble, waits: Sequence[Wait], width: int, glyphs: Glyphs) -> list[Line]:
    """Each thread of a process that sleeps in a call; the stuck ones first."""
    ordered = sorted(waits, key=lambda wait: (wait.thread not in trouble.judged.stuck, wait.thread))
    return _table("THREAD", [(wait, list(wait.awaited)) for wait in ordered[:_AT_MOST]], trouble, width, glyphs)


def _table(
    title: str, rows: Sequence[tuple[Wait, list[Awaited]]], trouble: Trouble, width: int, glyphs: Glyphs
) -> list[Line]:
    snapshot = trouble.judged.snapshot
    names = [glyphs.safe(wording.who(wait.thread, snapshot)) for wait, _ in rows]
    calls = [glyphs.safe(wait.told) for wait, _ in rows]
    cells = (_widest(names, title, _NAME_MOST), _widest(calls, "WAITS IN", _CALL_MOST))
    until = max(width - sum(cells) - _AGE - 9, 10)
    titles = (
        f"   {clip(title, cells[0], glyphs)} {clip('WAITS IN', cells[1], glyphs)} {clip('UNTIL', until, glyphs)}"
        f" {clip('FOR', _AGE, glyphs, 'right')}"
    )
    lines: list[Line] = [(Span(titles, "muted"),)]
    for (wait, awaited), name, call in zip(rows, names, calls, strict=True):
        lines.append(
            _row(wait, (name, call, glyphs.safe(_until(wait, awaited, trouble))), (*cells, until), trouble, glyphs)
        )
    return lines


def _row(
    wait: Wait, texts: tuple[str, str, str], cells: tuple[int, int, int], trouble: Trouble, glyphs: Glyphs
) -> Line:
    stuck = wait.thread in _stuck(trouble)
    role = "error" if stuck else "text"
    name, call, until = (clip(text, room, glyphs) for text, room in zip(texts, cells, strict=True))
    since = "?" if wait.since is None else figures.steady_age(max(trouble.taken_at - wait.since, 0.0))
    return (
        Span(f" {glyphs.marks['error' if stuck else 'quiet']} ", "error" if stuck else "muted"),
        Span(f"{name} ", "strong" if stuck else "text"),
        Span(f"{call} "),
        Span(f"{until} "),
        Span(clip(since, _AGE, glyphs, "right"), role),
    )


def _stuck(trouble: Trouble) -> set[object]:
    """A program at rest looks stuck, too: only what is a knot counts."""
    return {thread for tangle in trouble.tangles if tangle.severity == "error" for thread in tangle.threads}


def _until(wait: Wait, awaited: Iterable[Awaited], trouble: Trouble) -> str:
    """`tee 2212 reads or closes its end`; of several things the first one."""
    kept, graph = set(awaited), trouble.judged.graph
    options = [(each, helpers) for each, helpers in graph.helpers(wait) if each in kept]
    if not options:
        return "a time has passed" if wait.has_timeout else "?"
    told = wording.until(*options[0], graph).removeprefix("until ")
    more = f", or {len(options) - 1} more" if len(options) > 1 else ""
    return told + more + (", or a time has passed" if wait.has_timeout else "")


def _widest(texts: Sequence[str], title: str, most: int) -> int:
    return min(max(cell_len(title), _NAME_LEAST, *(cell_len(text) for text in texts)), most)
