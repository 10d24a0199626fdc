"""A list to choose from, over whatever is shown."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from ipcinspect.demo.plan import Plan
from ipcinspect.tui.demo_choices import Choice
from ipcinspect.tui.drawing import Line, Span, clause, clip, fit, length, rule
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.header import Key, keys_line
from ipcinspect.tui.widgets.line_list import LineList
from ipcinspect.tui.widgets.one_line import OneLine

_WORD, _TOPIC = 16, 10


@dataclass(frozen=True)
class ChoiceRows:
    """The lines of a chooser."""

    choices: Sequence[Choice]

    def __len__(self) -> int:
        return len(self.choices)

    def key(self, index: int) -> Hashable:
        return self.choices[index].topic, self.choices[index].word

    def find(self, key: Hashable) -> int | None:
        return next((place for place in range(len(self)) if self.key(place) == key), None)

    def head(self, width: int, glyphs: Glyphs) -> Line | None:
        return None

    def line(self, index: int, width: int, chosen: bool, glyphs: Glyphs) -> Line:
        choice = self.choices[index]
        mark = glyphs.marks["moving" if choice.is_chosen else "quiet"]
        begins = not index or self.choices[index - 1].topic != choice.topic
        topic = [Span(clip(choice.topic if begins else "", _TOPIC, glyphs), "muted")] if choice.topic else []
        role = "strong" if choice.is_chosen else "text"
        spans = (
            Span("  "),
            *topic,
            Span(f"{mark} ", "accent" if choice.is_chosen else "faint"),
            Span(clip(choice.word, _WORD, glyphs), role),
        )
        return fit((*spans, Span(f" {clause(choice.help, width - length(spans) - 1)}", "muted")), width, glyphs)


class ChooserScreen(ModalScreen[None]):
    """Enter chooses; what is chosen goes to `choose` as a plan. `stays`: it remains for the next choice."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close", show=False),
        Binding("space", "choose", "Choose", show=False),
    ]

    def __init__(
        self,
        title: str,
        plan: Plan,
        ask: Callable[[Plan], Sequence[Choice]],
        choose: Callable[[Plan], object],
        stays: bool,
    ) -> None:
        super().__init__()
        self._title, self._plan, self._ask, self._choose, self._stays = title, plan, ask, choose, stays

    def compose(self) -> ComposeResult:
        yield OneLine(self._title_line, id="chooser-title")
        yield LineList(id="chooser")
        yield OneLine(self._keys_line, id="chooser-keys")

    @property
    def lines(self) -> LineList:
        """The list."""
        return self.query_one("#chooser", LineList)

    def on_mount(self) -> None:
        """Begin at what is chosen."""
        rows = ChoiceRows(self._ask(self._plan))
        self.lines.show(rows)
        chosen = next((place for place, choice in enumerate(rows.choices) if choice.is_chosen), 0)
        self.lines.choose(rows.key(chosen))
        self.lines.focus()

    @on(LineList.Opened, "#chooser")
    def action_choose(self) -> None:
        """Take the line under the cursor."""
        rows = self.lines.rows
        place = rows.find(self.lines.cursor)
        if not isinstance(rows, ChoiceRows) or place is None:
            return
        self._plan = rows.choices[place].plan
        if not self._stays:
            self.dismiss(None)
        self._choose(self._plan)
        if self._stays:
            self.lines.show(ChoiceRows(self._ask(self._plan)))

    def action_close(self) -> None:
        """Leave it as it is."""
        self.dismiss(None)

    def _title_line(self, width: int, glyphs: Glyphs) -> Line:
        return rule((Span(self._title, "strong"),), (), width, True, glyphs)

    def _keys_line(self, width: int, glyphs: Glyphs) -> Line:
        return keys_line((Key("up down", "choose"), Key("enter", "take it")), (Key("esc", "close"),), width, glyphs)
