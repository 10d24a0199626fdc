"""A page of two parts: a list of what is wrong, and below it all that is known of the chosen one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey
from ipcinspect.tui.drawing import Line
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.header import Key
from ipcinspect.tui.palette import look_of
from ipcinspect.tui.report_text import plain_text
from ipcinspect.tui.rows import Rows, TextRows
from ipcinspect.tui.screens.page import Page
from ipcinspect.tui.view import View
from ipcinspect.tui.widgets.line_list import LineList
from ipcinspect.tui.widgets.one_line import OneLine


class ReportPage(Page):
    """What Stuck and Findings have in common."""

    FILTERS: ClassVar[bool] = False
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("enter", "channel"),
        Key("o", "process"),
        Key("tab", "text"),
        Key("y", "copy report"),
        Key("esc", "back"),
        Key("space", "pause"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "process", "To the process", show=False),
        Binding("tab,shift+tab", "side", "Between the list and the text", show=False),
    ]

    def compose(self) -> ComposeResult:
        yield LineList(classes="report-list")
        yield OneLine(classes="report-rule")
        yield LineList(chooses=False, classes="report-text")

    @property
    def list(self) -> LineList:
        """What is wrong."""
        return self.query_one(".report-list", LineList)

    @property
    def text(self) -> LineList:
        """All that is known of the chosen one."""
        return self.query_one(".report-text", LineList)

    def rows(self, view: View) -> Rows:
        """The list; nothing where nothing is wrong."""
        raise NotImplementedError

    def title(self, width: int, glyphs: Glyphs) -> Line:
        """The rule between the two parts."""
        raise NotImplementedError

    def report(self, view: View, width: int, glyphs: Glyphs) -> Sequence[Line]:
        """The text about the chosen one; where nothing is wrong, that."""
        raise NotImplementedError

    def below(self, view: View, width: int, glyphs: Glyphs) -> Sequence[Line]:
        """What follows that text where there is room."""
        return ()

    def channel(self) -> ChannelKey | None:
        """Where `enter` leads."""
        raise NotImplementedError

    def process(self) -> ProcessKey | None:
        """Where `o` leads."""
        raise NotImplementedError

    def chosen(self) -> Hashable | None:
        """The identity of the chosen row."""
        return self.list.cursor

    def show(self, view: View | None) -> None:
        if view is None:
            return
        rows = self.rows(view)
        has_rows = len(rows) > 0
        focused = self.list.has_focus
        self.list.display = has_rows
        self.query_one(".report-rule", OneLine).display = has_rows
        self.list.show(rows)
        if focused and not has_rows:
            self.text.focus()
        self._show_text(view)

    def _show_text(self, view: View) -> None:
        self.query_one(".report-rule", OneLine).say(self.title)
        width = max(self.text.scrollable_content_region.width, 40)
        glyphs = look_of(self.app).glyphs
        self.text.show(TextRows([*self.report(view, width, glyphs), *self.below(view, width, glyphs)]))

    def enter(self) -> None:
        self.screen.set_focus(self.list if self.list.display else self.text)

    def on_resize(self) -> None:
        """Sentences wrap at the width."""
        self.show(self.ipc.view)

    def copied(self) -> str | None:
        view = self.ipc.view
        return None if view is None else plain_text(self.report(view, 88, look_of(self.app).glyphs))

    def back(self) -> bool:
        if self.text.has_focus and self.list.display:
            self.list.focus()
            return True
        return False

    def action_side(self) -> None:
        """Between the list and the text: there the arrow keys scroll."""
        (self.text if self.list.has_focus or not self.list.display else self.list).focus()

    def action_process(self) -> None:
        """To the process that holds the others up, or else the first of them."""
        key = self.process()
        if key is None:
            self.ipc.flash("no process is named here")
        else:
            self.ipc.open_process(key)

    @on(LineList.Chosen, ".report-list")
    def _chosen(self) -> None:
        if self.ipc.view is not None:
            self.text.scroll_to(y=0, animate=False)
            self._show_text(self.ipc.view)

    @on(LineList.Opened, ".report-list")
    def _opened(self) -> None:
        key = self.channel()
        if key is None:
            self.ipc.flash("no channel is named here")
        else:
            self.ipc.open_channel(key)
