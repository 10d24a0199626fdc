"""Compare, over the Demo screen: measures every mechanism while it is open, and answers which to choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import ModalScreen

from ipcinspect.demo.compare.contest import Progress
from ipcinspect.tui.compare_page_text import compare_lines, progress_line
from ipcinspect.tui.comparer import Compared, Comparer
from ipcinspect.tui.drawing import Line, Span, rule
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.header import Key, keys_line
from ipcinspect.tui.palette import look_of
from ipcinspect.tui.report_text import plain_text
from ipcinspect.tui.rows import TextRows
from ipcinspect.tui.widgets.line_list import LineList
from ipcinspect.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from ipcinspect.tui.ipc_app import IpcApp

_COPIED = 96
"""Cells in a line of the report that `y` copies."""


class CompareScreen(ModalScreen[None]):
    """Begins as soon as it is there; leaving it ends what it began."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close", show=False),
        Binding("r", "again(True)", "Once more, quickly", show=False),
        Binding("f", "again(False)", "Once more, with more rounds", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]

    class Went(Message):
        """The comparison has come further."""

        def __init__(self, comparer: Comparer, compared: Compared) -> None:
            super().__init__()
            self.comparer = comparer
            self.compared = compared

    def __init__(self) -> None:
        super().__init__()
        self._comparer: Comparer | None = None
        self._progress: Progress | None = None
        self.compared: Compared | None = None
        """What is shown: the last that had results, or the end."""

    def compose(self) -> ComposeResult:
        yield OneLine(_title, id="compare-title")
        yield OneLine(self._progress_line, id="compare-progress")
        yield LineList(chooses=False, id="compare")
        yield OneLine(_keys, id="compare-keys")

    @property
    def ipc(self) -> IpcApp:
        """The app, as what it is."""
        return cast("IpcApp", self.app)

    @property
    def comparer(self) -> Comparer | None:
        """What measures now."""
        return self._comparer

    def on_mount(self) -> None:
        """Begin."""
        self.query_one("#compare", LineList).focus()
        self.action_again(True)

    def on_unmount(self) -> None:
        """The pairs do not outlive the page."""
        if self._comparer is not None:
            self._comparer.stop()
        self.ipc.hold_looking(False)

    def on_resize(self) -> None:
        """Sentences wrap at the width."""
        self._draw()

    def action_again(self, quick: bool) -> None:
        """From the start; what runs ends first."""
        before = self._comparer
        if before is not None:
            before.stop()
        self._progress = self.compared = None
        self._comparer = Comparer(quick, self.ipc.options.begin_comparison, before)
        self.ipc.hold_looking(True)
        self._measure(self._comparer)
        self._draw()

    def action_close(self) -> None:
        """Back to the page, without the rest."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """What is measured by now, into the clipboard of the user's terminal."""
        if self.compared is not None:
            self.app.copy_to_clipboard(plain_text(self._lines(_COPIED)))

    @work(thread=True, group="compare", exit_on_error=False)
    def _measure(self, comparer: Comparer) -> None:
        comparer.run(lambda compared: self.post_message(self.Went(comparer, compared)))

    @on(Went)
    def _went(self, message: Went) -> None:
        if message.comparer is not self._comparer:
            return
        compared = message.compared
        self._progress = compared.progress or self._progress
        if compared.results is not None or compared.is_over:
            self.compared = compared
            self._draw()
        if compared.is_over:
            self.ipc.hold_looking(False)
        self.query_one("#compare-progress", OneLine).refresh()

    def _draw(self) -> None:
        self.query_one("#compare", LineList).show(TextRows(self._lines(None)))

    def _lines(self, width: int | None) -> list[Line]:
        glyphs = look_of(self.app).glyphs
        room = max(self.query_one("#compare", LineList).scrollable_content_region.width, 40) if width is None else width
        known = self.compared
        if known is None:
            return compare_lines(None, (), None, None, room, glyphs)
        return compare_lines(known.results, known.answers, known.effort, known.failure, room, glyphs)

    def _progress_line(self, width: int, glyphs: Glyphs) -> Line:
        is_over = self.compared is not None and self.compared.is_over
        quick = self._comparer is None or self._comparer.quick
        return progress_line(self._progress, is_over, quick, width, glyphs)


def _title(width: int, glyphs: Glyphs) -> Line:
    return rule((Span("Compare", "strong"),), (), width, True, glyphs)


def _keys(width: int, glyphs: Glyphs) -> Line:
    keys = (Key("up down", "scroll"), Key("r", "again, quick"), Key("f", "full, 2 minutes"), Key("y", "copy report"))
    return keys_line(keys, (Key("esc", "end and close"),), width, glyphs)
