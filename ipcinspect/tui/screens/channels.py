"""1 Channels: every channel, worst first, and a panel about the chosen one."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey
from ipcinspect.model.text import visible
from ipcinspect.selection.filters import parse
from ipcinspect.selection.order import Order
from ipcinspect.sources import Details
from ipcinspect.tui.columns import SORT_CYCLE, column_at
from ipcinspect.tui.empty import no_channels
from ipcinspect.tui.fields import EndRows, Subject
from ipcinspect.tui.header import Kept, Key
from ipcinspect.tui.inside import FIRST_BYTES, FORMS, MORE_BYTES, Peek
from ipcinspect.tui.rows import ChannelRows, TextRows
from ipcinspect.tui.screens.page import Page
from ipcinspect.tui.view import View
from ipcinspect.tui.widgets.line_list import LineList
from ipcinspect.tui.widgets.panel import CONTENTS, LIFE, Panel


class ChannelsPage(Page):
    """The channel table and its panel."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("enter", "open"),
        Key("tab", "panel"),
        Key("/", "filter"),
        Key("s", "sort"),
        Key("w", "why"),
        Key("p", "peek"),
        Key("space", "pause"),
        Key("y", "copy"),
        Key("^p", "palette"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "Next order", show=False),
        Binding("S,shift+s", "turn", "Turn the order round", show=False),
        Binding("tab,shift+tab", "panel", "To the panel and back", show=False),
        Binding("p", f"peek({FIRST_BYTES})", "Look inside", show=False),
        Binding("P,shift+p", f"peek({MORE_BYTES})", "Look inside, at more of it", show=False),
        Binding("x", "form", "Contents in another form", show=False),
        Binding("left", "tab(-1)", "Tab before", show=False),
        Binding("right", "tab(1)", "Next tab", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="channels-page")
        self._details: tuple[ChannelKey, Details | None] | None = None
        self._peek: Peek | None = None
        self._form = FORMS[0]

    def compose(self) -> ComposeResult:
        with Container(id="split"):
            yield LineList(id="channels")
            yield Panel(id="panel")

    @property
    def table(self) -> LineList:
        """The channel table."""
        return self.query_one("#channels", LineList)

    @property
    def panel(self) -> Panel:
        """What is known of the chosen channel."""
        return self.query_one("#panel", Panel)

    def show(self, view: View | None) -> None:
        if view is None:
            return
        if len(view.channels):
            self.table.show(view.channels)
        else:
            self.table.show(no_channels(view, self.filter_words()))
        self._show_subject()

    def enter(self) -> None:
        self.screen.set_focus(self.table)

    @property
    def is_informed(self) -> bool:
        waits = self._peek is not None and self._peek.taken_at is None
        return not waits and self._details is not None and self._details[0] == self.chosen_key()

    def kept(self, view: View) -> Kept | None:
        words = self.filter_words()
        return Kept(words, len(view.channels), len(view.snapshot.channels), "channel") if words else None

    def filter_words(self) -> tuple[str, ...]:
        return self.ipc.feed.wishes.query.words

    def filter_by(self, words: tuple[str, ...]) -> None:
        parse(words)
        self.ipc.ask(self.ipc.feed.wishes.query._replace(words=words))

    def copied(self) -> str | None:
        key = self.table.cursor
        view = self.ipc.view
        if view is None or not isinstance(key, ChannelKey):
            return None
        place = view.channels.find(key)
        return None if place is None else visible(view.channels.channels[place].id)

    def back(self) -> bool:
        if not self.table.has_focus:
            self.table.focus()
            return True
        if self.filter_words():
            self.filter_by(())
            return True
        return False

    def choose(self, key: ChannelKey) -> bool:
        """Put the cursor on a channel; drops a filter that hides it."""
        view = self.ipc.view
        if view is None or key not in view.snapshot.channels_by_key:
            return False
        if not self.table.choose(key):
            self.filter_by(())
            self.table.intend(key)
        return True

    def expect(self, key: ChannelKey) -> None:
        """Put the cursor on a channel that the next look will show."""
        if self.filter_words():
            self.filter_by(())
        self.table.intend(key)
        self.ipc.feed.wake(look=True)

    def tell(self, key: ChannelKey, details: Details | None) -> None:
        """Details have come."""
        self._details = (key, details)
        self._show_subject()

    def open_contents(self, peek: Peek) -> None:
        """What is in a channel has come; only what is still waited for counts."""
        if self._waits_for(peek.key, peek.most):
            self._peek = peek
            self._show_subject()
            self.panel.to_top(CONTENTS)

    def action_peek(self, most: int) -> None:
        """Look into the chosen channel; where the tab was not open, open it: it says first what will be done."""
        key = self.chosen_key()
        if key is None:
            self.ipc.flash("no channel is chosen")
        elif not self.panel.open(CONTENTS) and not self._waits_for(key, most):
            self._peek = Peek(key, most)
            self.ipc.want_peek(key, most)
            self._show_subject()

    def _waits_for(self, key: ChannelKey, most: int) -> bool:
        peek = self._peek
        return peek is not None and peek.taken_at is None and (peek.key, peek.most) == (key, most)

    def show_life(self) -> None:
        """Open the tab Life."""
        self.panel.open(LIFE)

    def action_form(self) -> None:
        """What was copied in the next form: as it is, in hexadecimal, as text."""
        peek = self._peek
        if peek is None or peek.key != self.chosen_key() or not peek.pieces:
            self.ipc.flash("nothing was copied from this channel: p looks inside")
            return
        self.panel.open(CONTENTS)
        self._form = FORMS[(FORMS.index(self._form) + 1) % len(FORMS)]
        self._show_subject()
        self.panel.to_top(CONTENTS)

    def action_sort(self) -> None:
        """The next order of the cycle."""
        order = self.ipc.feed.wishes.query.order
        place = SORT_CYCLE.index(order.word) + 1 if order.word in SORT_CYCLE else 0
        self.order_by(SORT_CYCLE[place % len(SORT_CYCLE)], False)

    def action_turn(self) -> None:
        """The same order the other way round."""
        order = self.ipc.feed.wishes.query.order
        self.order_by(order.word, not order.reverse)

    def order_by(self, word: str, turned: bool) -> None:
        """Sort by an order and say so."""
        self.ipc.ask(self.ipc.feed.wishes.query._replace(order=Order(word, turned)))
        self.ipc.flash(f"sorted by {word}" + (", turned round" if turned else ""))

    def action_panel(self) -> None:
        """Focus the panel, or the table again."""
        if self.table.has_focus:
            self.panel.take_focus()
        elif not self.panel.focus_next_list():
            self.table.focus()

    def action_tab(self, step: int) -> None:
        """Another tab of the panel."""
        self.panel.turn(step)

    @on(LineList.Chosen, "#channels")
    def _chosen(self, message: LineList.Chosen) -> None:
        self.ipc.want_details(message.key if isinstance(message.key, ChannelKey) else None)
        self._show_subject()

    @on(LineList.Opened, "#channels")
    def _opened(self) -> None:
        self.panel.take_focus()

    @on(LineList.HeadClicked, "#channels")
    def _head_clicked(self, message: LineList.HeadClicked) -> None:
        rows = self.table.rows
        spaces = isinstance(rows, ChannelRows) and rows.host is not None
        column = column_at(message.x, message.width, spaces)
        if column is not None and column.order is not None:
            order = self.ipc.feed.wishes.query.order
            self.order_by(column.order, order.word == column.order and not order.reverse)

    @on(LineList.Opened, "#panel-0")
    def _end_opened(self, message: LineList.Opened) -> None:
        rows = message.lines.rows
        place = rows.find(message.key)
        if isinstance(rows, EndRows) and place is not None:
            process = rows.ends[place].process
            if process is not None:
                self.ipc.open_process(ProcessKey(process.pid, process.starttime), self.chosen_key())

    def chosen_key(self) -> ChannelKey | None:
        key = self.table.cursor
        return key if isinstance(key, ChannelKey) else None

    def _show_subject(self) -> None:
        view, key = self.ipc.view, self.chosen_key()
        place = None if view is None or key is None else view.channels.find(key)
        if view is None or place is None or isinstance(self.table.rows, TextRows):
            self.panel.show(None)
            return
        channel = view.channels.channels[place]
        asked = self._details is not None and self._details[0] == key
        details = self._details[1] if asked and self._details is not None else None
        since, life = view.channels.since.get(channel.key), view.channels.life_of(channel.key)
        self.panel.show(
            Subject(channel, view.snapshot, since, details, asked, self._peek, self._form, life, view.trouble)
        )
