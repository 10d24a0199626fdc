"""What really reaches a terminal: few bytes, no names that command it, and only what it can draw."""

from __future__ import annotations

import os
import re

import pytest

from tests.tui.terminals import ENTERED, OnTerminal, screen

WATCHED_S = 3.0
LOOKS = 4
"""What of one look a second falls into that time at most."""
LIVE_CLOCK = """
import time
from dataclasses import replace
from fakes import endpoint, channel
idle = [pipe(100 + n, process(300, "sh"), process(301, "cat")) for n in range(60)]
base = snapshot([pipe(48213, make, tee, "full", 65536), *idle])
source.take = lambda want: replace(base, taken_at=time.time())
"""


def test_an_idle_screen_writes_little() -> None:
    idle = screen(LIVE_CLOCK, "interval=1.0")
    with OnTerminal(idle) as usual, OnTerminal(idle, 200, 50) as large:
        for terminal in (usual, large):
            terminal.wait_for(b"make 2211/1")
            terminal.read_for(1.5)
        usual.read_for(0.1)
        written = [len(large.read_for(WATCHED_S)), len(usual.read_for(0.1))]
        assert max(written) / LOOKS < 200


def test_a_cursor_key_writes_two_rows_not_a_screen() -> None:
    with OnTerminal(screen(LIVE_CLOCK, "interval=1000"), 120, 40) as terminal:
        terminal.wait_for(b"make 2211/1")
        terminal.read_for(2.0)
        terminal.type("\x1b[B")
        assert 0 < len(terminal.read_for(1.0)) < 2500


def test_no_name_commands_the_terminal() -> None:
    hostile = """
from fakes import HOSTILE_NAMES, channel, endpoint
nasty = [process(6000 + n, name, cmdline=(name,), container=name) for n, name in enumerate(HOSTILE_NAMES)]
rows = [channel(n, "unix", "idle", [endpoint("a", "client", p, 3, address=p.comm), endpoint("b", "server", make, 4)],
        name="/tmp/" + p.comm, id="unix:" + p.comm) for n, p in enumerate(nasty)]
source.turns = [snapshot(rows, nasty)]
"""
    with OnTerminal(screen(hostile), 200, 50) as terminal:
        terminal.wait_for(b"\\x1b]0;owned")
        for key in ("y", "2", "7", "?"):
            before = len(terminal.output)
            terminal.type(key)
            terminal.read_for(0.6)
            assert len(terminal.output) > before
        for command in (b"\x1b]0;", b"owned\x07", "\u202e".encode(), b"\xff"):
            assert command not in terminal.output
        printed = re.sub(
            rb"\x1b(\[[0-9;?<>$]*[A-Za-z]|\]52;c;[A-Za-z0-9+/=]*\x07|\]22;[a-z]+\x07)", b"", terminal.output
        )
        assert set(printed) & set(range(32)) <= {10, 13}


def answering(position: bytes) -> OnTerminal:
    terminal = OnTerminal(screen(options="interval=1000"))
    terminal.answers[b"\x1b[6n"] = position
    return terminal


@pytest.mark.parametrize(("position", "ascii_only"), [(b"\x1b[1;3R", True), (b"\x1b[1;2R", False)])
def test_a_terminal_that_draws_ambiguous_characters_wide_gets_ascii(position: bytes, ascii_only: bool) -> None:
    with answering(position) as terminal:
        terminal.wait_for(b"tee 2212/0")
        drawn = terminal.output[terminal.output.index(ENTERED) :]
        assert drawn.isascii() == ascii_only
        assert "─".encode() in terminal.output  # it was asked


def test_a_terminal_that_answers_late_does_not_type() -> None:
    with OnTerminal(screen(options="interval=1000")) as terminal:
        before = terminal.modes()
        terminal.wait_for(b"tee 2212/0")
        terminal.type("\x1b[1;3R")
        seen = len(terminal.output)
        terminal.read_for(0.5)
        assert terminal.output[seen:] in (b"", b"\x1b[0m")
        terminal.type("q")
        assert os.waitstatus_to_exitcode(terminal.wait_for_end()) == 0
        assert terminal.modes() == before


@pytest.mark.parametrize("name", ["xterm", "xterm-16color", "linux", "vt100"])
def test_it_starts_on_any_terminal(name: str) -> None:
    with OnTerminal(screen(), env={"TERM": name}) as terminal:
        terminal.wait_for(b"make 2211/1")
        terminal.type("q")
        assert os.waitstatus_to_exitcode(terminal.wait_for_end()) == 0


def test_no_color_writes_no_colour() -> None:
    with OnTerminal(screen(options="interval=1000, no_color=True")) as terminal:
        terminal.wait_for(b"tee 2212/0")
        terminal.read_for(0.5)
        codes = {code for codes in re.findall(rb"\x1b\[([\d;]*)m", terminal.output) for code in codes.split(b";")}
        assert codes <= {b"", b"0", b"1", b"2", b"4", b"7", b"39", b"49"}
        assert b"7" in codes


def test_standard_error_is_not_drawn_on() -> None:
    with OnTerminal(screen("import os\nos.close(2)\nos.open('/dev/null', os.O_WRONLY)")) as terminal:
        terminal.wait_for(b"make 2211/1")
        terminal.type("q")
        assert os.waitstatus_to_exitcode(terminal.wait_for_end()) == 0


def test_what_is_typed_or_pasted_behind_the_stroke_in_one_go_is_the_filter() -> None:
    with OnTerminal(screen(LIVE_CLOCK, "interval=1000"), 120, 40) as terminal:
        terminal.wait_for(b"make 2211/1")
        terminal.type("/kind:pipe make\r")
        terminal.wait_for(b"1 of 61 channels")
