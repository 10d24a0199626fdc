"""`ipcinspect` without a command: the way to the screen, and what stands in it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cli.running import environment, run_on_terminal
from tests.terminal import in_terminal


def test_the_screen_opens_and_a_key_ends_it() -> None:
    with in_terminal([sys.executable, "-m", "ipcinspect"], 80, 24) as terminal:
        terminal.wait_for(b"Channels", within_s=30)
        terminal.press(b"q")
        terminal.silence(1, 30)
        assert terminal.process.wait(30) == 0


def test_an_unknown_theme_names_the_nearest_and_opens_no_screen(tmp_path: Path) -> None:
    shown = run_on_terminal("--theme", "ansi-drak")
    assert (shown.code, shown.lines) == (2, ["ipcinspect: unknown theme 'ansi-drak', nearest is 'ansi-dark'"])
    (tmp_path / "ipcinspect").mkdir()
    (tmp_path / "ipcinspect" / "config.toml").write_text('theme = "nord2"\n')
    shown = run_on_terminal(env=environment(TERM="xterm", XDG_CONFIG_HOME=str(tmp_path)))
    assert (shown.code, shown.lines) == (2, ["ipcinspect: unknown theme 'nord2', nearest is 'nord'"])


def test_a_terminal_that_cannot_draw_is_told_what_can_be_had() -> None:
    shown = run_on_terminal(env=environment(TERM="dumb"))
    assert shown.code == 3
    assert "list --watch" in shown.received.decode()


def test_a_process_that_is_not_there_opens_no_screen() -> None:
    shown = run_on_terminal("4999999")
    assert shown.code == 2
    assert shown.lines[0].startswith("ipcinspect: no process 4999999, nearest is ")
