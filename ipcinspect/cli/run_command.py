"""`ipcinspect run -- CMD`: starts a command and shows it, and everything it starts, from its first moment."""

from __future__ import annotations

import argparse
import math
import os
import signal
from collections.abc import Sequence
from dataclasses import replace

from ipcinspect.cli.complaints import DONE, SIGNALLED, Unable, Usage, complain, tell
from ipcinspect.cli.kept_output import KeptOutput
from ipcinspect.cli.list_command import columns_of, write_channels
from ipcinspect.cli.screen_command import screen_options, show_screen
from ipcinspect.cli.session import Session
from ipcinspect.cli.started import Started
from ipcinspect.cli.watch import watch
from ipcinspect.demo.ending import signals_end_in_order
from ipcinspect.model.snapshot import Want
from ipcinspect.selection.filters import parse
from ipcinspect.selection.order import Order, parse_order
from ipcinspect.sources.descendants import OfOwnDescendants

SUMMARY = "start a command and look at it and all that it starts"
EPILOG = """\
On a terminal: the screen, with nothing but the channels of CMD and of what it
started, new ones as they come. With --json, --watch or --after, or without a
terminal: a list of them. It looks once, when CMD has run for a second, and then
waits until CMD and all that it started have ended; --end ends them instead.

CMD is an ordinary child: not traced, and no different for being looked at. It
has no terminal; its standard input is ours unless that is the terminal. Under
a screen it writes into a pipe, and the last 64 KiB are told at the end; under a
list what it writes goes to standard error. What it starts is followed also
where it detaches; what another service starts for it (docker, systemd) is not.

Nothing is left behind: whatever is still there when ipcinspect ends gets that
signal (SIGTERM where there was none), and SIGKILL two seconds later.

Where Yama's ptrace_scope is 1, only descendants may be looked into: this is how
an ordinary user sees how full their pipes are. What CMD itself ends with is
told on standard error where it is not 0; the exit code is that of ipcinspect.

examples:
  ipcinspect run -- make -j8
  ipcinspect run --json --after 5 --end -- ./server --port 8080
  ipcinspect run --watch -- sh -c 'producer | consumer'
"""
_USUAL_S = 1.0
_LONGEST_S = 86400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("command", nargs="*", metavar="CMD", help="what to start, with its arguments; -- before it")
    parser.add_argument("--after", type=_seconds, metavar="SECONDS", help="look once, so long after the start: 1")
    parser.add_argument("--watch", action="store_true", help="look from the start on and tell what changes")
    parser.add_argument("--end", action="store_true", help="end CMD after the look in place of waiting for it")
    parser.add_argument("--columns", metavar="COLUMN,...", help="which columns, in which order")
    parser.add_argument("--sort", metavar="ORDER", help="worst without; -queued turns an order round")


def run(session: Session) -> int:
    """Start it, show it, end it. Raises WordError, Complaint or ReaderGone."""
    arguments = session.arguments
    if not arguments.command:
        raise Usage("run what? ipcinspect run -- CMD [ARG...]")
    if arguments.watch and (arguments.after is not None or arguments.end):
        raise Usage("--watch looks all the time: --after and --end have no meaning with it")
    listed = session.options.json or arguments.watch or arguments.end or arguments.after is not None
    ours = Session(arguments, session.options, lambda: OfOwnDescendants(session.source()))
    ours.output = session.output
    if listed or arguments.columns or arguments.sort or not (session.output.is_terminal and os.isatty(0)):
        return _list(ours, arguments.command)
    return _show(ours, arguments.command)


def _show(session: Session, command: Sequence[str]) -> int:
    """On the screen, until the user leaves it."""
    options = screen_options(session)
    code = SIGNALLED + signal.SIGTERM
    with signals_end_in_order():
        output = KeptOutput()
        started = Started(command, output)
        try:
            code = show_screen(session, replace(options, about=lambda: _fate(started), question=lambda: _ask(started)))
        finally:
            started.end(_signal_of(code))
    output.finish()
    _tell_output(started, output)
    return code


def _list(session: Session, command: Sequence[str]) -> int:
    """As text or JSON: once, or again and again while any of them lives."""
    arguments = session.arguments
    order = None if arguments.sort is None else parse_order(arguments.sort)
    offers = columns_of(session)
    number = signal.SIGTERM
    with signals_end_in_order():
        started = Started(command, None)
        try:
            if arguments.watch:
                watch(session, parse(()), order or Order("worst", False), offers, lambda: not started.is_over())
            else:
                if started.wait(_USUAL_S if arguments.after is None else arguments.after):
                    raise Unable(f"{started.fate()} before it was looked at: --after says when, --watch looks at once")
                snapshot = session.observe(session.inspector(), Want()).snapshot
                write_channels(session, snapshot, snapshot.channels, order, offers)
                if not arguments.end:
                    started.wait()
        except KeyboardInterrupt:
            number = signal.SIGINT
            raise
        except SystemExit as end:
            number = _signal_of(end.code)
            raise
        finally:
            started.end(number)
    if started.status and not started.ended_by_us:
        complain(started.fate())
    return DONE


def _fate(started: Started) -> str:
    started.is_over()
    return started.fate()


def _ask(started: Started) -> str | None:
    """What to ask before leaving; None where nothing is left to end."""
    if started.is_over():
        return None
    what = started.name if started.status is None else f"what {started.name} started"
    return f"{what} still runs: q again ends it"


def _tell_output(started: Started, output: KeptOutput) -> None:
    cut = f", the last {len(output)} bytes of {output.size}" if output.is_cut else ""
    told = started.name if started.ended_by_us else started.fate()
    if output.size:
        complain(f"{told}; it wrote{cut}:")
    elif started.status and not started.ended_by_us:
        complain(told)
    tell("".join(f"{line}\n" for line in output.lines()))


def _signal_of(code: object) -> signal.Signals:
    """The signal in an exit code of 128 + N, where it is one to pass on."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if code == SIGNALLED + number:
            return number
    return signal.SIGTERM


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"not a number of seconds from 0 to {_LONGEST_S:g}: '{text}'")
    return seconds
