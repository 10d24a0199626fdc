"""What an empty table says: what is so, and what to do; never a bare "no data"."""

from __future__ import annotations

from collections.abc import Sequence

from ipcinspect.model.text import visible
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Span
from ipcinspect.tui.rows import TextRows
from ipcinspect.tui.view import View


def no_channels(view: View, words: Sequence[str]) -> TextRows:
    """The channel table without a row."""
    snapshot = view.snapshot
    if words:
        whole = figures.plural(len(snapshot.channels), "channel")
        return TextRows(
            [
                (),
                (Span(f"   No channel matches {visible(' '.join(words))}.", "strong"),),
                (Span(f"   {whole} without the filter: esc clears it.", "muted"),),
            ]
        )
    lines: list[Line] = [
        (),
        (Span("   No channel is open that can be seen from here.", "strong"),),
        (),
        (Span("   A row appears when a process makes a pipe, a socket, a queue or shared memory."),),
        (),
        (Span("   Looked at   ", "muted"), Span(figures.plural(len(snapshot.processes), "process"))),
    ]
    if snapshot.hidden_processes:
        hidden = figures.plural(snapshot.hidden_processes, "process")
        lines.append(
            (Span("   Not seen    ", "muted"), Span(f"{hidden}" + (": run as root" if snapshot.host.uid else "")))
        )
    lines.append((Span("   See one     ", "muted"), Span("5", "key"), Span(" Demo, then "), Span("n", "key")))
    return TextRows(lines)


def no_processes(words: Sequence[str]) -> TextRows:
    """The tree without a row."""
    if not words:
        return TextRows([(Span(" No process can be seen.", "muted"),)])
    return TextRows(
        [(Span(f" No process matches {visible(' '.join(words))}.", "strong"),), (Span(" esc clears it.", "muted"),)]
    )
