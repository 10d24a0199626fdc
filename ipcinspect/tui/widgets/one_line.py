"""`OneLine`: a widget of one line that redraws only when what it says has changed."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from ipcinspect.tui.drawing import Line
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.palette import look_of

Say = Callable[[int, Glyphs], Line]
"""(width, glyphs) -> the line."""


class OneLine(Widget):
    """Draws the line that a function gives for its width."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "OneLine { height: 1; width: 1fr; }"

    class Clicked(Message):
        """The user clicked at cell `x`."""

        def __init__(self, line: OneLine, x: int) -> None:
            super().__init__()
            self.line = line
            self.x = x

        @property
        def control(self) -> OneLine:
            """The line that was clicked."""
            return self.line

    def __init__(self, say: Say | None = None, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._say: Say = say or (lambda width, glyphs: ())
        self._drawn: Line | None = None

    def say(self, say: Say) -> None:
        """What to draw from now on."""
        self._say = say
        if self._say(self.size.width, look_of(self.app).glyphs) != self._drawn:
            self.refresh()

    def render(self) -> Content:
        """The line for the width of now."""
        look = look_of(self.app)
        self._drawn = self._say(self.size.width, look.glyphs)
        return look.paint(self._drawn)

    def on_click(self, event: events.Click) -> None:
        """Tell where."""
        self.post_message(self.Clicked(self, event.x))
