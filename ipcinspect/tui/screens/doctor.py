"""7 Doctor: what can be seen on this machine, what could not, and what looking costs."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from ipcinspect.model.gap import Sight
from ipcinspect.tui.doctor_text import doctor_lines
from ipcinspect.tui.header import Key
from ipcinspect.tui.palette import look_of
from ipcinspect.tui.rows import TextRows
from ipcinspect.tui.screens.page import Page
from ipcinspect.tui.view import View
from ipcinspect.tui.widgets.line_list import LineList


class DoctorPage(Page):
    """A page to read."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("space", "pause"),
        Key("esc", "back"),
        Key("^p", "palette"),
    )

    FILTERS: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(id="doctor-page")
        self._sights: tuple[Sight, ...] = ()

    def compose(self) -> ComposeResult:
        yield LineList(chooses=False, id="doctor")

    def show(self, view: View | None) -> None:
        if view is None:
            return
        self._sights = view.snapshot.sights or self._sights
        lines = self.query_one("#doctor", LineList)
        width = lines.scrollable_content_region.width
        lines.show(TextRows(doctor_lines(view.snapshot, self._sights, width, look_of(self.app).glyphs)))

    def enter(self) -> None:
        self.screen.set_focus(self.query_one("#doctor", LineList))

    def on_resize(self) -> None:
        """Sentences wrap at the width."""
        self.show(self.ipc.view)
