"""2 Processes: the tree, and all that the chosen process holds."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import Process, ProcessKey
from ipcinspect.model.text import visible
from ipcinspect.sources import Details
from ipcinspect.tui.descriptors import Holding, HoldingRows, holdings_of
from ipcinspect.tui.drawing import Line, Span, rule
from ipcinspect.tui.empty import no_processes
from ipcinspect.tui.ends import seen_by
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.header import Kept, Key
from ipcinspect.tui.palette import look_of
from ipcinspect.tui.process_text import breadcrumb, command, facts
from ipcinspect.tui.rows import TextRows
from ipcinspect.tui.screens.page import Page
from ipcinspect.tui.tree import TreeRows
from ipcinspect.tui.view import View
from ipcinspect.tui.waits_text import waits_of_process
from ipcinspect.tui.widgets.line_list import LineList
from ipcinspect.tui.widgets.one_line import OneLine, Say


class ProcessesPage(Page):
    """One process at a time; where there is room, the tree beside it."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("enter", "channel"),
        Key("o", "other end"),
        Key("[ ]", "process"),
        Key("w", "why"),
        Key("/", "filter"),
        Key("esc", "back"),
        Key("y", "copy"),
        Key("^p", "palette"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "step(-1)", "Process before", show=False),
        Binding("right_square_bracket", "step(1)", "Process after", show=False),
        Binding("o", "other_end", "To the process at the other end", show=False),
        Binding("tab,shift+tab", "side", "Between tree and descriptors", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="processes-page")
        self._details: tuple[ProcessKey, Details | None] | None = None
        self._came_from: list[ProcessKey | None] = []
        self._intended: ChannelKey | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="process-split"):
            yield LineList(id="tree")
            with Vertical(id="process"):
                yield OneLine(id="breadcrumb")
                yield OneLine(id="facts")
                yield OneLine(id="command")
                yield OneLine(id="threads-rule")
                yield LineList(chooses=False, id="threads")
                yield OneLine(id="descriptors-rule")
                yield LineList(id="descriptors")

    @property
    def process_tree(self) -> LineList:
        """The tree; its cursor is the chosen process, also where it is not shown."""
        return self.query_one("#tree", LineList)

    @property
    def descriptors(self) -> LineList:
        """All that the chosen process holds."""
        return self.query_one("#descriptors", LineList)

    def show(self, view: View | None) -> None:
        if view is None or view.tree is None:
            return
        if len(view.tree):
            self.process_tree.show(view.tree)
        else:
            self.process_tree.show(no_processes(view.query.tree_words))
        self._show_process()

    def enter(self) -> None:
        self.screen.set_focus(self.descriptors)

    @property
    def is_informed(self) -> bool:
        return self._details is not None and self._details[0] == self.chosen_key()

    def kept(self, view: View) -> Kept | None:
        words = self.filter_words()
        if not words or view.tree is None:
            return None
        return Kept(words, view.tree.matching, len(view.snapshot.processes), "process")

    def filter_words(self) -> tuple[str, ...]:
        return self.ipc.feed.wishes.query.tree_words

    def filter_by(self, words: tuple[str, ...]) -> None:
        self.ipc.ask(self.ipc.feed.wishes.query._replace(tree_words=words))

    def copied(self) -> str | None:
        if self.process_tree.has_focus or self._holding() is None:
            process = self.process()
            return None if process is None else str(process.pid)
        holding = self._holding()
        if holding is None:
            return None
        return visible(holding.channel.id if holding.channel is not None else holding.target)

    def back(self) -> bool:
        if self.filter_words():
            self.filter_by(())
            return True
        while self._came_from:
            before = self._came_from.pop()
            if before is None:
                return False
            if self.process_tree.choose(before):
                return True
        return False

    def process(self) -> Process | None:
        """The chosen process."""
        view, key = self.ipc.view, self.process_tree.cursor
        if view is None or not isinstance(key, ProcessKey):
            return None
        process = view.snapshot.processes.get(key.pid)
        return process if process is not None and process.key == key else None

    def chosen_key(self) -> ProcessKey | None:
        key = self.process_tree.cursor
        return key if isinstance(key, ProcessKey) else None

    def open(self, key: ProcessKey, channel: ChannelKey | None, visiting: bool) -> bool:
        """Show a process, its cursor on a channel; `visiting`: `esc` leads back to the page before."""
        before = self.process()
        self._intended = channel
        chosen = self.process_tree.choose(key)
        if not chosen:
            self.filter_by(())
            self.process_tree.intend(key)
        self._came_from = [None] if visiting else [*self._came_from, before.key if before is not None else None]
        self._show_process()
        return chosen

    def tell(self, key: ProcessKey, details: Details | None) -> None:
        """Details have come."""
        self._details = (key, details)
        self._show_process()

    def action_step(self, step: int) -> None:
        """The process before or after in the tree."""
        self.process_tree.action_move(step)

    def action_side(self) -> None:
        """Between the tree and the descriptors."""
        if self.process_tree.has_focus or not self.process_tree.display:
            self.descriptors.focus()
        else:
            self.process_tree.focus()

    def action_other_end(self) -> None:
        """To the process at the other end of the chosen descriptor."""
        holding, process = self._holding(), self.process()
        if holding is None or process is None or holding.channel is None:
            self.ipc.flash("no channel is chosen")
            return
        end = seen_by(holding.channel, process.pid, holding.fd).other.holder
        if end is None or end.process is None:
            self.ipc.flash("no process can be seen at the other end")
        elif not self.open(end.process.key, holding.channel.key, False):
            self.ipc.flash(f"{visible(end.process.comm)} {end.process.pid} is not in the tree")

    @on(LineList.Chosen, "#tree")
    def _process_chosen(self, message: LineList.Chosen) -> None:
        self.ipc.want_details(message.key if isinstance(message.key, ProcessKey) else None)
        self._show_process()

    @on(LineList.Opened, "#tree")
    def _process_opened(self) -> None:
        self.descriptors.focus()

    @on(LineList.Opened, "#descriptors")
    def _descriptor_opened(self) -> None:
        holding = self._holding()
        if holding is None or holding.channel is None:
            self.ipc.flash("this is no channel")
        else:
            self.ipc.open_channel(holding.channel.key)

    def _holding(self) -> Holding | None:
        rows, key = self.descriptors.rows, self.descriptors.cursor
        place = None if key is None else rows.find(key)
        return rows.holdings[place] if isinstance(rows, HoldingRows) and place is not None else None

    def _show_process(self) -> None:
        view, process = self.ipc.view, self.process()
        if view is None or process is None:
            self.descriptors.show(TextRows())
            self.query_one("#threads", LineList).display = False
            for line in self.query(OneLine):
                line.say(lambda width, glyphs: ())
            return
        snapshot, details = view.snapshot, None
        if self._details is not None and self._details[0] == process.key:
            details = self._details[1]
        self._show_threads(view, process)
        rows = holdings_of(process.pid, snapshot, view.tree or TreeRows())
        self._say("#breadcrumb", lambda width, glyphs: breadcrumb(process, snapshot, width, glyphs))
        self._say("#facts", lambda width, glyphs: facts(process, snapshot, details, width, glyphs))
        self._say("#command", lambda width, glyphs: command(process, width, glyphs))
        self._say("#descriptors-rule", self._rule_of(rows, process.readable or process.kernel_thread))
        intended: Hashable | None = None if self._intended is None else rows.find_channel(self._intended)
        if intended is not None:
            self.descriptors.intend(intended)
        self._intended = None
        self.descriptors.show(rows)

    def _show_threads(self, view: View, process: Process) -> None:
        """What its threads wait for, where that is known."""
        trouble, threads = view.trouble, self.query_one("#threads", LineList)
        sleepers = None if trouble is None else trouble.judged.graph.sleepers.get(process.key)
        is_told = trouble is not None and sleepers is not None and len(sleepers.waits) > 0
        threads.display = self.query_one("#threads-rule", OneLine).display = is_told
        if trouble is None or sleepers is None or not is_told:
            return
        width = max(self.descriptors.scrollable_content_region.width, 40)
        threads.show(TextRows(waits_of_process(trouble, sleepers.waits, width, look_of(self.app).glyphs)))
        asleep, others = len(sleepers.waits), sleepers.others

        def say(width: int, glyphs: Glyphs) -> Line:
            title: Line = (Span(f"Threads asleep {asleep}", "strong"),)
            if others:
                title = (*title, Span(f"  and {others} not in a call", "muted"))
            return rule(title, (), width, False, glyphs)

        self._say("#threads-rule", say)

    def _rule_of(self, rows: HoldingRows, known: bool) -> Say:
        """`Descriptors 9  and 2 without one`; `?` where they could not be read."""
        mapped = sum(1 for holding in rows.holdings if holding.fd is None)

        def say(width: int, glyphs: Glyphs) -> Line:
            title: Line = (Span(f"Descriptors {len(rows) - mapped if known else '?'}", "strong"),)
            if mapped:
                title = (*title, Span(f"  and {mapped} without one", "muted"))
            return rule(title, (), width, False, glyphs)

        return say

    def _say(self, selector: str, say: Say) -> None:
        self.query_one(selector, OneLine).say(say)
