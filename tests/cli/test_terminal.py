"""Output to a terminal: a table in its width, in its glyphs, in colours where they are wanted."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from ipcinspect.cli.columns import NARROW, WIDE, channel_sheet, parse_columns
from ipcinspect.cli.sheets import Cell, Column, Sheet
from ipcinspect.cli.terminal import TerminalStyle
from tests.cli.machine import machine
from tests.cli.running import environment, run_on_terminal
from tests.fakes import HOSTILE_NAMES, pipe, process, snapshot

SGR = re.compile(r"\x1b\[[0-9;]*m")


def drawn(width: int, ascii_only: bool = False, color: bool = False) -> list[str]:
    """The machine's channels as lines."""
    style, whole = TerminalStyle(width, ascii_only, color), machine()
    offers = parse_columns(WIDE if width >= 110 else NARROW)
    return "".join(style.lines([channel_sheet(whole.channels, whole, offers, style)])).splitlines()


def test_a_narrow_table() -> None:
    assert drawn(80) == [
        "KIND STATE     FILL  QUEUED FROM             TO",
        "pipe ○ idle    ┈┈┈┈┈      0 tee 2212/1    ─► make 2211/0",
        "pipe ■ full    ━━━━━  64.0K make 2211/1   ━┫ tee 2212/0",
        "unix ▲ waiting ?        1/? tee 2212/8    ━┫ nginx 4402/3",
        "unix ● holding ?       1.0K make 2211/5   ─► nginx 4402/9",
        "tcp  ○ idle    ┈┈┈┈┈      0 10.0.0.9:5555 ─► nginx 4402/7",
    ]


@pytest.mark.parametrize("width", [70, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    holders = [process(4_000_000 + number, name * 3) for number, name in enumerate(HOSTILE_NAMES)]
    whole = snapshot([pipe(number, one, one) for number, one in enumerate(holders)])
    style = TerminalStyle(width, False, False)
    sheet = channel_sheet(whole.channels, whole, parse_columns(NARROW), style)
    assert max(cell_len(line) for line in "".join(style.lines([sheet])).splitlines()) <= width


def test_a_last_cell_has_the_room_of_the_columns_that_its_row_lacks() -> None:
    columns = (Column("FD", right=True), Column("KIND"), Column("STATE"), Column("OTHER END", cut="holder"))
    whole = [Cell("12"), Cell("pipe"), Cell("idle"), Cell("tee 2212/0")]
    short = [Cell("3"), Cell("watches 2: 3 eventfd in, 7 pipe:[388703] in edge")]
    lines = "".join(TerminalStyle(36, False, False).lines([Sheet(None, columns, [whole, short])])).splitlines()
    assert lines == ["FD KIND STATE OTHER END", "12 pipe idle  tee 2212/0", " 3 watches 2: 3 eventfd in, 7 pipe:…"]


def test_only_the_name_of_a_holder_is_cut_never_a_number() -> None:
    style = TerminalStyle(32, False, False)
    row = (Cell("a-very-long-process-name 1234567/89 +3"), Cell("other-long-name 7654321/1"))
    sheet = Sheet(None, (Column("A", cut="holder"), Column("B", cut="holder")), [row])
    line = "".join(style.lines([sheet])).splitlines()[1]
    assert "1234567/89 +3" in line
    assert "7654321/1" in line
    assert cell_len(line) <= 32


def test_colours_only_repeat_what_words_say() -> None:
    painted = drawn(80, color=True)
    assert [SGR.sub("", line) for line in painted] == drawn(80)
    assert any("\x1b[1;31m" in line for line in painted)


def test_ascii_is_ascii() -> None:
    assert all(line.isascii() for line in drawn(120, ascii_only=True))


def test_a_table_that_goes_on_keeps_its_columns() -> None:
    style = TerminalStyle(80, False, False)
    columns = (Column("EVENT", least=7), Column("ID"))
    first = list(style.roll(Sheet(None, columns, [(Cell("there"), Cell("x"))])))
    later = list(style.roll(Sheet(None, columns, [(Cell("changes"), Cell("y"))])))
    assert first == ["EVENT   ID\n", "there   x\n"]
    assert later == ["changes y\n"]


@pytest.mark.parametrize("width", [50, 60, 80, 120])
def test_a_table_that_goes_on_and_may_not_be_cut_folds_what_has_no_room(width: int) -> None:
    style = TerminalStyle(width, False, False)
    columns = (Column("TIME", least=8), Column("EVENT", least=20), Column("EVIDENCE"))
    evidence = "65536 of 65536 bytes at the look before, 0 of 65536 bytes now"
    rows = [(Cell("14:04:13"), Cell(what), Cell(evidence)) for what in ("short", "an event of more than 20 cells")]
    lines = [line.rstrip("\n") for line in style.roll(Sheet(None, columns, rows, whole=True))]
    assert all(cell_len(line) <= width for line in lines)
    assert [line[:8] for line in lines if line[:8].strip()] == ["TIME    ", "14:04:13", "14:04:13"]
    assert " ".join(" ".join(lines[1:]).split()).count(evidence) == 2


@pytest.mark.parametrize(
    ("env", "colored", "plain"),
    [
        ({"TERM": "xterm-256color"}, True, False),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False, False),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, True, False),
        ({"TERM": "dumb"}, False, True),
        ({"TERM": "linux"}, True, True),
        ({"TERM": "xterm", "LANG": "C"}, True, True),
        ({"TERM": "xterm", "LC_ALL": "POSIX"}, True, True),
    ],
)
def test_the_environment_decides_about_colours_and_glyphs(env: dict[str, str], colored: bool, plain: bool) -> None:
    shown = run_on_terminal("doctor", env=environment(**env))
    listed = run_on_terminal("list", "kind:unix", "--no-color", env=environment(**env))
    assert (shown.code, listed.code) == (0, 0)
    assert (b"\x1b[" in shown.received) == colored
    assert b"\x1b" not in listed.received
    if plain:
        assert listed.received.isascii()


def test_a_real_list_fits_a_real_terminal() -> None:
    shown = run_on_terminal("list", "--no-color", columns=80)
    assert shown.code == 0
    assert all(cell_len(line) <= 80 for line in shown.lines if not line.startswith("ipcinspect: "))
    assert run_on_terminal("list", "--ascii", "--no-color").received.isascii()


def test_columns_in_the_environment_win() -> None:
    shown = run_on_terminal("list", "--no-color", columns=80, env=environment(TERM="xterm", COLUMNS="120"))
    assert "NAME" in shown.lines[0]


def test_what_may_not_be_cut_is_folded_between_words() -> None:
    sheet = Sheet(None, (Column(""), Column("")), [(Cell("exposure"), Cell("word " * 12 + "x" * 50))], whole=True)
    lines = list(TerminalStyle(40, False, False).lines([sheet]))[1:]
    assert lines[0] == "exposure word word word word word word\n"
    assert lines[1].startswith("         word")
    assert lines[-1].strip() == "x" * 50
    assert "".join(lines).split() == ["exposure", *["word"] * 12, "x" * 50]


def test_a_terminal_leaves_out_columns_that_tell_nothing_and_then_the_most_dispensable() -> None:
    columns = (Column("WHO"), Column("WHAT", spare=1), Column("MORE", spare=2), Column("NONE", spare=3))
    rows = [[Cell("a" * 20), Cell("b" * 20), Cell("c" * 20), Cell("-")]]
    sheet = Sheet("Ends", columns, rows, whole=True)
    assert [list(TerminalStyle(width, False, False).lines([sheet]))[2].split() for width in (80, 50, 30)] == [
        ["WHO", "WHAT", "MORE"],
        ["WHO", "WHAT"],
        ["WHO"],
    ]
