"""Roles to styles: two tables, and the one place where a line becomes something that Textual draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

from textual.app import App
from textual.content import Content

from ipcinspect.tui.drawing import Line
from ipcinspect.tui.glyphs import ASCII, UNICODE, Glyphs

COLOUR = {
    "text": "",
    "strong": "bold",
    "error": "bold $text-error",
    "warning": "$text-warning",
    "ok": "$text-success",
    "accent": "$text-primary",
    "muted": "$foreground-muted",
    "faint": "$foreground-disabled",
    "key": "bold $text-primary",
    "tab": "bold underline $text-primary",
    "open": "bold on $primary-muted",
    "badge": "bold reverse $text-error",
}
"""For themes with true colours, which fade with alpha."""

ANSI = {
    **COLOUR,
    "accent": "$text-secondary",
    "muted": "dim",
    "faint": "dim",
    "key": "bold $text-secondary",
    "tab": "bold underline",
    "open": "bold reverse",
}
"""For ansi themes and NO_COLOR, which have no alpha and fade with `dim`."""


@dataclass(frozen=True)
class Look:
    """How this terminal is drawn on: its glyphs and its roles."""

    glyphs: Glyphs
    ansi: bool

    @property
    def roles(self) -> dict[str, str]:
        """Style of each role."""
        return ANSI if self.ansi else COLOUR

    def paint(self, line: Line) -> Content:
        """The line with its roles as styles. No text in it is parsed as markup."""
        roles = self.roles
        return Content.assemble(*((span.text, roles[span.role]) for span in line))

    def paint_reversed(self, line: Line) -> Content:
        """The line reversed as a whole, without its colours."""
        return Content.styled("".join(span.text for span in line), "bold reverse")


def make_look(ascii_only: bool, ansi: bool) -> Look:
    """The look for a glyph set and a kind of theme."""
    return Look(ASCII if ascii_only else UNICODE, ansi)


class Looking(Protocol):
    """An app that has a look."""

    @property
    def look(self) -> Look:
        """How it draws at the moment."""
        ...


def look_of(app: App[object]) -> Look:
    """The look of the app that a widget belongs to."""
    return cast("Looking", app).look
