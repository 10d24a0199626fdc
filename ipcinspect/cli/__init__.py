"""The command line. `run` is the whole program; a new command is one more file and one more line in COMMANDS."""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import signal
from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

from ipcinspect import __version__
from ipcinspect.cli.complaints import UNABLE, USAGE, Complaint, complain, end_by_signal, tell
from ipcinspect.cli.options import Parser, add_options, make_options, split_command, split_started
from ipcinspect.cli.output import ReaderGone
from ipcinspect.cli.session import OpenSource, Session
from ipcinspect.selection import WordError, unknown
from ipcinspect.sources import Source


class Command(NamedTuple):
    """One command and the module that does it, loaded when it is needed."""

    word: str
    module: str
    starts_another: bool = False
    """Whether the words from the first that is no option on are a command of the user's."""


COMMANDS = (
    Command("list", "ipcinspect.cli.list_command"),
    Command("show", "ipcinspect.cli.show_command"),
    Command("peek", "ipcinspect.cli.peek_command"),
    Command("follow", "ipcinspect.cli.follow_command"),
    Command("ps", "ipcinspect.cli.ps_command"),
    Command("why", "ipcinspect.cli.why_command"),
    Command("check", "ipcinspect.cli.check_command"),
    Command("run", "ipcinspect.cli.run_command", starts_another=True),
    Command("demo", "ipcinspect.cli.demo_command"),
    Command("compare", "ipcinspect.cli.compare_command"),
    Command("doctor", "ipcinspect.cli.doctor_command"),
)
"""Every command that has a name; without one the program shows its screen."""
_LONGEST_PID = 10


class CommandModule(Protocol):
    """What each command's file holds."""

    SUMMARY: str
    EPILOG: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Its own arguments."""
        ...

    def run(self, session: Session) -> int:
        """Do it; the result is the exit code."""
        ...


EPILOG = """\
commands:
{commands}
  'ipcinspect COMMAND --help' tells more.

Exit codes: 0 done, 1 something is wrong (check and why alone), 2 usage, 3 cannot
be seen or done here, 128+N by signal (141: whoever read the output stopped
reading).

examples:
  ipcinspect                      the screen
  ipcinspect 1234                 the screen, at process 1234
  ipcinspect list state:full      what is stuck
  ipcinspect show /run/app.sock   who is connected to a socket
  ipcinspect peek 1234/5          what waits in a descriptor's channel
  ipcinspect follow 1234/5        what happens to it from now on
  ipcinspect why                  who waits for whom, and never gets it
"""


def run(argv: Sequence[str], open_source: OpenSource | None = None) -> int:
    """The program with these arguments. Never raises; the result is the exit code."""
    debug = "--debug" in argv
    gc.disable()  # one look makes a hundred thousand objects and no garbage; commands that go on enable it again
    try:
        return _dispatch(argv, open_source or _live_source)
    except SystemExit as end:  # argparse, after --help and --version
        return end.code if isinstance(end.code, int) else USAGE
    except WordError as error:
        complain(str(error))
        return USAGE
    except Complaint as error:
        _trace(debug)
        complain(str(error))
        return error.code
    except ReaderGone:
        return end_by_signal(signal.SIGPIPE)
    except KeyboardInterrupt:
        return end_by_signal(signal.SIGINT)
    except Exception as error:  # noqa: BLE001 (a fault of the program: one line, and the trace for who asks for it)
        _trace(debug)
        complain(f"fault in the program: {error!r}{'' if debug else ' (--debug tells where)'}")
        return UNABLE
    finally:
        gc.freeze()  # what is left goes with the process: looking through it once more would be in vain
        gc.enable()


def _dispatch(argv: Sequence[str], open_source: OpenSource) -> int:
    word, rest = split_command(argv)
    if word is None or (word.isascii() and word.isdecimal() and len(word) <= _LONGEST_PID):
        return _run_screen(None if word is None else int(word), rest, open_source)
    command = next((command for command in COMMANDS if command.word == word), None)
    if command is None:
        raise unknown("command", word, [command.word for command in COMMANDS])
    module = _load(command)
    usage = f"ipcinspect {word} [OPTIONS] [--] CMD [ARG...]" if command.starts_another else None
    parser = Parser(f"ipcinspect {word}", module.SUMMARY, module.EPILOG, usage)
    module.add_arguments(parser)
    add_options(parser)
    started: list[str] = []
    if command.starts_another:
        rest, started = split_started(rest)
    arguments = parser.parse_intermixed_args(_joined(rest))
    if command.starts_another:
        arguments.command = started
    session = Session(arguments, make_options(arguments, os.environ), open_source)
    code = module.run(session)
    if session.options.debug:
        tell(session.diagnostics())
    return code


def _run_screen(pid: int | None, rest: Sequence[str], open_source: OpenSource) -> int:
    usage = "ipcinspect [OPTIONS] [PID]\n       ipcinspect COMMAND [OPTIONS] ..."
    listed = "\n".join(f"  {command.word:<8} {_load(command).SUMMARY}" for command in COMMANDS)
    parser = Parser("ipcinspect", "Shows every IPC channel of this machine.", EPILOG.format(commands=listed), usage)
    parser.add_argument("--version", action="version", version=f"ipcinspect {__version__}")
    parser.add_argument("--print-completion", metavar="SHELL", help="a completion script for bash, zsh or fish")
    add_options(parser)
    arguments = parser.parse_args(list(rest))
    if arguments.print_completion is not None:
        from ipcinspect.cli.completion import write_completion

        return write_completion(arguments.print_completion, _whole_parser(parser))
    from ipcinspect.cli.screen_command import run as run_screen

    return run_screen(Session(arguments, make_options(arguments, os.environ), open_source), pid)


def _whole_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser with every command as a subparser: what completion scripts are written from."""
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=argparse.ArgumentParser)
    for command in COMMANDS:
        module = _load(command)
        own = commands.add_parser(command.word, help=module.SUMMARY)
        module.add_arguments(own)
        add_options(own)
    return parser


def _joined(words: Sequence[str]) -> list[str]:
    """`--sort -queued` as `--sort=-queued`, which argparse understands."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "--sort" and word != "--":
            joined[-1] = f"--sort={word}"
        else:
            joined.append(word)
    return joined


def _load(command: Command) -> CommandModule:
    return cast("CommandModule", importlib.import_module(command.module))


def _live_source() -> Source:
    from ipcinspect.sources.live import LiveSource

    return LiveSource(alone=True)


def _trace(debug: bool) -> None:
    if debug:
        import traceback

        tell(traceback.format_exc())
