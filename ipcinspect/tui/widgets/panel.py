"""`Panel`: what is known of one channel, in tabs; where there is room all of them stand below each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from ipcinspect.tui.drawing import Line, Span, length, rule
from ipcinspect.tui.ends import ends_of
from ipcinspect.tui.fields import Subject, end_rows, field_rows, finding_rows, inside_rows, life_rows, wait_rows
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.inside import Peek, room_of
from ipcinspect.tui.palette import look_of
from ipcinspect.tui.rows import Rows, TextRows
from ipcinspect.tui.widgets.line_list import LineList
from ipcinspect.tui.widgets.one_line import OneLine
from ipcinspect.tui.wording import end_text


class PanelTab(NamedTuple):
    """One tab."""

    title: str
    number: Callable[[Subject], int | None]
    """The number beside the title."""
    rows: Callable[[Subject, int, Glyphs], Rows]
    """For a width in cells."""
    chooses: bool
    """Whether its rows can be chosen."""


TABS = (
    PanelTab(
        "Ends",
        lambda subject: len(subject.channel.endpoints),
        lambda subject, width, glyphs: end_rows(subject, width),
        True,
    ),
    PanelTab("Life", lambda subject: None, life_rows, False),
    PanelTab("Contents", lambda subject: None, inside_rows, False),
    PanelTab("Waits", lambda subject: subject.waits or None, wait_rows, False),
    PanelTab("Findings", lambda subject: len(subject.findings) or None, finding_rows, False),
    PanelTab("Fields", lambda subject: None, lambda subject, width, glyphs: field_rows(subject, glyphs), False),
)
"""A new tab is one more entry here."""
ENDS, LIFE, CONTENTS = 0, 1, 2
"""The tab that is open first; the one that stands below it where there is room; the one that is filled on request."""
_SCROLLBAR = 1


class Panel(Vertical):
    """Shows a `Subject`."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._subject: Subject | None = None
        self._open = 0
        self._laying_out: tuple[Peek, str, int, Glyphs] | None = None
        """The layout that a thread is at."""

    def compose(self) -> ComposeResult:
        for place, tab in enumerate(TABS):
            classes = "panel-rule-more" if place else ""
            yield OneLine(self._rule_of(place), id=f"panel-rule-{place}", classes=classes)
            yield LineList(chooses=tab.chooses, marks=False, id=f"panel-{place}")

    def on_mount(self) -> None:
        """Only the open tab is shown, unless there is room for all."""
        self._arrange()

    def on_resize(self) -> None:
        """The room has changed."""
        self._arrange()
        self.show(self._subject)

    def show(self, subject: Subject | None) -> None:
        """Another channel, or another state of it."""
        self._subject = subject
        width = self.size.width - _SCROLLBAR
        for place, tab in enumerate(TABS):
            rows = TextRows() if subject is None else tab.rows(subject, width, look_of(self.app).glyphs)
            self._list(place).show(rows)
        self._draw_rules()
        if subject is not None and subject.peek is not None and subject.peek.key == subject.channel.key:
            self._see_to_layout(subject.peek, subject.form, room_of(width))

    def _see_to_layout(self, peek: Peek, form: str, width: int) -> None:
        """Much of contents takes longer to lay out than a key may wait: a thread does it, once."""
        glyphs = look_of(self.app).glyphs
        wanted = (peek, form, width, glyphs)
        if peek.is_at_hand(form, width, glyphs):
            self._laying_out = None
        elif self._laying_out != wanted:
            self._laying_out = wanted
            self._lay_out(*wanted)

    @work(thread=True, group="layout", exit_on_error=False)
    def _lay_out(self, peek: Peek, form: str, width: int, glyphs: Glyphs) -> None:
        peek.rows(form, width, glyphs)
        self.app.call_from_thread(self._laid_out)

    def _laid_out(self) -> None:
        self._laying_out = None
        if self.is_attached:
            self.show(self._subject)

    def take_focus(self) -> None:
        """Focus the open tab's list."""
        self._list(self._open).focus()

    def focus_next_list(self) -> bool:
        """Where all tabs are shown: focus the next one; False after the last."""
        if not self._stacked or self._open == len(TABS) - 1:
            if self._stacked:
                self._open = 0
            return False
        self._open += 1
        self.take_focus()
        return True

    def turn(self, step: int) -> None:
        """Open another tab."""
        focused = any(self._list(place).has_focus for place in range(len(TABS)))
        self._open = (self._open + step) % len(TABS)
        self._arrange()
        if focused:
            self.take_focus()

    def open(self, place: int) -> bool:
        """Open a tab; False where it was open already, or all are."""
        if self._stacked or place == self._open:
            return False
        self.turn(place - self._open)
        return True

    def to_top(self, place: int) -> None:
        """Show a tab from its beginning: what is in it is new."""
        self._list(place).scroll_to(y=0, animate=False)

    def on_descendant_focus(self) -> None:
        """The list with the focus is the open one; its rule is drawn heavy."""
        for place in range(len(TABS)):
            if self._list(place).has_focus:
                self._open = place
        self._arrange()

    def on_descendant_blur(self) -> None:
        """The rule becomes light again."""
        self._draw_rules()

    @on(OneLine.Clicked)
    def _rule_clicked(self, message: OneLine.Clicked) -> None:
        """A click on a tab's name opens it."""
        tabs = self._tabs(look_of(self.app).glyphs)
        start = message.line.size.width - length(tabs) - 2
        for place, span in enumerate(span for span in tabs if span.text.strip()):
            end = start + len(span.text) + 2
            if start <= message.x < end and not self._stacked:
                self.turn(place - self._open)
                self.take_focus()
            start = end

    @property
    def _stacked(self) -> bool:
        return self.screen.has_class("-wide")

    def _list(self, place: int) -> LineList:
        return self.query_one(f"#panel-{place}", LineList)

    def _arrange(self) -> None:
        with_life = self._open == ENDS and self.screen.has_class("-tall")
        for place in range(len(TABS)):
            self._list(place).display = self._stacked or place == self._open or (place == LIFE and with_life)
        self.set_class(with_life and not self._stacked, "-with-life")
        self._draw_rules()

    def _draw_rules(self) -> None:
        for place in range(len(TABS)):
            self.query_one(f"#panel-rule-{place}", OneLine).say(self._rule_of(place))

    def _rule_of(self, place: int) -> Callable[[int, Glyphs], Line]:
        def say(width: int, glyphs: Glyphs) -> Line:
            if place:
                title: Line = (Span(TABS[place].title, "strong"),)
                return rule(title, (), width, self._list(place).has_focus, glyphs)
            focused = any(self._list(each).has_focus for each in ([0] if self._stacked else range(len(TABS))))
            return rule(self._title(width, glyphs), self._tabs(glyphs), width, focused, glyphs)

        return say

    def _title(self, width: int, glyphs: Glyphs) -> Line:
        if self._subject is None:
            return (Span("no channel chosen", "muted"),)
        channel = self._subject.channel
        title: Line = (Span(glyphs.safe(channel.id), "strong"),)
        if width < 76:
            return title
        ends = ends_of(channel)
        between = f" {glyphs.wires[ends.wire]} "
        return (*title, Span(f"  {end_text(ends.left, glyphs)}{between}{end_text(ends.right, glyphs)}", "muted"))

    def _tabs(self, glyphs: Glyphs) -> Line:
        if self._stacked:
            return self._count_of_ends()
        spans: list[Span] = []
        for place, tab in enumerate(TABS):
            number = None if self._subject is None else tab.number(self._subject)
            text = tab.title if number is None else f"{tab.title} {number}"
            spans += [Span("  ")] if spans else []
            spans.append(Span(text, "tab" if place == self._open else "muted"))
        return tuple(spans)

    def _count_of_ends(self) -> Line:
        titles: Sequence[str] = [] if self._subject is None else [f"Ends {len(self._subject.channel.endpoints)}"]
        return tuple(Span(title, "strong") for title in titles)
