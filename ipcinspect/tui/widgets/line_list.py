"""`LineList`: a list of any length, drawn line by line. Its cursor belongs to a row's key, not to a place.

Built on the line API because a DataTable measures every cell of every row and repaints as a whole: this one draws
only the rows that are seen, and of new rows only those that look different.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip
from textual.visual import Visual

from ipcinspect.tui.drawing import Line, Span, fit
from ipcinspect.tui.palette import look_of
from ipcinspect.tui.rows import Rows, TextRows

_Drawn = tuple[Line, str]
"""A line and how it is set off: `head`, `chosen`, `chosen-dim` or not at all."""


class _WholeCells(ScrollBarRender):
    """A scrollbar without partial blocks: no glyph of it is wider, or not there, on some terminal."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8


ScrollBar.renderer = _WholeCells


class LineList(ScrollView, can_focus=True):
    """Shows `Rows`. With `chooses` it has a cursor; without, the arrow keys scroll."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-list--head", "line-list--chosen", "line-list--chosen-dim"}
    DEFAULT_CSS = """
    LineList {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "page down", show=False),
        Binding("home,g", "edge(0)", "first", show=False),
        Binding("end,G,shift+g", "edge(-1)", "last", show=False),
        Binding("enter", "open", "open", show=False),
    ]

    class Told(Message):
        """Something that happened in a list."""

        def __init__(self, lines: LineList, key: Hashable) -> None:
            super().__init__()
            self.lines = lines
            self.key = key

        @property
        def control(self) -> LineList:
            """The list it happened in."""
            return self.lines

    class Chosen(Told):
        """The cursor stands on another row."""

    class Opened(Told):
        """The user opens a row."""

    class HeadClicked(Message):
        """The user clicked into the head line, at cell `x`."""

        def __init__(self, lines: LineList, x: int, width: int) -> None:
            super().__init__()
            self.lines = lines
            self.x = x
            self.width = width

        @property
        def control(self) -> LineList:
            """The list it happened in."""
            return self.lines

    def __init__(
        self, *, chooses: bool = True, marks: bool = True, id: str | None = None, classes: str | None = None
    ) -> None:
        """`marks`: whether the chosen row keeps a mark while another widget has the focus."""
        super().__init__(id=id, classes=classes)
        self.rows: Rows = TextRows()
        self._chooses = chooses
        self._marks = marks
        self._cursor: Hashable | None = None
        self._told: Hashable | None = None
        self._place = 0
        self._drawn: dict[int, _Drawn | None] = {}
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(512)

    @property
    def cursor(self) -> Hashable | None:
        """The key of the chosen row; None where there is none."""
        return None if self._cursor is None or self.rows.find(self._cursor) is None else self._cursor

    def show(self, rows: Rows) -> None:
        """Replace the rows: the cursor stays with its key, or if that is gone, with its place."""
        before, self.rows = self._place, rows
        found = None if self._cursor is None else rows.find(self._cursor)
        self._place = min(before if found is None else found, max(len(rows) - 1, 0))
        self._resize()
        self._tell_choice()
        if found is not None and self.scroll_offset.y and self._place != before:
            self.scroll_to(y=self.scroll_offset.y + self._place - before, animate=False)
        self._keep_in_view()
        self._refresh_changed()

    def choose(self, key: Hashable) -> bool:
        """Put the cursor on a row; False where there is no such row."""
        place = self.rows.find(key)
        if place is None:
            return False
        self._go(place)
        return True

    def intend(self, key: Hashable) -> None:
        """Put the cursor on a row that will be there with the next rows."""
        self._cursor = key

    def forget(self) -> None:
        """Draw everything anew: the palette has changed."""
        self._strips.clear()
        self.refresh()

    def action_move(self, step: int) -> None:
        """Cursor up or down."""
        if self._chooses:
            self._go(self._place + step)
        else:
            self.scroll_to(y=self.scroll_offset.y + step, animate=False)

    def action_page(self, step: int) -> None:
        """One screenful up or down."""
        self.action_move(step * max(self._visible_rows - 1, 1))

    def action_edge(self, place: int) -> None:
        """First or last row."""
        if self._chooses:
            self._go(place if place >= 0 else len(self.rows) - 1)
        else:
            self.scroll_to(y=0 if place >= 0 else self.max_scroll_y, animate=False)

    def action_open(self) -> None:
        """Tell that the chosen row is to be opened."""
        if self.cursor is not None:
            self.post_message(self.Opened(self, self.cursor))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.scrollable_content_region.width
        drawn = self._drawn[y] = self._current(y, width)
        if drawn is None:
            return Strip.blank(width, self.visual_style.rich_style)
        return self._strip(*drawn, width)

    def on_click(self, event: events.Click) -> None:
        """Click chooses, a second click opens; the head line is told to the parent."""
        width = self.scrollable_content_region.width
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if self._head_height and offset.y == 0:
            self.post_message(self.HeadClicked(self, offset.x, width))
            return
        index = offset.y - self._head_height + self.scroll_offset.y
        if self._chooses and index < len(self.rows):
            self._go(index)
            if event.chain == 2:
                self.action_open()

    def on_focus(self) -> None:
        """The cursor is drawn as a bar across the line."""
        self._refresh_changed()

    def on_blur(self) -> None:
        """The cursor shrinks to a mark at the left."""
        self._refresh_changed()

    def on_resize(self) -> None:
        """Keep the cursor in view when the room shrinks."""
        self._resize()
        self._keep_in_view()

    @property
    def _head_height(self) -> int:
        return int(self.rows.head(self.scrollable_content_region.width, look_of(self.app).glyphs) is not None)

    @property
    def _visible_rows(self) -> int:
        return max(self.scrollable_content_region.height - self._head_height, 0)

    def _resize(self) -> None:
        size = Size(0, len(self.rows) + self._head_height)
        if size != self.virtual_size:
            self.virtual_size = size

    def _go(self, place: int) -> None:
        self._place = min(max(place, 0), max(len(self.rows) - 1, 0))
        self._tell_choice()
        self._keep_in_view()
        self._refresh_changed()

    def _tell_choice(self) -> None:
        key = self.rows.key(self._place) if self._chooses and len(self.rows) else None
        if key is None:
            return
        self._cursor = key
        if key != self._told:
            self._told = key
            self.post_message(self.Chosen(self, key))

    def _keep_in_view(self) -> None:
        if not self._chooses or not self._visible_rows:
            return
        top = self.scroll_offset.y
        if self._place < top:
            self.scroll_to(y=self._place, animate=False)
        elif self._place >= top + self._visible_rows:
            self.scroll_to(y=self._place - self._visible_rows + 1, animate=False)

    def _refresh_changed(self) -> None:
        """Redraw only the lines that would look different now."""
        region = self.scrollable_content_region
        for y in range(region.height):
            if y not in self._drawn or self._drawn[y] != self._current(y, region.width):
                self.refresh(Region(0, y, region.width, 1))

    def _current(self, y: int, width: int) -> _Drawn | None:
        """What stands on a line of the screen; None below the last row."""
        glyphs = look_of(self.app).glyphs
        head = self.rows.head(width, glyphs)
        if head is not None and y == 0:
            return head, "head"
        index = y - (head is not None) + self.scroll_offset.y
        if index >= len(self.rows):
            return None
        chosen = self._chooses and index == self._place and self.rows.key(index) is not None
        dim = "chosen-dim" if self._marks else ""
        mode = "" if not chosen else "chosen" if self.has_focus else dim
        return self.rows.line(index, width, chosen, glyphs), mode

    def _strip(self, line: Line, mode: str, width: int) -> Strip:
        cached = self._strips.get((line, width, mode))
        if cached is not None:
            return cached
        look = look_of(self.app)
        line = fit(line, width, look.glyphs)
        if mode.startswith("chosen"):
            line = _with_cursor(line, look.glyphs.cursor)
        style = self.get_visual_style(f"line-list--{mode}") if mode else self.visual_style
        reversed_row = look.ansi and mode == "chosen"
        content = look.paint_reversed(line) if reversed_row else look.paint(line)
        strip = Visual.to_strips(self, content, width, 1, style, pad=True)[0]
        self._strips[line, width, mode] = strip
        return strip


def _with_cursor(line: Line, mark: str) -> Line:
    """The line with the cursor's mark in its first cell."""
    first = line[0]
    return (Span(mark, "accent"), Span(first.text[1:], first.role), *line[1:])
