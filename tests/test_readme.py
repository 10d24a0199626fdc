"""What README tells a stranger to type works, and what it says is there is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal import in_terminal

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
IPCINSPECT = [sys.executable, "-m", "ipcinspect"]

DONE, FOUND, USAGE, UNABLE = 0, 1, 2, 3
OF_ONE_THING = ("show", "peek", "follow", "ps 1", "why 1", "demo --attach")
"""What these ask for need not exist on the machine of the test, or may be hidden there; then one line says so."""
LEAVE_WITHIN_S = 20


def _fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def _marked(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n```sh\n(.*?)\n```", README, re.DOTALL)
    assert found is not None, f"README has no line marked {mark}"
    return found.group(1)


COMMANDS = [line.removeprefix("$ ") for block in _fenced("console") for line in block.splitlines() if line[:2] == "$ "]


def test_readme_shows_commands() -> None:
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_command_does_what_it_is_shown_for(command: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "ipcinspect"
    result = subprocess.run(
        [*IPCINSPECT, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if command.startswith(tuple(f"ipcinspect {one}" for one in OF_ONE_THING)) and result.returncode in (USAGE, UNABLE):
        assert result.stderr.count("\n") == 1, result.stderr
        return
    judges = command.startswith(("ipcinspect why", "ipcinspect check"))
    assert result.returncode == DONE or (judges and result.returncode == FOUND), result.stderr
    assert result.stdout
    assert "Traceback" not in result.stderr


def test_the_screen_line_ends_in_a_screen_that_q_leaves() -> None:
    line = _marked("screen-line")
    assert line.endswith("&& .venv/bin/ipcinspect")
    with in_terminal(IPCINSPECT) as terminal:
        terminal.wait_for(b"Channels", within_s=LEAVE_WITHIN_S)
        terminal.press(b"q")
        terminal.wait_for(b"\x1b[?1049l", within_s=LEAVE_WITHIN_S)
        assert terminal.process.wait(timeout=LEAVE_WITHIN_S) == DONE


def test_both_lines_make_their_own_environment_from_a_checkout() -> None:
    for mark in ("screen-line", "test-line"):
        line = _marked(mark)
        assert "\n" not in line
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install -q ")


def test_every_picture_and_file_that_readme_links_to_exists() -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)]+)\)", README) + re.findall(r'src="([^"]+)"', README)
    assert not [link for link in links if not (ROOT / link).exists()]


def test_every_command_of_the_program_is_in_readme() -> None:
    result = subprocess.run([*IPCINSPECT, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    section = result.stdout.partition("commands:\n")[2].partition("\n\n")[0]
    names = re.findall(r"^  (\w+)  ", section, re.MULTILINE)
    assert names
    assert not [name for name in names if f"`{name}`" not in README]
