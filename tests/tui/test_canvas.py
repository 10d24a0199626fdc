"""The canvas leaves out only what the terminal shows already."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ipcinspect.tui.canvas import Canvas

_SEQUENCE = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|(.)", re.DOTALL)


class Paper:
    """A terminal that understands positions, styles and characters."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], tuple[str, str]] = {}
        self.row, self.column, self.style = 1, 1, ""

    def write(self, text: str) -> None:
        for row, column, sgr, char in _SEQUENCE.findall(text):
            if row:
                self.row, self.column = int(row), int(column)
            elif char:
                width = cell_len(char)
                for offset in range(width):
                    self.cells[self.row, self.column + offset] = (char if not offset else "", self.style)
                self.column += width
            elif sgr in ("", "0"):
                self.style = ""
            else:
                parts = sgr.split(";")
                parts, before = (parts[1:], "") if parts[0] == "0" else (parts, self.style)
                self.style = ";".join(filter(None, (before, *parts)))


def run(style: str, text: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style else text


runs = st.builds(run, st.sampled_from(["", "1", "31", "1;32"]), st.text("ab ■日", min_size=1, max_size=12))
updates = st.lists(
    st.builds(
        lambda row, column, texts: f"\x1b[{row};{column}H" + "".join(texts),
        st.integers(1, 3),
        st.sampled_from([1, 1, 1, 5]),
        st.lists(runs, min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=3,
).map("\n".join)


@given(st.lists(updates, max_size=8))
def test_the_terminal_shows_the_same_as_if_everything_had_been_written(writes: list[str]) -> None:
    canvas, whole, saved = Canvas(), Paper(), Paper()
    for text in writes:
        whole.write(text.replace("\n", ""))
        saved.write(canvas.less(text))
        assert saved.cells == whole.cells


def test_one_second_more_is_one_digit() -> None:
    canvas = Canvas()
    canvas.less("\x1b[5;1H\x1b[31mpipe\x1b[0m  41s")
    assert canvas.less("\x1b[5;1H\x1b[31mpipe\x1b[0m  42s") == "\x1b[5;8H2"


def test_what_is_shown_already_is_not_written() -> None:
    canvas = Canvas()
    canvas.less("\x1b[5;1Hpipe")
    assert canvas.less("\x1b[5;1Hpipe\x1b[1;2H") == ""


def test_after_the_screen_was_switched_everything_is_written() -> None:
    canvas = Canvas()
    canvas.less("\x1b[5;1Hpipe")
    assert canvas.less("\x1b[?1049h") == "\x1b[?1049h"
    assert canvas.less("\x1b[5;1Hpipe").endswith("pipe")


def test_other_sequences_pass_in_the_default_style() -> None:
    canvas = Canvas()
    canvas.less("\x1b[5;1H\x1b[31mpipe\x1b[0m")
    assert canvas.less("\x1b]52;c;cGlwZQ==\x07") == "\x1b[0m\x1b]52;c;cGlwZQ==\x07"
