"""The configuration file, `$XDG_CONFIG_HOME/ipcinspect/config.toml`: what the command line does not say."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from dataclasses import dataclass, field

from ipcinspect.cli.complaints import Usage
from ipcinspect.selection import WordError, unknown

SHORTEST_INTERVAL_S, LONGEST_INTERVAL_S = 0.1, 3600.0
_KEYS = ("interval", "theme", "columns", "thresholds")


@dataclass(frozen=True)
class Config:
    """Settings of the file; None where it does not set them."""

    interval: float | None = None
    """Seconds between two looks."""
    theme: str | None = None
    columns: tuple[str, ...] | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """By the words of rules; whether there is such a rule is not asked here."""


def load(environ: Mapping[str, str]) -> Config:
    """The settings; all None where there is no file. Raises Usage, naming the file and what is wrong in it.

    One that may not be read is somebody else's: `su` and `setpriv` keep the home of the user before.
    """
    path = path_of(environ)
    if path is None:
        return Config()
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"{path}: {error.strerror if isinstance(error, OSError) else 'not UTF-8'}") from error
    try:
        return _parse(text)
    except (ValueError, WordError) as error:
        raise Usage(f"{path}: {error}") from error


def path_of(environ: Mapping[str, str]) -> str | None:
    """Where the file would be; None without any home."""
    folder = environ.get("XDG_CONFIG_HOME", "")
    if folder.startswith("/"):  # the specification: relative ones are to be ignored
        return os.path.join(folder, "ipcinspect", "config.toml")
    home = environ.get("HOME", "")
    return os.path.join(home, ".config", "ipcinspect", "config.toml") if home.startswith("/") else None


def parse_interval(text: str) -> float:
    """Seconds between two looks. Raises ValueError."""
    seconds = float(text)
    if not SHORTEST_INTERVAL_S <= seconds <= LONGEST_INTERVAL_S:
        raise ValueError(f"an interval is {SHORTEST_INTERVAL_S} to {LONGEST_INTERVAL_S:.0f} seconds, not '{text}'")
    return seconds


def _parse(text: str) -> Config:
    import tomllib  # only for those who have such a file

    table = tomllib.loads(text)
    for key in table:
        if key not in _KEYS:
            raise unknown("setting", key, _KEYS)
    interval, theme, columns, thresholds = (table.get(key) for key in _KEYS)
    if interval is not None and not _is_number(interval):
        raise ValueError("interval has to be a number of seconds")
    if theme is not None and not isinstance(theme, str):
        raise ValueError("theme has to be a text")
    if columns is not None and not (isinstance(columns, list) and all(isinstance(word, str) for word in columns)):
        raise ValueError('columns has to be a list of texts: ["id", "state"]')
    if thresholds is not None and not (isinstance(thresholds, dict) and all(map(_is_number, thresholds.values()))):
        raise ValueError("thresholds has to be a table of numbers: close-wait-pile = 20")
    return Config(
        None if interval is None else parse_interval(str(interval)),
        theme,
        None if columns is None else tuple(columns),
        dict(thresholds or {}),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
