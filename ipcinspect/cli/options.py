"""The options that every command takes, before or behind its name, and the parser that knows them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import IO, NoReturn

from ipcinspect.cli.complaints import Usage, tell
from ipcinspect.cli.config import Config, load, parse_interval
from ipcinspect.cli.output import Output
from ipcinspect.selection import nearest

_WIDEST_HELP = 100
_PLAIN_TERMINALS = frozenset(("linux", "dumb"))


class HelpLines(argparse.RawDescriptionHelpFormatter):
    """Help in the terminal's width; argparse itself would load shutil for that, at every start."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=min(Output().width(os.environ.get("COLUMNS")), _WIDEST_HELP) - 2)


class Parser(argparse.ArgumentParser):
    """An argparse parser that complains in one line and writes its help where all output goes."""

    def __init__(self, prog: str, description: str, epilog: str, usage: str | None = None) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            usage=usage,
            formatter_class=HelpLines,
            allow_abbrev=False,  # or a new option would change what an old script says
        )

    def error(self, message: str) -> NoReturn:
        """Raises Usage with the message, and the nearest option where one is unknown."""
        start = "unrecognized arguments: "
        if message.startswith(start):
            word = message.removeprefix(start).split()[0].partition("=")[0]
            if not word.startswith("-"):
                raise Usage(f"too many arguments: '{word}' ({self.prog} --help tells more)")
            options = [text for action in self._actions for text in action.option_strings if text.startswith("--")]
            message = f"unknown option '{word}', nearest is '{nearest(word, options)}'"
        raise Usage(f"{message} ({self.prog} --help tells more)")

    def _print_message(self, message: str, file: IO[str] | None = None) -> None:  # type: ignore[override]
        if file is sys.stderr:
            tell(message)
        else:
            output = Output()
            output.write(message)
            output.flush()


@dataclass(frozen=True)
class Options:
    """What the user asked for beside the command's own arguments."""

    json: bool
    show_self: bool
    debug: bool
    environ: Mapping[str, str]
    ascii_asked: bool
    no_color_asked: bool
    interval_asked: float | None
    theme_asked: str | None

    @cached_property
    def config(self) -> Config:
        """The configuration file, read when something in it is needed. Raises Usage."""
        return load(self.environ)

    @property
    def interval(self) -> float | None:
        """Seconds between two looks; None where it is left to the size of the machine."""
        return self.interval_asked if self.interval_asked is not None else self.config.interval

    @property
    def theme(self) -> str | None:
        """The screen's theme; None for the usual one."""
        return self.theme_asked if self.theme_asked is not None else self.config.theme

    @property
    def color(self) -> bool:
        """Whether colours are wanted on a terminal (https://no-color.org)."""
        return not (self.no_color_asked or self.environ.get("NO_COLOR") or self.environ.get("TERM") == "dumb")

    @property
    def ascii(self) -> bool:
        """Whether only ASCII glyphs can be drawn, as far as can be known without asking the terminal."""
        return self.ascii_asked or self.environ.get("TERM") in _PLAIN_TERMINALS or not _locale_is_utf8(self.environ)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command."""
    group = parser.add_argument_group("options of every command")
    group.add_argument("--json", action="store_true", help="a JSON document, schema ipcinspect/1")
    group.add_argument("--no-color", action="store_true", help="no colours; NO_COLOR in the environment does the same")
    group.add_argument("--ascii", action="store_true", help="ASCII in place of line-drawing glyphs")
    group.add_argument("--self", action="store_true", dest="show_self", help="show this program's own process too")
    group.add_argument(
        "--interval", type=_interval, metavar="SECONDS", help="time between two looks: 1, or 2 above 50,000 descriptors"
    )
    group.add_argument("--theme", metavar="NAME", help="theme of the screen, for example ansi-dark")
    group.add_argument("--debug", action="store_true", help="diagnostics on standard error at the end")


OPTIONS_WITH_VALUE = ("--interval", "--theme", "--print-completion")
"""Those whose next word is not a command."""
_VALUES_OF_RUN = ("--after", "--columns", "--sort")
"""Further ones of `run`."""


def make_options(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Options:
    """The options among parsed arguments, beside the environment they are seen in."""
    return Options(
        json=arguments.json,
        show_self=arguments.show_self,
        debug=arguments.debug,
        environ=environ,
        ascii_asked=arguments.ascii,
        no_color_asked=arguments.no_color,
        interval_asked=arguments.interval,
        theme_asked=arguments.theme,
    )


def split_command(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The first word that is neither an option nor an option's value, and all the others."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in OPTIONS_WITH_VALUE else 1
    if place >= len(words):
        return None, list(words)
    return words[place], [*words[:place], *words[place + 1 :]]


def split_started(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our own words, and the command to start: what stands behind `--`, or begins with the first plain word."""
    place = 0
    while place < len(words) and words[place].startswith("-") and words[place] != "--":
        place += 2 if words[place] in (*OPTIONS_WITH_VALUE, *_VALUES_OF_RUN) else 1
    own, rest = list(words[:place]), list(words[place:])
    return own, rest[1:] if rest[:1] == ["--"] else rest


def _interval(text: str) -> float:
    try:
        return parse_interval(text)
    except ValueError as error:
        message = str(error) if "interval" in str(error) else f"not a number of seconds: '{text}'"
        raise argparse.ArgumentTypeError(message) from None


def _locale_is_utf8(environ: Mapping[str, str]) -> bool:
    """Whether the user's locale writes UTF-8. In the C locale Python switches to UTF-8 by itself: that is not it."""
    if sys.flags.utf8_mode and environ.get("PYTHONUTF8") != "1":
        return False
    import locale  # 2 ms that a pipe does not need

    return locale.getencoding().lower() in ("utf-8", "utf8")
