"""The app: what the user can do, on top of the frame."""

from __future__ import annotations

import os
import signal
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.widgets import ContentSwitcher

from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey
from ipcinspect.selection import WordError
from ipcinspect.tui.commands import PROVIDERS
from ipcinspect.tui.demo_choices import with_mechanism
from ipcinspect.tui.feed import INTERVALS
from ipcinspect.tui.frame import PAGES, Frame
from ipcinspect.tui.header import tab_at
from ipcinspect.tui.inside import FIRST_BYTES
from ipcinspect.tui.screens.compare import CompareScreen
from ipcinspect.tui.screens.help import HelpScreen
from ipcinspect.tui.widgets.filter_line import FilterLine
from ipcinspect.tui.widgets.one_line import OneLine
from ipcinspect.tui.words import filter_words, settled_words


class IpcApp(Frame):
    """Keys, clicks and commands."""

    COMMANDS = PROVIDERS
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(tab.key, f"page('{page}')", tab.title, show=False) for tab, _, page in PAGES),
        # by priority: at once, so that what is typed or pasted right behind it goes into the filter's line
        Binding("slash", "filter", "Filter", show=False, priority=True),
        Binding("space", "pause", "Pause and go on", show=False),
        Binding("plus,equals_sign", "interval(-1)", "Look more often", show=False),
        Binding("minus", "interval(1)", "Look less often", show=False),
        Binding("w", "why", "Why it waits", show=False),
        Binding("y", "copy", "Copy", show=False),
        Binding("question_mark", "help", "Help", show=False),
        Binding("escape", "step_back", "Back", show=False),
        Binding("q", "leave(0)", "Quit", show=False),
        Binding("ctrl+l", "draw_anew", "Draw everything anew", show=False, priority=True),
        Binding("ctrl+z", "stop", "Stop for the shell", show=False, priority=True),
        Binding("ctrl+c", "leave(130)", "Quit", show=False, priority=True),
    ]

    def open_process(self, key: ProcessKey, channel: ChannelKey | None = None) -> None:
        """Go to a process, its cursor on a channel."""
        self.action_page("processes-page")
        self.processes_page.open(key, channel, True)

    def open_channel(self, key: ChannelKey) -> None:
        """Go to a channel."""
        self.action_page("channels-page")
        if not self.channels_page.choose(key):
            self.flash("that channel is gone")

    def open_new_channel(self, key: ChannelKey) -> None:
        """Go to a channel that may be newer than the last look."""
        if self.view is not None and key in self.view.snapshot.channels_by_key:
            self.open_channel(key)
            return
        self.action_page("channels-page")
        self.channels_page.expect(key)

    def open_demo(self, mechanism: str) -> None:
        """Go to the demo of a mechanism."""
        self.action_page("demo-page")
        self.demo_page.choose(with_mechanism(self.demo_page.plan, mechanism))

    def open_comparison(self) -> None:
        """Measure every mechanism, over the Demo screen."""
        if any(isinstance(screen, CompareScreen) for screen in self.screen_stack):
            return
        self.action_page("demo-page")
        self.demo_page.rest()
        self.push_screen(CompareScreen())

    def hold_looking(self, held: bool) -> None:
        """Look no more while something is measured that each look would disturb; or go on, unless that is paused."""
        self.feed.wishes.paused = held or self.paused_at is not None
        self.feed.wake(look=not self.feed.wishes.paused)

    def look_inside(self) -> None:
        """Offer to look into the chosen channel; where that is offered already, do it."""
        self.action_page("channels-page")
        self.channels_page.action_peek(FIRST_BYTES)

    def show_life(self) -> None:
        """Open the life of the chosen channel."""
        self.action_page("channels-page")
        self.channels_page.show_life()

    def order_by(self, word: str) -> None:
        """Sort the channels."""
        self.action_page("channels-page")
        self.channels_page.order_by(word, False)

    def filter_by(self, text: str) -> None:
        """Filter the channels."""
        self.action_page("channels-page")
        self.channels_page.filter_by(filter_words(text))

    def look_every(self, interval: float) -> None:
        """Set the interval in seconds."""
        self.feed.wishes.interval = interval
        self.feed.wake()
        self.say("#header", self.header_line)

    def action_page(self, name: str) -> None:
        """Bring a page to the front."""
        pages = self.query_one("#pages", ContentSwitcher)
        if pages.current == name:
            return
        first_visit = name == "processes-page" and not self.processes_page.process_tree.cursor
        self.visited = [*self.visited[-9:], pages.current or PAGES[0][2]]
        pages.current = name
        self.feed.wishes.sights = name == "doctor-page"
        self.ask(self.feed.wishes.query._replace(tree=name == "processes-page"))
        if name == "doctor-page":
            self.feed.wake(look=self.paused_at is None)
        if first_visit:
            self._visit_holder()
        self.page.show(self.view)
        self.page.enter_again()
        for line in ("#tabs", "#keys", "#headline-row"):
            self.query_one(line, OneLine).refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A stroke is a stroke where the user is typing already, or looks at something that lies upon the page."""
        if action == "filter":
            return not (self.filter_line.is_open or len(self.screen_stack) > 1)
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        """Open the filter's line."""
        if not self.page.FILTERS:
            self.flash("there is nothing to filter here")
            return
        self.filter_line.open(self.page.filter_words())

    def action_pause(self) -> None:
        """Stop looking, or go on."""
        paused = self.paused_at is None
        self.paused_at = self.options.clock() if paused else None
        self.feed.wishes.paused = paused
        self.feed.wake(look=not paused)
        self.say("#header", self.header_line)

    def action_interval(self, step: int) -> None:
        """The next shorter or longer interval."""
        now = self.feed.interval()
        nearest = min(range(len(INTERVALS)), key=lambda place: abs(INTERVALS[place] - now))
        self.look_every(INTERVALS[min(max(nearest + step, 0), len(INTERVALS) - 1)])

    def action_copy(self) -> None:
        """Put the id of what is chosen into the clipboard of the user's terminal."""
        text = self.page.copied()
        if text is None:
            self.flash("nothing is chosen")
            return
        self.copy_to_clipboard(text)
        self.flash(f"copied {text}" if "\n" not in text else "copied the report")

    def action_why(self) -> None:
        """Go to Stuck, to what has to do with what is chosen here."""
        view, chosen = self.view, self.page.asks_about()
        if view is None or view.trouble is None:
            self.flash("what threads wait for is not known yet")
            return
        tangle = None
        if isinstance(chosen, ChannelKey):
            waits = view.trouble.waits_at.get(chosen, ())
            tangle = view.trouble.tangle_at(chosen)
            chosen = waits[0].thread.process if waits else None
        if tangle is None and chosen is None and not view.trouble.tangles:
            self.flash("nobody waits for this, and nothing is stuck")
            return
        self.action_page("stuck-page")
        if tangle is not None:
            self.stuck_page.choose(tangle)
        elif chosen is not None:
            self.stuck_page.ask(chosen)

    def action_command_palette(self) -> None:
        """Find a channel, a process, a command."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="a channel, a process, a command", id="--command-palette"))

    def action_help(self) -> None:
        """Keys and signs."""
        self.push_screen(HelpScreen())

    def action_step_back(self) -> None:
        """Close the filter's line; a step back within the page; the page before."""
        if self.filter_line.is_open:
            self._end_filter()
            self.page.filter_by(())
        elif not self.page.back() and self.visited:
            self.action_page(self.visited[-1])
            del self.visited[-2:]

    def action_leave(self, code: int) -> None:
        """End the program; `q` alone asks before that where something would end with it."""
        question = self.options.question() if code == 0 and self.options.question is not None else None
        if question is not None and self.message_shown != question:
            self.flash(question)
            return
        self.exit(code, return_code=code)

    def action_draw_anew(self) -> None:
        """Something else has written to the terminal."""
        self.draw_anew()

    def action_stop(self) -> None:
        """Stop for the shell, with the rest of the process group, as the terminal's own ctrl+z does."""
        if not self.is_headless:
            os.killpg(0, signal.SIGTSTP)

    @on(FilterLine.Typed)
    def _filter_typed(self, message: FilterLine.Typed) -> None:
        """Apply a filter; a bad one is told in the last line, and what is shown stays."""
        try:
            self.page.filter_by(filter_words(message.text) if message.kept else settled_words(message.text))
        except WordError as error:
            self.message_shown = str(error)
            self.say("#keys", self.keys_line)
            return
        self.hush()
        if message.kept:
            self._end_filter()

    @on(OneLine.Clicked, "#tabs")
    def _tab_clicked(self, message: OneLine.Clicked) -> None:
        tab = tab_at(self.tabs(self.look.glyphs), message.x)
        for each, _, name in PAGES:
            if tab is not None and each.key == tab.key:
                self.action_page(name)

    def _end_filter(self) -> None:
        self.filter_line.close()
        self.hush()
        self.page.enter()

    def begin(self) -> None:
        """Go to the process that the program was started with."""
        pid = self.options.pid
        if pid is None or self.view is None:
            return
        process = self.view.snapshot.processes.get(pid)
        if process is None:
            self.flash(f"there is no process {pid}")
        else:
            self.open_process(process.key)

    def _visit_holder(self) -> None:
        """Come to Processes for the first time: begin with who holds the channel that was looked at."""
        key = self.channels_page.table.cursor
        if self.view is None or not isinstance(key, ChannelKey):
            return
        channel = self.view.snapshot.channels_by_key.get(key)
        holders = [end.process for end in channel.endpoints if end.process is not None] if channel is not None else []
        if holders:
            self.processes_page.open(holders[0].key, key, True)
