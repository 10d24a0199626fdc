"""The command palette: find a channel, find a process, do what the keys do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from ipcinspect.model.channel import Channel
from ipcinspect.selection.order import ORDERS
from ipcinspect.tui.demo_choices import DEMOS
from ipcinspect.tui.ends import ends_of
from ipcinspect.tui.feed import INTERVALS
from ipcinspect.tui.glyphs import Glyphs
from ipcinspect.tui.palette import look_of
from ipcinspect.tui.wording import end_text, kind, name

if TYPE_CHECKING:
    from ipcinspect.tui.ipc_app import IpcApp

_FOUND_AT_MOST = 50
_BETWEEN_BREATHS = 2000
"""Things looked at before the screen gets its turn."""
_MOVING = "state:flowing state:filling state:draining"


class Command(NamedTuple):
    """One line of the palette."""

    title: str
    help: str
    do: Callable[[], object]


class _Commands(Provider):
    """A provider that knows what kind of app it serves."""

    @property
    def ipc(self) -> IpcApp:
        """The app."""
        return cast("IpcApp", self.app)

    @property
    def glyphs(self) -> Glyphs:
        """What it draws with."""
        return look_of(self.app).glyphs


class ActionCommands(_Commands):
    """What the keys do, and what no key does."""

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for command in self._commands():
            yield DiscoveryHit(command.title, command.do, help=command.help)

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = matcher.match(command.title)
            if score > 0:
                yield Hit(score, matcher.highlight(command.title), command.do, help=command.help)

    def _commands(self) -> Iterator[Command]:
        app = self.ipc
        yield Command("Show only what is full", "filter state:full", partial(app.filter_by, "state:full"))
        yield Command("Show all channels", "clear the filter", partial(app.filter_by, ""))
        yield Command("Look inside the chosen channel", "p", app.look_inside)
        yield Command("Life of the chosen channel", "tab Life", app.show_life)
        yield Command("What is stuck, and on whom", "3", partial(app.action_page, "stuck-page"))
        yield Command("Findings: what is wrong", "4", partial(app.action_page, "findings-page"))
        yield Command("Why what is chosen waits", "w", app.action_why)
        yield Command("Show only what moves", "filter state:flowing ...", partial(app.filter_by, _MOVING))
        yield Command("Pause and go on", "space", app.action_pause)
        yield Command("Help", "?", app.action_help)
        yield Command("Compare all mechanisms", "measure which to choose", app.open_comparison)
        for mechanism in DEMOS:
            yield Command(
                f"Demo: {mechanism}", "a real pair through the seven stages", partial(app.open_demo, mechanism)
            )
        for order in ORDERS:
            yield Command(f"Sort by {order}", "order of the channels", partial(app.order_by, order))
        for seconds in INTERVALS:
            yield Command(f"Look every {seconds:g} s", "interval", partial(app.look_every, seconds))
        for theme in ("textual-dark", "ansi-dark", "ansi-light"):
            yield Command(f"Theme {theme}", "colours", partial(setattr, app, "theme", theme))
        yield Command("Quit", "q", partial(app.action_leave, 0))


class ChannelCommands(_Commands):
    """Channels by id, name, or who holds them."""

    async def search(self, query: str) -> Hits:
        """The first ones in which every word occurs."""
        view, found = self.ipc.view, 0
        words = query.lower().split()
        for place, channel in enumerate(view.snapshot.channels if view is not None else ()):
            if place % _BETWEEN_BREATHS == 0:
                await asyncio.sleep(0)
            text = self._text(channel)
            if all(word in text.lower() for word in words):
                found += 1
                yield Hit(
                    1.0 - found / 1000, Content(text), partial(self.ipc.open_channel, channel.key), help="channel"
                )
                if found == _FOUND_AT_MOST:
                    return

    def _text(self, channel: Channel) -> str:
        ends = ends_of(channel)
        between = self.glyphs.wires[ends.wire]
        ends_told = f"{end_text(ends.left, self.glyphs)} {between} {end_text(ends.right, self.glyphs)}"
        return f"{kind(channel)} {name(channel, self.glyphs)}  {ends_told}"


class ProcessCommands(_Commands):
    """Processes by name or pid."""

    async def search(self, query: str) -> Hits:
        """The first ones in which every word occurs."""
        view, found = self.ipc.view, 0
        words = query.lower().split()
        for place, process in enumerate(view.snapshot.processes.values() if view is not None else ()):
            if place % _BETWEEN_BREATHS == 0:
                await asyncio.sleep(0)
            text = f"{self.glyphs.safe(process.comm)} {process.pid}"
            if all(word in text.lower() for word in words):
                found += 1
                yield Hit(
                    1.0 - found / 1000, Content(text), partial(self.ipc.open_process, process.key), help="process"
                )
                if found == _FOUND_AT_MOST:
                    return


PROVIDERS: set[type[Provider] | Callable[[], type[Provider]]] = {ActionCommands, ChannelCommands, ProcessCommands}
