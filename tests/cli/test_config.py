"""The configuration file: what it sets, and what is said of a bad one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipcinspect.cli.complaints import Usage
from ipcinspect.cli.config import Config, load, path_of

ROOT = Path(__file__).resolve().parents[2]


def write(folder: Path, text: str) -> dict[str, str]:
    """An environment in which the file holds this text."""
    (folder / "ipcinspect").mkdir()
    (folder / "ipcinspect" / "config.toml").write_text(text, encoding="utf-8")
    return {"XDG_CONFIG_HOME": str(folder)}


def test_no_file_sets_nothing(tmp_path: Path) -> None:
    assert load({"XDG_CONFIG_HOME": str(tmp_path)}) == Config()
    assert load({}) == Config()


def test_a_file_that_may_not_be_read_sets_nothing(tmp_path: Path) -> None:
    """As an ordinary user with the home of root, which setpriv leaves in the environment."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    code = f"from ipcinspect.cli.config import *; assert load({{'XDG_CONFIG_HOME': {str(folder)!r}}}) == Config()"
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    subprocess.run([*nobody, sys.executable, "-c", code], cwd=ROOT, check=True)


def test_all_that_can_be_set(tmp_path: Path) -> None:
    env = write(tmp_path, 'interval = 2\ntheme = "ansi-dark"\ncolumns = ["id", "state"]\n')
    assert load(env) == Config(2.0, "ansi-dark", ("id", "state"))


def test_thresholds_are_numbers_by_rule(tmp_path: Path) -> None:
    env = write(tmp_path, "[thresholds]\nclose-wait-pile = 20\n")
    assert load(env) == Config(thresholds={"close-wait-pile": 20})


def test_the_file_is_below_home_where_xdg_says_nothing_usable() -> None:
    assert path_of({"HOME": "/home/ana"}) == "/home/ana/.config/ipcinspect/config.toml"
    assert path_of({"HOME": "/home/ana", "XDG_CONFIG_HOME": "relative"}) == "/home/ana/.config/ipcinspect/config.toml"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("intervall = 2", "unknown setting 'intervall', nearest is 'interval'"),
        ("interval = 0.01", "0.1 to 3600"),
        ('interval = "2"', "interval has to be a number"),
        ("interval = true", "interval has to be a number"),
        ("theme = 1", "theme has to be a text"),
        ('columns = "id"', "columns has to be a list"),
        ("thresholds = 3", "thresholds has to be a table"),
        ('[thresholds]\nclose-wait-pile = "many"', "thresholds has to be a table"),
        ("columns = [1]", "columns has to be a list"),
        ("interval = ", "Invalid value"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong_in_it(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(Usage) as caught:
        load(write(tmp_path, text))
    assert complaint in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    env = write(tmp_path, "")
    (tmp_path / "ipcinspect" / "config.toml").write_bytes(b"\xff")
    with pytest.raises(Usage, match="not UTF-8"):
        load(env)
