"""`ipcinspect peek CHANNEL`: what is in one channel, copied without taking it out."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

from ipcinspect.cli.complaints import DONE, Unable, Usage, complain
from ipcinspect.cli.one_channel import CHANNEL_HELP, add_channel, one_channel
from ipcinspect.cli.session import Session
from ipcinspect.cli.sheets import Style
from ipcinspect.export.contents_document import contents_document
from ipcinspect.export.dump import Shaped, dump, heading, printable, refusal, shaped, told_amount
from ipcinspect.model.channel import Channel
from ipcinspect.model.contents import Contents
from ipcinspect.model.figures import size
from ipcinspect.model.snapshot import Want
from ipcinspect.selection import shown
from ipcinspect.selection.quantities import SIZE_UNITS, parse_amount

SUMMARY = "what is in one channel, without taking it out"
EPILOG = f"""\
What waits is copied once, and stays where it is: whoever reads gets all of it.
Text is shown as text, JSON laid out, anything else in hexadecimal.

{CHANNEL_HELP}
--raw gives the bytes and nothing else: messages, and the directions of a pair,
without anything between them, holes of memory left out; to a terminal, which
bytes can command, only with --force. --json gives every byte in base64, and text also as text.

Exit codes: 0 also where it is empty; 3 where it cannot be looked into, with the
reason on standard error.

examples:
  ipcinspect peek 1234/5
  ipcinspect peek sysv-msg:7 --hex
  ipcinspect peek pipe:[123] --raw --max-bytes 1M | file -
  ipcinspect peek 1234/5 --json | jq -r '.contents.pieces[].text'
"""
DEFAULT_BYTES = 64 * 1024
MOST_BYTES = 1 << 30
"""The program holds in its own memory what it copies."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    add_channel(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--hex", action="store_const", const="hex", dest="form", help="everything in hexadecimal")
    form.add_argument("--text", action="store_const", const="text", dest="form", help="everything as text")
    form.add_argument("--raw", action="store_const", const="raw", dest="form", help="the bytes themselves")
    parser.add_argument("--force", action="store_true", help="--raw also to a terminal")
    parser.add_argument(
        "--max-bytes", type=_size, default=DEFAULT_BYTES, metavar="N", help="copy at most N bytes: 64K without, 1M, 1G"
    )


def run(session: Session) -> int:
    """One look, one copy. Raises Usage for an address that fits none or several, Unable where nothing can be copied."""
    form: str | None = session.arguments.form
    _check(session, form)
    inspector = session.inspector()
    snapshot = session.observe(inspector, Want()).snapshot
    channel = one_channel(session.arguments.channel, snapshot, session.directory(), with_contents=True)
    peeked_at = time.time()
    contents = inspector.peek(channel.key, session.arguments.max_bytes)
    if contents is None:
        raise Unable(f"{channel.id}: nothing can look into it from here")
    reason = refusal(channel, contents, snapshot.host.uid)
    if reason is not None:
        raise Unable(f"{channel.id}: {reason}")
    if session.options.json:
        most = session.arguments.max_bytes
        session.write_document(contents_document(snapshot, channel, contents, most, peeked_at))
    elif form == "raw":
        _write_raw(session, contents)
    else:
        _write(session, channel, contents, form)
    session.output.flush()
    return DONE


def _check(session: Session, form: str | None) -> None:
    """Raises Usage for options that do not go together."""
    if session.options.json and form is not None:
        raise Usage(f"--{form} has no meaning with --json, which has every byte")
    if session.arguments.force and form != "raw":
        raise Usage("--force has a meaning only with --raw")
    if form == "raw" and session.output.is_terminal and not session.arguments.force:
        raise Usage("--raw to a terminal would let the bytes command it: send them elsewhere, or add --force")


def _write_raw(session: Session, contents: Contents) -> None:
    """The bytes on standard output; what is known of them beside goes to standard error, where it harms nobody."""
    for piece in contents.pieces:
        session.output.write_bytes(piece.data)
    session.output.flush()
    told = told_amount(contents, _exact) if contents.pieces else "it is empty"
    if not told.startswith("shown all"):
        complain(told)
    if contents.note is not None:
        complain(contents.note)


def _write(session: Session, channel: Channel, contents: Contents, form: str | None) -> None:
    """For people: what was done, each piece under its title, how much was not shown."""
    style, told_size = session.style(), _sizes(session)
    ascii_only = session.output.is_terminal and session.options.ascii
    width = session.width() if session.output.is_terminal else None

    def say(text: str, role: str = "text") -> None:
        session.output.write(style.painted(text, role) + "\n")

    by = f"copied by {style.safe(contents.by)}" if contents.by else "looked into"
    say(f"{style.safe(channel.id)}  {by}, nothing taken out", "muted")
    if not contents.pieces:
        say("It is empty: nothing waits in it.")
    for one in shaped(contents):
        session.output.write("\n")
        for line in _piece_lines(one, form, width, style, told_size, ascii_only):
            session.output.write(line)
    if contents.note is not None:
        say(f"\n{style.safe(contents.note)}" if contents.pieces else style.safe(contents.note), "warning")
    if contents.pieces:
        session.output.write("\n")
        say(told_amount(contents, told_size) + _how_to_see_more(contents, session.arguments.max_bytes), "muted")


def _piece_lines(
    one: Shaped, form: str | None, width: int | None, style: Style, size: Callable[[int], str], ascii_only: bool
) -> Iterator[str]:
    title, facts = heading(one, size)
    named = style.painted(f"{style.safe(title)}:", "title") + " " if title else ""
    yield f"{named}{style.painted(facts, 'muted')}\n"
    for line in dump(one.piece, form or one.usual_form, width):
        text = printable(line.text, ascii_only)
        yield " " * line.indent + (style.painted(text, "muted") if line.ours else text) + "\n"


def _how_to_see_more(contents: Contents, most: int) -> str:
    """What to type, where it was the limit that left something out."""
    left_out = contents.total_bytes is not None and contents.total_bytes > contents.shown_bytes
    return " (--max-bytes N copies more)" if left_out and contents.shown_bytes >= most < MOST_BYTES else ""


def _sizes(session: Session) -> Callable[[int], str]:
    return size if session.output.is_terminal else _exact


def _exact(number: int) -> str:
    return f"{number} B"


def _size(text: str) -> int:
    amount = parse_amount(text, SIZE_UNITS)
    if amount is None or amount.sign or not 1 <= amount.number * amount.unit <= MOST_BYTES:
        raise argparse.ArgumentTypeError(f"not a size from 1 to 1G: '{shown(text)}'")
    return amount.number * amount.unit
