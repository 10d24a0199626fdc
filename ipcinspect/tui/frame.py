"""The app: one frame (header, screens, headline, keys) around pages, fed by threads that look at the machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import ClassVar

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.driver import Driver
from textual.timer import Timer
from textual.widgets import ContentSwitcher, Input
from textual.worker import Worker, WorkerState

from ipcinspect.inspector import Inspector
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.process import ProcessKey
from ipcinspect.selection import WordError
from ipcinspect.sources import Source
from ipcinspect.tui.ambiguous import Modes
from ipcinspect.tui.commands import PROVIDERS
from ipcinspect.tui.drawing import Line, Span, fit
from ipcinspect.tui.feed import INTERVALS, Feed, Wishes
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.header import Key, Pulse, Tab, header_line, headline, keys_line, tab_at, tabs_line
from ipcinspect.tui.messages import DetailsTold, Looked, LookFailed
from ipcinspect.tui.options import ScreenOptions
from ipcinspect.tui.palette import Look, make_look
from ipcinspect.tui.screens.channels import ChannelsPage
from ipcinspect.tui.screens.doctor import DoctorPage
from ipcinspect.tui.screens.help import HelpScreen
from ipcinspect.tui.screens.page import Page
from ipcinspect.tui.screens.processes import ProcessesPage
from ipcinspect.tui.view import Query, View
from ipcinspect.tui.widgets.line_list import LineList
from ipcinspect.tui.widgets.one_line import OneLine
from ipcinspect.tui.words import filter_words

PAGES: tuple[tuple[Tab, type[Page], str], ...] = (
    (Tab("1", "Channels"), ChannelsPage, "channels-page"),
    (Tab("2", "Processes"), ProcessesPage, "processes-page"),
    (Tab("7", "Doctor"), DoctorPage, "doctor-page"),
)
"""The screens; the numbers keep their meaning when others come between."""

_ALWAYS = (Key("?", "help"), Key("q", "quit"))
_FLASH_S = 2.5


class IpcApp(App[int]):
    """Shows what a source tells."""

    TITLE = "ipcinspect"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = PROVIDERS
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-normal"), (160, "-wide")]  # noqa: RUF012 (as App declares it)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012
    CSS_PATH = [  # noqa: RUF012
        "look.tcss",
        *(f"screens/{name}.tcss" for name in ("channels", "processes", "doctor", "help")),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(tab.key, f"page('{page}')", tab.title, show=False) for tab, _, page in PAGES),
        Binding("slash", "filter", "Filter", show=False),
        Binding("space", "pause", "Pause and go on", show=False),
        Binding("plus,equals_sign", "interval(-1)", "Look more often", show=False),
        Binding("minus", "interval(1)", "Look less often", show=False),
        Binding("y", "copy", "Copy", show=False),
        Binding("question_mark", "help", "Help", show=False),
        Binding("escape", "step_back", "Back", show=False),
        Binding("q", "leave(0)", "Quit", show=False),
        Binding("ctrl+z", "stop", "Stop for the shell", show=False, priority=True),
        Binding("ctrl+c", "leave(130)", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        source: Source,
        options: ScreenOptions,
        driver: type[Driver] | None = None,
    ) -> None:
        self.look: Look = make_look(bool(options.ascii), False)
        # Textual picks its NO_COLOR filter from the theme of this very moment: only so does the filter keep `dim`.
        super().__init__(driver_class=driver, ansi_color=True if options.no_color else None)
        self.options = options
        self.terminal_modes: Modes | None = None
        """Of the terminal before the program touched it."""
        self.feed = Feed(Inspector(source, options.show_self), Wishes(interval=options.interval))
        self.when_leaving: Callable[[int], object] = lambda code: None
        """Called when the app begins to end, with its exit code."""
        self.view: View | None = None
        self._paused_at: float | None = None
        self._failure: str | None = None
        self._message: str | None = None
        self._flashing: Timer | None = None
        self._visited: list[str] = []

    def compose(self) -> ComposeResult:
        yield OneLine(self._header, id="header")
        yield OneLine(self._tabs, id="tabs")
        yield OneLine(self._headline, id="headline-row")
        with Horizontal(id="filter-row"):
            yield OneLine(lambda width, glyphs: (Span(" / ", "key"),), id="filter-mark")
            yield Input(id="filter", compact=True, placeholder="words, kind:pipe user:www state:full not:kind:pty")
        with ContentSwitcher(initial=PAGES[0][2], id="pages"):
            for _, page, _ in PAGES:
                yield page()
        yield OneLine(self._keys, id="keys")

    def on_mount(self) -> None:
        """Choose the colours; the first look starts only when the first frame stands."""
        self.theme_changed_signal.subscribe(self, lambda theme: self._take_look(theme.ansi))
        self.theme = "ansi-dark" if self.options.no_color else self.options.theme
        self._take_look(self.current_theme.ansi)
        self.set_interval(1.0, self._tick)
        self.page.enter()
        self.call_after_refresh(self._collect)

    def on_unmount(self) -> None:
        """End the feed's thread."""
        self.when_leaving(self.return_code or 0)
        self.feed.stop()

    @property
    def page(self) -> Page:
        """The page in front."""
        return self.query_one(f"#{self.query_one('#pages', ContentSwitcher).current}", Page)

    @property
    def channels_page(self) -> ChannelsPage:
        """1 Channels."""
        return self.query_one(ChannelsPage)

    @property
    def processes_page(self) -> ProcessesPage:
        """2 Processes."""
        return self.query_one(ProcessesPage)

    def ask(self, query: Query) -> None:
        """Have the last observation arranged anew, in a thread."""
        self.feed.wishes.query = query
        self._arrange()
        self._say("#headline-row", self._headline)

    def want_details(self, key: ProcessKey | ChannelKey | None) -> None:
        """Have the feed ask for more about one thing."""
        self.feed.wishes.details_of = key
        self.feed.wake()

    def flash(self, message: str) -> None:
        """Say something in the last line for a moment."""
        self._message = message
        self._say("#keys", self._keys)
        if self._flashing is not None:
            self._flashing.stop()
        self._flashing = self.set_timer(_FLASH_S, self._hush)

    def open_process(self, key: ProcessKey, channel: ChannelKey | None = None) -> None:
        """Go to a process, its cursor on a channel."""
        self.action_page("processes-page")
        self.processes_page.open(key, channel, True)

    def open_channel(self, key: ChannelKey) -> None:
        """Go to a channel."""
        self.action_page("channels-page")
        if not self.channels_page.choose(key):
            self.flash("that channel is gone")

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
        self._say("#header", self._header)

    def action_page(self, name: str) -> None:
        """Bring a page to the front."""
        pages = self.query_one("#pages", ContentSwitcher)
        if pages.current == name:
            return
        first_visit = name == "processes-page" and not self.processes_page.process_tree.cursor
        self._visited = [*self._visited[-9:], pages.current or PAGES[0][2]]
        pages.current = name
        self.feed.wishes.sights = name == "doctor-page"
        self.ask(self.feed.wishes.query._replace(tree=name == "processes-page"))
        if name == "doctor-page":
            self.feed.wake(look=self._paused_at is None)
        if first_visit:
            self._visit_holder()
        self.page.show(self.view)
        self.page.enter_again()
        for line in ("#tabs", "#keys", "#headline-row"):
            self.query_one(line, OneLine).refresh()

    def action_filter(self) -> None:
        """Open the filter's line."""
        if not self.page.FILTERS:
            self.flash("there is nothing to filter here")
            return
        line = self.query_one("#filter", Input)
        line.value = " ".join(self.page.filter_words())
        self.screen.add_class("-filtering")
        line.focus()

    def action_pause(self) -> None:
        """Stop looking, or go on."""
        paused = self._paused_at is None
        self._paused_at = self.options.clock() if paused else None
        self.feed.wishes.paused = paused
        self.feed.wake(look=not paused)
        self._say("#header", self._header)

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
        self.flash(f"copied {text}")

    def action_help(self) -> None:
        """Keys and signs."""
        self.push_screen(HelpScreen())

    def action_step_back(self) -> None:
        """Close the filter's line; a step back within the page; the page before."""
        if self.screen.has_class("-filtering"):
            self._end_filter()
            self.page.filter_by(())
        elif not self.page.back() and self._visited:
            self.action_page(self._visited[-1])
            del self._visited[-2:]

    def action_leave(self, code: int) -> None:
        """End the program."""
        self.exit(code, return_code=code)

    def action_stop(self) -> None:
        """Stop for the shell, with the rest of the process group, as the terminal's own ctrl+z does."""
        if not self.is_headless:
            os.killpg(0, signal.SIGTSTP)

    @on(Looked)
    def _looked(self, message: Looked) -> None:
        """A new view: swap it in."""
        if message.view.query != self.feed.wishes.query:
            if self.view is not None and message.view.observation is self.view.observation:
                return
            self._arrange()
        first = self.view is None
        self.view, self._failure = message.view, None
        with self.batch_update():
            self.page.show(self.view)
            self._say("#header", self._header)
            self._say("#headline-row", self._headline)
        if first:
            self.feed.wishes.sights = False
            self._start_at_process()

    @on(LookFailed)
    def _look_failed(self, message: LookFailed) -> None:
        """Keep what is there, say that it is stale."""
        self._failure = message.reason
        self._say("#header", self._header)
        self._say("#headline-row", self._headline)

    @on(DetailsTold)
    def _details_told(self, message: DetailsTold) -> None:
        if isinstance(message.key, ProcessKey):
            self.processes_page.tell(message.key, message.details)
        else:
            self.channels_page.tell(message.key, message.details)

    @on(Input.Changed, "#filter")
    def _filter_changed(self, message: Input.Changed) -> None:
        if not self.screen.has_class("-filtering"):
            return
        self._complain_about(message.value)

    @on(Input.Submitted, "#filter")
    def _filter_kept(self, message: Input.Submitted) -> None:
        if self._complain_about(message.value):
            self._end_filter()

    @on(OneLine.Clicked, "#tabs")
    def _tab_clicked(self, message: OneLine.Clicked) -> None:
        tab = tab_at([tab for tab, _, _ in PAGES], message.x)
        for each, _, name in PAGES:
            if each == tab:
                self.action_page(name)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A thread that failed is told and, if it was the one that looks, started again."""
        if event.state is not WorkerState.ERROR:
            return
        error = event.worker.error
        self.post_message(LookFailed(f"{type(error).__name__}: {error}"))
        if event.worker.group == "collect":
            self.set_timer(self.feed.interval(), self._collect)

    @work(thread=True, exclusive=True, group="collect", exit_on_error=False)
    def _collect(self) -> None:
        """Look at the machine until the end."""
        self.feed.run(
            lambda view: self._post(Looked(view)),
            lambda error: self._post(LookFailed(str(error))),
            lambda key, details: self._post(DetailsTold(key, details)),
        )

    @work(thread=True, exclusive=True, group="arrange", exit_on_error=False)
    def _arrange(self) -> None:
        """Arrange the last observation for the query of now."""
        view = self.feed.arrange()
        if view is not None:
            self._post(Looked(view))

    def _post(self, message: Looked | LookFailed | DetailsTold) -> None:
        self.post_message(message)

    def _complain_about(self, text: str) -> bool:
        """Apply a filter; a bad one is told in the last line, and what is shown stays."""
        try:
            self.page.filter_by(filter_words(text))
        except WordError as error:
            self._message = str(error)
            self._say("#keys", self._keys)
            return False
        self._hush()
        return True

    def _end_filter(self) -> None:
        self.screen.remove_class("-filtering")
        self._hush()
        self.page.enter()

    def _start_at_process(self) -> None:
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

    def _tick(self) -> None:
        """Once a second: how long it has been paused."""
        if self._paused_at is not None:
            self._say("#header", self._header)

    def _hush(self) -> None:
        self._message = None
        self._say("#keys", self._keys)

    def _take_look(self, ansi: bool) -> None:
        self.look = make_look(bool(self.options.ascii), ansi)
        for lines in self.query(LineList):
            lines.forget()
        for line in self.query(OneLine):
            line.refresh()

    def _say(self, selector: str, say: object) -> None:
        self.screen_stack[0].query_one(selector, OneLine).say(say)  # type: ignore[arg-type]

    def _pulse(self) -> Pulse:
        paused = None if self._paused_at is None else self.options.clock() - self._paused_at
        return Pulse(self.feed.interval(), paused, self._failure)

    def _header(self, width: int, glyphs: Glyphs) -> Line:
        return header_line(None if self.view is None else self.view.snapshot, self._pulse(), width, glyphs)

    def _tabs(self, width: int, glyphs: Glyphs) -> Line:
        pages = self.query_one("#pages", ContentSwitcher)
        current = next((tab.key for tab, _, name in PAGES if name == pages.current), "1")
        return tabs_line([tab for tab, _, _ in PAGES], current, width, glyphs)

    def _headline(self, width: int, glyphs: Glyphs) -> Line:
        return headline(self.view, self._pulse(), self.page.filter_words(), width, glyphs)

    def _keys(self, width: int, glyphs: Glyphs) -> Line:
        if self._message is not None:
            return fit((Span(" "), Span(glyphs.safe(self._message), "warning")), width, glyphs)
        return keys_line(self.page.KEYS, _ALWAYS, width, glyphs)
