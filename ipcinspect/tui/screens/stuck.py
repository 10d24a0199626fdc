"""3 Stuck: who waits for whom, and cannot go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey
from ipcinspect.tui import figures
from ipcinspect.tui.drawing import Line, Span
from ipcinspect.tui.feed import WAITS_EVERY_S
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.header import Key
from ipcinspect.tui.rows import Rows
from ipcinspect.tui.screens.report import ReportPage
from ipcinspect.tui.stuck_text import (
    TangleRows,
    asked,
    chains_of,
    drawn_small,
    no_waits,
    nothing_stuck,
    stuck_head,
    tangle_lines,
    tangle_rule,
)
from ipcinspect.tui.trouble import Tangle, Trouble
from ipcinspect.tui.trouble_lines import stuck_sentence
from ipcinspect.tui.view import View

_OTHERS = 3
"""Knots that are drawn below the chosen one."""


class StuckPage(ReportPage):
    """A row for each knot; below it the chosen one as a drawing."""

    KEYS: ClassVar[tuple[Key, ...]] = (Key("up down", "knot"), *ReportPage.KEYS)

    def __init__(self) -> None:
        super().__init__(id="stuck-page")
        self._asked: ProcessKey | None = None
        self._answer: tuple[Trouble, Tangle] | None = None
        """Of the last question, and from what it was told."""

    def ask(self, process: ProcessKey) -> None:
        """Show what a process waits for, stuck or not."""
        trouble = None if self.ipc.view is None else self.ipc.view.trouble
        tangle = None if trouble is None else trouble.tangle_of(process)
        if tangle is not None:
            self._asked = None
            self.choose(tangle)
        else:
            self._asked = process
            self.list.intend(("why", process))
            self.show(self.ipc.view)
            self.enter()

    def choose(self, tangle: Tangle) -> None:
        """Put the cursor on a row."""
        if not self.list.choose(tangle.identity):
            self.list.intend(tangle.identity)
            self.show(self.ipc.view)

    def back(self) -> bool:
        going = super().back()
        if not going:
            self._asked = None
        return going

    def tangles(self, view: View) -> list[Tangle]:
        """What is shown; first the process that was asked about, for as long as it is there."""
        trouble = view.trouble
        if trouble is None:
            return []
        process = None if self._asked is None else view.snapshot.processes.get(self._asked.pid)
        if self._asked is None or process is None or process.key != self._asked:
            self._answer = None
            return list(trouble.tangles)
        answer = self._answer
        if answer is None or answer[0] is not trouble or answer[1].start.process != self._asked:
            answer = self._answer = (trouble, asked(trouble, self._asked))
        return [answer[1], *trouble.tangles]

    def rows(self, view: View) -> Rows:
        return TangleRows(self.tangles(view), view.snapshot.taken_at)

    def tangle(self) -> Tangle | None:
        """The chosen one."""
        rows, key = self.list.rows, self.chosen()
        place = None if key is None else rows.find(key)
        return rows.tangles[place] if isinstance(rows, TangleRows) and place is not None else None

    def title(self, width: int, glyphs: Glyphs) -> Line:
        return tangle_rule(self.tangle(), width, glyphs)

    def report(self, view: View, width: int, glyphs: Glyphs) -> Sequence[Line]:
        tangle = self.tangle()
        if view.trouble is None:
            return no_waits()
        if tangle is None:
            return nothing_stuck(view.trouble, view.snapshot, max(self.ipc.feed.interval(), WAITS_EVERY_S), glyphs)
        return tangle_lines(view.trouble, tangle, width, glyphs)

    def below(self, view: View, width: int, glyphs: Glyphs) -> Sequence[Line]:
        """The other knots, in a tall terminal."""
        chosen = self.tangle()
        if view.trouble is None or chosen is None or not self.screen.has_class("-tall"):
            return ()
        others = [one for one in self.tangles(view) if one.identity != chosen.identity]
        return [line for one in others[:_OTHERS] for line in drawn_small(view.trouble, one, width, glyphs)]

    def headline(self, width: int, glyphs: Glyphs) -> Line | None:
        view = self.ipc.view
        if view is None or view.trouble is None:
            return None
        if len(self.list.rows):
            return stuck_head(width - 1, glyphs)
        checked = Span(f"   checked {figures.wall_time(view.trouble.taken_at)}", "muted")
        return (Span(" "), *stuck_sentence(view.trouble, glyphs), checked)

    def channel(self) -> ChannelKey | None:
        tangle, view = self.tangle(), self.ipc.view
        if tangle is None or view is None or view.trouble is None:
            return None
        hops = [hop for one in chains_of(view.trouble, tangle) for hop in one.hops]
        awaited = [hop.awaited or next(iter(hop.wait.awaited if hop.wait else ()), None) for hop in hops]
        return next((each.channel for each in awaited if each is not None and each.channel is not None), None)

    def process(self) -> ProcessKey | None:
        tangle = self.tangle()
        if tangle is None:
            return None
        return (tangle.root or tangle.start).process
