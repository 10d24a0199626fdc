"""The app: one frame (header, screens, headline, keys) around pages, fed by threads that look at the machine."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from textual import on, work
from textual.app import App, ComposeResult
from textual.driver import Driver
from textual.filter import NoColor
from textual.timer import Timer
from textual.widgets import ContentSwitcher
from textual.worker import Worker, WorkerState

from ipcinspect.inspector import Inspector
from ipcinspect.model.channel_key import ChannelKey
from ipcinspect.model.contents import Contents
from ipcinspect.model.process import ProcessKey
from ipcinspect.sources import Details, Source
from ipcinspect.tui.ambiguous import Modes
from ipcinspect.tui.drawing import Line, Span, fit
from ipcinspect.tui.feed import Feed, PeekWish, Wishes
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.header import Key, Pulse, Tab, header_line, headline, keys_line, tabs_line
from ipcinspect.tui.inside import answered
from ipcinspect.tui.messages import DetailsTold, Looked, LookFailed, Peeked
from ipcinspect.tui.options import ScreenOptions
from ipcinspect.tui.palette import Look, make_look
from ipcinspect.tui.screens.channels import ChannelsPage
from ipcinspect.tui.screens.demo import DemoPage
from ipcinspect.tui.screens.doctor import DoctorPage
from ipcinspect.tui.screens.findings import FindingsPage
from ipcinspect.tui.screens.page import Page
from ipcinspect.tui.screens.processes import ProcessesPage
from ipcinspect.tui.screens.stuck import StuckPage
from ipcinspect.tui.terminal import Terminal
from ipcinspect.tui.trouble_lines import findings_badge, stuck_badge
from ipcinspect.tui.view import Query, View
from ipcinspect.tui.widgets.filter_line import FilterLine
from ipcinspect.tui.widgets.line_list import LineList
from ipcinspect.tui.widgets.one_line import OneLine, Say

PAGES: tuple[tuple[Tab, type[Page], str], ...] = (
    (Tab("1", "Channels"), ChannelsPage, "channels-page"),
    (Tab("2", "Processes"), ProcessesPage, "processes-page"),
    (Tab("3", "Stuck"), StuckPage, "stuck-page"),
    (Tab("4", "Findings"), FindingsPage, "findings-page"),
    (Tab("5", "Demo"), DemoPage, "demo-page"),
    (Tab("7", "Doctor"), DoctorPage, "doctor-page"),
)
"""The screens; the numbers keep their meaning when others come between."""

_ALWAYS = (Key("?", "help"), Key("q", "quit"))
_FLASH_S = 2.5
_REMEMBERED = 256
"""Deadlocks that are not told again when a look could not be sure of them for once."""


class Frame(App[int]):
    """Shows what a source tells; what the user can do is up to the class on top."""

    TITLE = "ipcinspect"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-normal"), (160, "-wide")]  # noqa: RUF012 (as App declares it)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012
    CSS_PATH = [  # noqa: RUF012
        "look.tcss",
        *(
            f"screens/{name}.tcss"
            for name in ("channels", "processes", "report", "demo", "doctor", "chooser", "compare", "help")
        ),
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
        if options.no_color and not self.no_color:  # asked for by an option: Textual knows the environment only
            self.no_color = True
            self._filters.append(NoColor())
        self.options = options
        self.terminal_modes: Modes | None = None
        """Of the terminal before the program touched it."""
        self.feed = Feed(Inspector(source, options.show_self), Wishes(interval=options.interval))
        self.when_leaving: Callable[[int], object] = lambda code: None
        """Called when the app begins to end, with its exit code."""
        self.view: View | None = None
        self.paused_at: float | None = None
        self._failure: str | None = None
        self.message_shown: str | None = None
        """In the last line, in place of the keys."""
        self._flashing: Timer | None = None
        self._told_deadlocks: list[Hashable] = []
        """Those that the user has seen or been told of, the last ones."""
        self.visited: list[str] = []
        """Pages that `esc` leads back to, the last one first to go."""

    def compose(self) -> ComposeResult:
        yield OneLine(self.header_line, id="header")
        yield OneLine(self.tabs_line, id="tabs")
        yield OneLine(self.headline_line, id="headline-row")
        yield FilterLine(id="filter-row")
        with ContentSwitcher(initial=PAGES[0][2], id="pages"):
            for _, page, _ in PAGES:
                yield page()
        yield OneLine(self.keys_line, id="keys")

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

    def on_resize(self) -> None:
        """A terminal of another size shows anything: nothing that is drawn now may be left out."""
        self.draw_anew()

    def draw_anew(self) -> None:
        """Draw everything, whatever the terminal shows."""
        if isinstance(self._driver, Terminal):
            self._driver.output.canvas.forget()
        self.screen.refresh(layout=True)

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

    @property
    def stuck_page(self) -> StuckPage:
        """3 Stuck."""
        return self.query_one(StuckPage)

    @property
    def findings_page(self) -> FindingsPage:
        """4 Findings."""
        return self.query_one(FindingsPage)

    @property
    def demo_page(self) -> DemoPage:
        """5 Demo."""
        return self.query_one(DemoPage)

    @property
    def filter_line(self) -> FilterLine:
        """Where filter words are typed."""
        return self.query_one(FilterLine)

    @property
    def _stands(self) -> bool:
        """False while the app is taken down: messages of the feed may still come."""
        return bool(self.query("#keys"))

    def ask(self, query: Query) -> None:
        """Have the last observation arranged anew, in a thread."""
        self.feed.wishes.query = query
        self._arrange()
        self.say("#headline-row", self.headline_line)

    def want_details(self, key: ProcessKey | ChannelKey | None) -> None:
        """Have the feed ask for more about one thing."""
        self.feed.wishes.details_of = key
        self.feed.wake()

    def want_peek(self, key: ChannelKey, most: int) -> None:
        """Have the feed look into a channel, once."""
        before = self.feed.wishes.peek
        self.feed.wishes.peek = PeekWish(key, most, 0 if before is None else before.number + 1)
        self.feed.wake()

    def flash(self, message: str) -> None:
        """Say something in the last line for a moment."""
        self.message_shown = message
        self.say("#keys", self.keys_line)
        if self._flashing is not None:
            self._flashing.stop()
        self._flashing = self.set_timer(_FLASH_S, self.hush)

    @on(Looked)
    def _looked(self, message: Looked) -> None:
        """A new view: swap it in."""
        if not self._stands:
            return
        before, self.view = self.view, message.view
        if before is None or before.observation is not message.view.observation:
            self._failure = None
        if message.view.query != self.feed.wishes.query:
            self._arrange()  # the question has changed while this was the answer
        with self.batch_update():
            self.page.show(self.view)
            for selector, line in (
                ("#header", self.header_line),
                ("#tabs", self.tabs_line),
                ("#headline-row", self.headline_line),
            ):
                self.say(selector, line)
        self._tell_new_deadlocks(before, message.view)
        self.feed.shown(message.view)
        if before is None:
            self.feed.wishes.sights = False
            self.begin()

    def _tell_new_deadlocks(self, before: View | None, now: View) -> None:
        """Each once, on whatever screen the user is; those that the first look finds stand in the headline."""
        if now.trouble is None or (before is not None and before.trouble is now.trouble):
            return
        certain = {one.identity: one for one in now.trouble.tangles if one.certain}
        new = [one for identity, one in certain.items() if identity not in self._told_deadlocks]
        if new and before is not None and before.trouble is not None:
            more = f", and {len(new) - 1} more" if len(new) > 1 else ""
            message = f"{self.look.glyphs.safe(new[0].sentence)}{more}. 3 shows it."
            self.notify(message, title="New deadlock", severity="error", markup=False)
        self._told_deadlocks = [*dict.fromkeys([*self._told_deadlocks, *certain])][-_REMEMBERED:]

    def begin(self) -> None:
        """The first view is there."""

    @on(LookFailed)
    def _look_failed(self, message: LookFailed) -> None:
        """Keep what is there, say that it is stale."""
        if not self._stands:
            return
        self._failure = message.reason
        self.say("#header", self.header_line)
        self.say("#headline-row", self.headline_line)

    @on(DetailsTold)
    def _details_told(self, message: DetailsTold) -> None:
        if not self._stands:
            return
        if isinstance(message.key, ProcessKey):
            self.processes_page.tell(message.key, message.details)
        else:
            self.channels_page.tell(message.key, message.details)

    @on(Peeked)
    def _peeked(self, message: Peeked) -> None:
        if self._stands:
            self.channels_page.open_contents(message.peek)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A thread that failed is told and, if it was the one that looks, started again."""
        if event.state is not WorkerState.ERROR:
            return
        error = event.worker.error
        if event.worker.group == "demo":
            self.demo_page.failed(f"{type(error).__name__}: {error}")
            return
        self.post_message(LookFailed(f"{type(error).__name__}: {error}"))
        if event.worker.group == "collect":
            self.set_timer(self.feed.interval(), self._collect)

    @work(thread=True, exclusive=True, group="collect", exit_on_error=False)
    def _collect(self) -> None:
        """Look at the machine until the end."""

        def show(view: View) -> None:
            self.post_message(Looked(view))

        def complain(error: OSError) -> None:
            self.post_message(LookFailed(str(error)))

        def tell(key: ProcessKey | ChannelKey, details: Details | None) -> None:
            self.post_message(DetailsTold(key, details))

        def hand_over(wish: PeekWish, contents: Contents | None) -> None:
            self.post_message(Peeked(answered(wish.key, wish.most, contents, self.options.clock())))

        self.feed.run(show, complain, tell, hand_over)

    @work(thread=True, exclusive=True, group="arrange", exit_on_error=False)
    def _arrange(self) -> None:
        """Arrange the last observation for the query of now."""
        view = self.feed.arrange()
        if view is not None:
            self.post_message(Looked(view))

    def _tick(self) -> None:
        """Once a second: how long it has been paused."""
        if self.paused_at is not None and self._stands:
            self.say("#header", self.header_line)

    def hush(self) -> None:
        """Show the keys again."""
        self.message_shown = None
        self.say("#keys", self.keys_line)

    def _take_look(self, ansi: bool) -> None:
        self.look = make_look(bool(self.options.ascii), ansi)
        for lines in self.query(LineList):
            lines.forget()
        for line in self.query(OneLine):
            line.refresh()

    def say(self, selector: str, say: Say) -> None:
        """Draw one of the lines of the frame if it has changed; while the app is taken down there is none."""
        for line in self.query(selector).results(OneLine):
            line.say(say)

    def _pulse(self) -> Pulse:
        paused = None if self.paused_at is None else self.options.clock() - self.paused_at
        about = None if self.options.about is None else self.options.about()
        return Pulse(self.feed.interval(), paused, self._failure, about)

    def header_line(self, width: int, glyphs: Glyphs) -> Line:
        """Line 1."""
        return header_line(None if self.view is None else self.view.snapshot, self._pulse(), width, glyphs)

    def tabs_line(self, width: int, glyphs: Glyphs) -> Line:
        """Line 2."""
        pages = self.query_one("#pages", ContentSwitcher)
        current = next((tab.key for tab, _, name in PAGES if name == pages.current), "1")
        return tabs_line(self.tabs(glyphs), current, width, glyphs)

    def tabs(self, glyphs: Glyphs) -> list[Tab]:
        """The screens with their open trouble."""
        trouble = None if self.view is None else self.view.trouble
        badges = {"3": stuck_badge(trouble, glyphs), "4": findings_badge(trouble, glyphs)}
        return [tab._replace(badge=badges.get(tab.key, ())) for tab, _, _ in PAGES]

    def headline_line(self, width: int, glyphs: Glyphs) -> Line:
        """Line 3."""
        own = self.page.headline(width, glyphs)
        if own is not None:
            return own
        kept = None if self.view is None else self.page.kept(self.view)
        return headline(self.view, self._pulse(), kept, width, glyphs)

    def keys_line(self, width: int, glyphs: Glyphs) -> Line:
        """The last line: keys, or for a moment a message."""
        if self.message_shown is not None:
            return fit((Span(" "), Span(glyphs.safe(self.message_shown), "warning")), width, glyphs)
        return keys_line(self.page.KEYS, _ALWAYS, width, glyphs)
