"""`FilterLine`: where the user types filter words, in place of the headline."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from ipcinspect.tui.drawing import Line, Span
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.widgets.one_line import OneLine

_EXAMPLE = "words, kind:pipe user:www state:full not:kind:pty"


class FilterLine(Horizontal):
    """Tells each change of the text, and when the user keeps it."""

    class Typed(Message):
        """The text has changed; `kept` where the user is done with it."""

        def __init__(self, text: str, kept: bool) -> None:
            super().__init__()
            self.text = text
            self.kept = kept

    def compose(self) -> ComposeResult:
        yield OneLine(_mark, id="filter-mark")
        yield Input(id="filter", compact=True, placeholder=_EXAMPLE, select_on_focus=False)

    @property
    def is_open(self) -> bool:
        """Whether the user is typing."""
        return self.screen.has_class("-filtering")

    def open(self, words: Sequence[str]) -> None:
        """Take the place of the headline, and the focus."""
        line = self.query_one("#filter", Input)
        with self.prevent(Input.Changed):
            line.value = " ".join(words)
        line.cursor_position = len(line.value)
        self.screen.add_class("-filtering")
        self.display = True  # the class alone acts after the keys that wait already
        self.screen.set_focus(line)

    def close(self) -> None:
        """Give the headline its place back."""
        self.display = False
        self.screen.remove_class("-filtering")

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        if self.is_open:
            self.post_message(self.Typed(message.value, False))

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.post_message(self.Typed(message.value, True))


def _mark(width: int, glyphs: Glyphs) -> Line:
    return (Span(" / ", "key"),)
