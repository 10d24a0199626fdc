"""`ipcinspect list`: channels, once or again and again."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ipcinspect.cli.columns import NARROW, OFFERS, PIPED, WIDE, WIDE_FROM, Offer, channel_sheet, parse_columns
from ipcinspect.cli.complaints import DONE, Usage
from ipcinspect.cli.session import Session
from ipcinspect.cli.watch import watch
from ipcinspect.export.json_document import channels_document
from ipcinspect.model.channel import Channel
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.selection.filters import KEYS, Filter, parse
from ipcinspect.selection.order import ORDERS, Order, parse_order

SUMMARY = "channels, worst first"
EPILOG = """\
A FILTER is a plain word (in the id, name, address or process name) or one of
{filters}
A channel has to satisfy every word; of several words with one key (kind:pipe
kind:fifo) any will do. not:WORD excludes.

Columns: {columns}
Orders:  {orders} (-ORDER turns it round)

Into a pipe: one header line, then tabs between fields, bytes, nothing cut.
With --watch: what opens, closes or changes its state, a line each; with --json
as well: a document a line.

examples:
  ipcinspect list state:full
  ipcinspect list kind:unix user:www not:state:idle
  ipcinspect list queued:+1M --sort queued --columns id,queued,from,to
  ipcinspect list --json | jq '.channels[] | select(.fill == 1)'
""".format(
    filters="\n".join(f"  {key.example:<16} {key.help}" for key in KEYS),
    columns=", ".join(offer.word for offer in OFFERS),
    orders=", ".join(ORDERS),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("filter", nargs="*", metavar="FILTER", help="which channels; all without")
    parser.add_argument("--watch", action="store_true", help="go on, telling what changes")
    parser.add_argument("--columns", metavar="COLUMN,...", help="which columns, in which order")
    parser.add_argument("--sort", metavar="ORDER", help="worst without; -queued turns an order round")


def run(session: Session) -> int:
    """One look, or looks without end. Raises WordError, Complaint or ReaderGone."""
    arguments = session.arguments
    wanted = parse(arguments.filter)
    order = None if arguments.sort is None else parse_order(arguments.sort)
    offers = columns_of(session)
    if wanted.needs_history and not arguments.watch:
        raise Usage("idle: needs --watch, one look cannot tell how long something lasts")
    if arguments.watch:
        return watch(session, wanted, order or Order("worst", False), offers)
    snapshot = session.observe(session.inspector(), Want()).snapshot
    write_channels(session, snapshot, select(snapshot, wanted), order, offers)
    return DONE


def write_channels(
    session: Session, snapshot: Snapshot, chosen: Sequence[Channel], order: Order | None, offers: Sequence[Offer]
) -> None:
    """Channels as a document or as a table, and what the look lacked. Raises Complaint or ReaderGone."""
    if session.options.json:
        session.write_document(channels_document(snapshot, chosen if order is None else order.sorted(chosen)))
        session.output.flush()
        return
    style = session.style()
    ordered = (order or Order("worst", False)).sorted(chosen)
    session.write_sheets([channel_sheet(ordered, snapshot, offers, style)], style)
    session.tell_gaps(snapshot)


def select(snapshot: Snapshot, wanted: Filter) -> list[Channel]:
    """The channels that pass."""
    if not wanted:
        return list(snapshot.channels)
    return [channel for channel in snapshot.channels if wanted.matches(channel, snapshot)]


def columns_of(session: Session) -> tuple[Offer, ...]:
    """What the command line, else the configuration, else the reader calls for. Raises WordError or Usage."""
    asked: str | None = session.arguments.columns
    if asked is not None:
        if session.options.json:
            raise Usage("--columns has no meaning with --json, which has everything")
        return parse_columns([word.strip().lower() for word in asked.split(",")])
    if session.options.json:
        return ()
    if not session.output.is_terminal:
        return parse_columns(PIPED)
    configured = session.options.config.columns
    if configured is not None:
        return parse_columns(configured)
    return parse_columns(WIDE if session.width() >= WIDE_FROM else NARROW)
