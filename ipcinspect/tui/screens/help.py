"""`?`: the keys and the signs, over whatever is shown."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from ipcinspect.tui.drawing import Line, Span, rule
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.header import Key, keys_line
from ipcinspect.tui.help_text import help_lines
from ipcinspect.tui.palette import look_of
from ipcinspect.tui.rows import TextRows
from ipcinspect.tui.widgets.line_list import LineList
from ipcinspect.tui.widgets.one_line import OneLine


class HelpScreen(ModalScreen[None]):
    """Goes away at the next key that is not for scrolling."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter,space", "close", "Close", show=False)
    ]

    def compose(self) -> ComposeResult:
        yield OneLine(_title, id="help-title")
        yield LineList(chooses=False, id="help")
        yield OneLine(_keys, id="help-keys")

    def on_mount(self) -> None:
        """Fill it."""
        lines = self.query_one("#help", LineList)
        lines.show(TextRows(help_lines(look_of(self.app).glyphs)))
        lines.focus()

    def action_close(self) -> None:
        """Back to the page."""
        self.dismiss(None)


def _title(width: int, glyphs: Glyphs) -> Line:
    return rule((Span("Help", "strong"),), (), width, True, glyphs)


def _keys(width: int, glyphs: Glyphs) -> Line:
    return keys_line((Key("up down", "scroll"),), (Key("esc", "close"),), width, glyphs)
