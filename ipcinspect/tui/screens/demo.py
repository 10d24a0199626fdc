"""5 Demo: two real processes over one real channel, walked through the seven stages of its life."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from ipcinspect.demo.plan import Plan
from ipcinspect.demo.telling import Cast, Told
from ipcinspect.model.text import visible
from ipcinspect.tui import demo_choices
from ipcinspect.tui.demo_choices import DEMOS, Choice
from ipcinspect.tui.demo_life import told_events
from ipcinspect.tui.demo_page_text import demo_lines
from ipcinspect.tui.demo_scene import Scene
from ipcinspect.tui.demo_setup import intro_lines, setup_line
from ipcinspect.tui.drawing import Line, Span
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.header import Key
from ipcinspect.tui.palette import look_of
from ipcinspect.tui.rows import TextRows
from ipcinspect.tui.screens.chooser import ChooserScreen
from ipcinspect.tui.screens.page import Page
from ipcinspect.tui.view import View
from ipcinspect.tui.walker import Stepped, Walker
from ipcinspect.tui.widgets.line_list import LineList
from ipcinspect.tui.widgets.one_line import OneLine


class Picture(LineList):
    """Lines to look at; enter is for the page."""

    def action_open(self) -> None:
        self.post_message(self.Opened(self, None))


class DemoPage(Page):
    """Chooses a plan, has it walked, and shows any moment of the walk."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("n", "next"),
        Key("b", "back"),
        Key("r", "run"),
        Key("x", "fault"),
        Key("m", "mechanism"),
        Key("f", "format"),
        Key("R", "again"),
        Key("o", "options"),
        Key("c", "channel"),
        Key("v", "variant"),
        Key("C", "compare all"),
        Key("esc", "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "run", "Run, or run on", show=False),
        Binding("R,shift+r", "again", "From the start", show=False),
        Binding("n", "next('stage')", "Next stage", show=False),
        Binding("right,full_stop", "next('line')", "Next line", show=False),
        Binding("b", "before('stage')", "Stage before", show=False),
        Binding("left,comma", "before('line')", "Line before", show=False),
        Binding("m", "choose('mechanism')", "Another mechanism", show=False),
        Binding("x", "choose('fault')", "What shall go wrong", show=False),
        Binding("o", "choose('options')", "Other options", show=False),
        Binding("v", "variant", "Next variant", show=False),
        Binding("f", "form", "Next format", show=False),
        Binding("c", "channel", "To the channel", show=False),
        Binding("C,shift+c", "compare", "Compare all mechanisms", show=False),
    ]
    FILTERS: ClassVar[bool] = False

    class Went(Message):
        """The walk has come further."""

        def __init__(self, walker: Walker, stepped: Stepped) -> None:
            super().__init__()
            self.walker = walker
            self.stepped = stepped

    def __init__(self) -> None:
        super().__init__(id="demo-page")
        self.plan = demo_choices.FIRST
        self._walker: Walker | None = None
        self._ending: Walker | None = None
        """The walk that has to be gone before another begins."""
        self._clear()

    def _clear(self) -> None:
        self._lines: list[Told] = []
        self._shown: int | None = None
        """How many lines are looked back at; None: all."""
        self._cast: Cast | None = None
        self._payloads: tuple[bytes, ...] = ()
        self._is_over = False
        self._failure: str | None = None
        self._began_at: float | None = None
        """When the walk began, seconds since the epoch."""
        self._untold: list[Told] = []
        """Lines that came before the channel was seen."""

    def compose(self) -> ComposeResult:
        yield Picture(chooses=False, id="demo")

    def show(self, view: View | None) -> None:
        picture = self.query_one("#demo", Picture)
        region, glyphs = picture.scrollable_content_region, look_of(self.app).glyphs
        if self._lines:
            lines = demo_lines(self.scene(), region.width, region.height, glyphs)
        else:
            plan = demo_choices.whole(self.plan)
            lines = intro_lines(plan, DEMOS[plan.mechanism], self._failure, region.width, glyphs)
        picture.show(TextRows(lines))

    def enter(self) -> None:
        self.screen.set_focus(self.query_one("#demo", Picture))

    def on_resize(self) -> None:
        """Everything is laid out for the size."""
        self.show(self.ipc.view)

    def on_unmount(self) -> None:
        """The pair does not outlive the program."""
        if self._walker is not None:
            self._walker.stop()

    def headline(self, width: int, glyphs: Glyphs) -> Line | None:
        plan = demo_choices.whole(self.plan)
        return setup_line(plan, DEMOS[plan.mechanism], self._where(), width, glyphs)

    def copied(self) -> str | None:
        channel = self.scene().channel
        return None if channel is None else visible(channel.id)

    def scene(self) -> Scene:
        """The moment that is looked at."""
        lines = tuple(self._lines[: self._shown])
        over = self._is_over and self._shown is None
        plan = demo_choices.whole(self.plan)
        return Scene(plan, DEMOS[plan.mechanism], lines, self._cast, self._payloads, over)

    def choose(self, plan: Plan) -> None:
        """Take another plan; a pair of the plan before ends. What is not possible is told at once."""
        if plan == self.plan:
            return
        self._end()
        before, self.plan = self.plan, plan
        self._clear()
        self._failure = demo_choices.refusal(plan)
        self._draw()
        lost = demo_choices.lost_fault(before, plan)
        if lost is not None:
            self.ipc.flash(lost)

    def failed(self, reason: str) -> None:
        """The walk broke off by a fault of the program."""
        self._failure, self._is_over = reason, True
        self._draw()

    def action_run(self) -> None:
        """Through all that is left; after the end once more from the start."""
        self._shown = None
        if self._is_over:
            self.action_again()
        else:
            self._go("end")

    def action_again(self) -> None:
        """From the start, with a new pair."""
        self._end()
        self._clear()
        self._go("end")

    def action_next(self, how_far: str) -> None:
        """Forward: through what was told already, then on with the walk."""
        if self._shown is not None:
            self._look_at(self._place_after(self._shown, how_far))
        elif not self._is_over:
            self._go(how_far)
        else:
            self.ipc.flash("the demo has ended: r runs it again, b looks back")

    def action_before(self, how_far: str) -> None:
        """Back to what was told before. What the processes did stays done."""
        now = len(self._lines) if self._shown is None else self._shown
        place = self._place_before(now, how_far)
        if not place:
            self.ipc.flash("this is the first line")
            return
        self._look_at(place)
        self.ipc.flash("looking back: what the processes did stays done; n goes forward again")

    def action_choose(self, what: str) -> None:
        """Open a list to choose from."""
        title, ask, stays = {
            "mechanism": ("Demo of which mechanism", demo_choices.mechanisms, False),
            "fault": (f"What shall go wrong with {self.plan.mechanism}", demo_choices.faults, False),
            "options": (f"Options of the {self.plan.mechanism} demo", demo_choices.options, True),
        }[what]
        asked: Callable[[Plan], Sequence[Choice]] = ask
        if not asked(self.plan):
            self.ipc.flash(f"there is no fault to choose for {self.plan.mechanism}")
            return
        self.app.push_screen(ChooserScreen(title, self.plan, asked, self.choose, stays))

    def action_variant(self) -> None:
        """The next kind of this mechanism."""
        plan = demo_choices.with_next_variant(self.plan)
        if plan is None:
            self.ipc.flash(f"{self.plan.mechanism} has but one variant")
        else:
            self.choose(plan)

    def action_form(self) -> None:
        """The next format."""
        plan = demo_choices.with_next_format(self.plan)
        if plan is None:
            self.ipc.flash(f"{self.plan.mechanism} carries no bytes: there is nothing to format")
        else:
            self.choose(plan)

    def action_channel(self) -> None:
        """Go to the pair's channel, which is in the list like every other one."""
        channel = self.scene().channel
        if channel is None or self._is_over:
            self.ipc.flash("no pair is running: n begins one")
        else:
            self.ipc.open_new_channel(channel.key)

    def action_compare(self) -> None:
        """Measure every mechanism; a pair that is walked ends first: it would be measured with."""
        self.ipc.open_comparison()

    def rest(self) -> None:
        """End the pair; what was told stays to be looked at."""
        if self._walker is not None and not self._is_over:
            self._end()
            self._is_over = True
            self._draw()

    @on(LineList.Opened, "#demo")
    def _opened(self) -> None:
        self.action_run()

    @on(Went)
    def _went(self, message: Went) -> None:
        stepped = message.stepped
        if message.walker is not self._walker:
            return
        self._lines += stepped.lines
        self._cast = stepped.cast or self._cast
        self._payloads = stepped.payloads or self._payloads
        self._is_over = stepped.is_over
        self._failure = stepped.failure
        self._tell_life(stepped.lines)
        self._draw()

    def _tell_life(self, lines: Sequence[Told]) -> None:
        """What the processes say they did stands in the life of their channel, beside what the kernel shows.

        What came before the channel was seen, how it was made, is told as soon as it is.
        """
        now = self.ipc.options.clock()
        if self._began_at is None and lines:
            self._began_at = now - max(told.at_s for told in lines)
        self._untold += lines
        seen = next((one.evidence for one in reversed(self._lines) if one.evidence and one.evidence.channel), None)
        if seen is None or self._cast is None or self._began_at is None:
            return
        untold, self._untold = self._untold, []
        for key, event in told_events(untold, self._cast, seen, self._began_at):
            self.ipc.feed.tell(key, event._replace(at=min(event.at, now)))

    def _go(self, how_far: str) -> None:
        """Have the walk go on; without one, begin it."""
        if self._walker is None:
            self._failure = None
            self._walker = Walker(self.plan, self.ipc.options.begin_demo, self._ending)
            self._walk(self._walker)
        self._walker.wish(how_far)
        self._draw()

    @work(thread=True, group="demo", exit_on_error=False)
    def _walk(self, walker: Walker) -> None:
        walker.run(lambda stepped: self.post_message(self.Went(walker, stepped)))

    def _end(self) -> None:
        if self._walker is not None:
            self._walker.stop()
            self._ending, self._walker = self._walker, None

    def _look_at(self, place: int) -> None:
        self._shown = None if place >= len(self._lines) else place
        self._draw()

    def _place_after(self, now: int, how_far: str) -> int:
        if how_far == "line":
            return now + 1
        stage = self._lines[now].stage
        return next(
            (place for place in range(now, len(self._lines)) if self._lines[place].stage != stage), len(self._lines)
        )

    def _place_before(self, now: int, how_far: str) -> int:
        if how_far == "line":
            return now - 1
        if not now:
            return 0
        stage = self._lines[now - 1].stage
        return next((place + 1 for place in range(now - 1, -1, -1) if self._lines[place].stage != stage), 0)

    def _where(self) -> Line:
        """At which step of how many."""
        if not self._lines:
            busy = self._walker is not None and not self._is_over
            return (Span("starting", "muted"),) if busy else (Span("enter", "key"), Span(" run", "muted"))
        shown = len(self._lines) if self._shown is None else self._shown
        of = f" of {len(self._lines)}" if self._is_over or self._shown is not None else ""
        if self._shown is not None:
            return (Span("looking back ", "warning"), Span(f"step {shown}{of}", "strong"))
        if self._is_over:
            return (Span(f"step {shown}{of}", "strong"), Span("  ended", "muted"))
        return (Span(f"step {shown}", "strong"), Span("  n", "key"), Span(" next", "muted"))

    def _draw(self) -> None:
        if not self.is_attached or self.ipc.page is not self:
            return
        with self.app.batch_update():
            self.show(self.ipc.view)
            self.ipc.query_one("#headline-row", OneLine).say(self.ipc.headline_line)
