"""Every glyph of the screen, in two sets of the same widths: line-drawing characters, and ASCII for plain terminals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len

from ipcinspect.model.text import visible


@dataclass(frozen=True)
class Glyphs:
    """One set of glyphs. Marks are one cell, wires two."""

    marks: Mapping[str, str]
    """By the shape that carries a severity: `error`, `trouble`, `doubt`, `moving`, `quiet`, `gone`, `unknown`."""
    wires: Mapping[str, str]
    """By what the two ends are to each other; see `ends.Ends.wire`."""
    bar_done: str
    bar_half: str
    bar_rest: str
    line: str
    line_focused: str
    cursor: str
    down: str
    up: str
    ellipsis: str
    crumb: str
    paused: str
    remedy: str
    stations: Mapping[str, str]
    """Of a stage track, by `stages.STATUSES`."""
    track_done: str
    track_rest: str
    """Between two stations: behind what is done, and behind what is not."""
    heights: str
    """Of a spark, one cell each, the lowest first: rows must not touch, so the highest leaves room above."""
    certainties: Mapping[str, str]
    """One cell in front of an event, by `words.CERTAINTIES`."""
    branches: tuple[str, str, str, str]
    """Of a tree, two cells each: a child with siblings below, the last child, passing by, nothing."""
    ready: tuple[str, str]
    """A wire on which nothing moves yet, two cells: to the right, to the left."""
    tank: tuple[str, str, str]
    """Of a big bar: a full cell, its parts from little to much, an empty cell."""
    box: str
    """Corners from the upper left clockwise, then the stroke down."""
    edge: str
    """Waits for the one below."""
    more: str
    """Stands for what is left out between two lines."""
    rail: tuple[str, str, str]
    """Beside a circle: where it begins and goes on, two cells each; where it closes, four."""
    quiet_call: str
    """Beside a call that moves no data, one cell."""
    plain: bool
    """Whether only ASCII may reach the terminal."""

    def safe(self, text: str) -> str:
        """Kernel text as it may be shown: without control characters, and in ASCII where nothing else is drawn."""
        shown = visible(text)
        if not self.plain or shown.isascii():
            return shown
        return "".join(char if char.isascii() else self._stand_in(char) for char in shown)

    def _stand_in(self, char: str) -> str:
        return self.ellipsis if char == "…" else "u" if char == "µ" else "?" * cell_len(char)


UNICODE = Glyphs(
    marks={
        "error": "■",
        "trouble": "▲",
        "doubt": "◇",
        "moving": "●",
        "quiet": "○",
        "gone": "×",
        "unknown": "?",
        "none": " ",
        "root": "◆",
    },
    wires={
        "to": "─►",
        "to moving": "━►",
        "from": "◄─",
        "from moving": "◄━",
        "both": "◄►",
        "both moving": "◄►",
        "shared": "══",
        "blocked": "━┫",
        "gone": "─×",
        "open": "─○",
        "none": "  ",
    },
    bar_done="━",
    bar_half="╸",
    bar_rest="┈",
    line="─",
    line_focused="━",
    cursor="▌",
    down="▾",
    up="▴",
    ellipsis="…",
    crumb="›",
    paused="‖",
    remedy="→",
    stations={"done": "●", "now": "◉", "stuck": "■", "ahead": "○", "none": "·"},
    track_done="━",
    track_rest="┈",
    heights="▁▂▃▄▅▆",
    certainties={"seen": " ", "inferred": "≈", "told": "»"},
    branches=("├─", "└─", "│ ", "  "),
    ready=("┈▷", "◁┈"),
    tank=("█", "▏▎▍▌▋▊▉", "░"),
    box="╭╮╯╰│",
    edge="▼",
    more="⋮",
    rail=("╭►", "│ ", "╰──╯"),
    quiet_call="·",
    plain=False,
)

ASCII = Glyphs(
    marks={
        "error": "#",
        "trouble": "!",
        "doubt": "%",
        "moving": "*",
        "quiet": "o",
        "gone": "x",
        "unknown": "?",
        "none": " ",
        "root": "@",
    },
    wires={
        "to": "->",
        "to moving": "->",
        "from": "<-",
        "from moving": "<-",
        "both": "<>",
        "both moving": "<>",
        "shared": "==",
        "blocked": "-|",
        "gone": "-x",
        "open": "-o",
        "none": "  ",
    },
    bar_done="#",
    bar_half="+",
    bar_rest=".",
    line="-",
    line_focused="=",
    cursor=">",
    down="v",
    up="^",
    ellipsis="~",
    crumb=">",
    paused="=",
    remedy=">",
    stations={"done": "*", "now": "O", "stuck": "#", "ahead": "o", "none": "-"},
    track_done="=",
    track_rest=".",
    heights="_.:-=+",
    certainties={"seen": " ", "inferred": "~", "told": '"'},
    branches=("|-", "`-", "| ", "  "),
    ready=(".>", "<."),
    tank=("#", "+", "."),
    box="++++|",
    edge="v",
    more=":",
    rail=("+>", "| ", "+--+"),
    quiet_call=".",
    plain=True,
)
