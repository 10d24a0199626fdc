"""`ipcinspect show CHANNEL`: everything about one channel, whole."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from ipcinspect.cli.complaints import DONE
from ipcinspect.cli.one_channel import CHANNEL_HELP, add_channel, one_channel
from ipcinspect.cli.session import Session
from ipcinspect.cli.sheets import Cell, Column, Sheet, Style, facts
from ipcinspect.export.details_document import details_document
from ipcinspect.export.exposure import exposure_sentence
from ipcinspect.mechanisms import fields_of
from ipcinspect.model.channel import Channel, Endpoint, Queue
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.model.words import stage_of
from ipcinspect.selection.addresses import clients_of
from ipcinspect.selection.descent import descent_sentence
from ipcinspect.sources import Details

SUMMARY = "one channel, whole: every holder, its queues and facts"
EPILOG = f"""\
{CHANNEL_HELP}
Of a listener every connection that came in through it is shown as well.
"""
_SPARE = {"CONTAINER": 1, "USER": 2, "ADDRESS": 3, "CAME BY": 4, "FLAGS": 5, "SIDE": 6, "INODE": 7}
"""What a narrow terminal can do without, the highest first: who it is, and in what, is told last of all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    add_channel(parser)


def run(session: Session) -> int:
    """One look at one channel. Raises Usage where the address fits none or several, Unable where it is hidden."""
    inspector = session.inspector()
    snapshot = session.observe(inspector, Want()).snapshot
    channel = one_channel(session.arguments.channel, snapshot, session.directory())
    details = inspector.details(channel.key)
    if session.options.json:
        session.write_document(details_document(snapshot, (channel, *clients_of(channel, snapshot)), details))
    else:
        style = session.style()
        session.write_sheets(sheets_of(channel, snapshot, details, style), style)
        session.tell_gaps(snapshot)
    session.output.flush()
    return DONE


def sheets_of(channel: Channel, snapshot: Snapshot, details: Details | None, style: Style) -> Iterator[Sheet]:
    """All that is known of a channel; of a listener also who came in through it."""
    clients = clients_of(channel, snapshot)
    yield facts(None, _identity(channel, snapshot, style))
    if channel.queues:
        yield _queue_sheet(channel.queues, style)
    yield _end_sheet("Ends", [(channel, end) for end in channel.endpoints], snapshot, details, style)
    if clients:
        ends = [(client, end) for client in clients for end in client.endpoints if end.role != "server"]
        yield _end_sheet("Connections", ends, snapshot, None, style)
    fields = fields_of(channel.mechanism)
    if fields:
        rows = [
            (Cell(style.safe(field.title), "muted"), Cell(style.told(value, field.unit)), Cell(field.help, "faint"))
            for field, value in zip(fields, channel.fields, strict=False)
        ]
        yield Sheet("Fields", (Column(""), Column(""), Column("")), rows, whole=True)
    if details is not None and details.facts:
        yield Sheet(
            "Details",
            (Column(""), Column(""), Column("")),
            [
                (
                    Cell(style.safe(fact.title), "muted"),
                    Cell(style.told(fact.value, fact.unit)),
                    Cell(style.safe(fact.told_by), "faint"),
                )
                for fact in details.facts
            ],
            whole=True,
        )


def _identity(channel: Channel, snapshot: Snapshot, style: Style) -> Iterator[tuple[str, Cell]]:
    yield "id", Cell(style.safe(channel.id))
    if channel.aliases:
        yield "also", Cell(", ".join(map(style.safe, channel.aliases)))
    yield "mechanism", Cell(channel.mechanism)
    yield "name", Cell("-" if channel.name is None else style.safe(channel.name))
    yield "state", style.state(channel, whole=True)
    yield "stage", Cell(stage_of(channel.state) or "-")
    yield "relation", Cell(channel.relation)
    yield "queued", style.queued(channel)
    yield "capacity", Cell("-" if channel.capacity_bytes is None else style.told(channel.capacity_bytes, "bytes"))
    yield "exposure", Cell(style.told(exposure_sentence(channel, snapshot), None))
    yield "created", Cell(style.told(channel.created_at, "time"))
    kept = [at for queue in channel.queues for at in (queue.written_at, queue.read_at) if at is not None]
    if kept:
        yield "last moved", Cell(style.told(max(kept), "time"))
    for title, number in (("network namespace", channel.namespaces.net), ("IPC namespace", channel.namespaces.ipc)):
        if number is not None:
            yield title, Cell(str(number))


def _queue_sheet(queues: Sequence[Queue], style: Style) -> Sheet:
    titles = ("TO", "BYTES", "MESSAGES", "NEXT MESSAGE", "MEMORY", "MEMORY LIMIT", "FILL")
    rows = [
        [
            Cell(queue.to),
            Cell(style.told(queue.bytes, "bytes")),
            Cell(style.told(queue.messages, None)),
            Cell(style.told(queue.next_message_bytes, "bytes")),
            Cell(style.told(queue.memory_bytes, "bytes")),
            Cell(style.told(queue.memory_limit_bytes, "bytes")),
            Cell("?" if queue.fill is None else f"{queue.fill:.1%}"),
        ]
        for queue in queues
    ]
    return Sheet("Queues", tuple(Column(title, right=title != "TO") for title in titles), rows, whole=True)


def _end_sheet(
    title: str,
    ends: Sequence[tuple[Channel, Endpoint]],
    snapshot: Snapshot,
    details: Details | None,
    style: Style,
) -> Sheet:
    titles = (
        "CHANNEL",
        "SIDE",
        "ROLE",
        "PROCESS",
        "PID",
        "FD",
        "FLAGS",
        "USER",
        "CAME BY",
        "CONTAINER",
        "INODE",
        "ADDRESS",
    )
    columns = tuple(Column(name, right=name in ("PID", "FD", "INODE"), spare=_SPARE.get(name, 0)) for name in titles)
    rows = [_end_row(channel, end, snapshot, details, style) for channel, end in ends]
    own = 1 if title == "Ends" else 0
    return Sheet(title, columns[own:], [row[own:] for row in rows], whole=True)


def _end_row(
    channel: Channel, end: Endpoint, snapshot: Snapshot, details: Details | None, style: Style
) -> tuple[Cell, ...]:
    process, fd = end.process, end.fd
    flags = came = None
    if process is not None and fd is not None and details is not None:
        flags = details.descriptor_flags.get((process.pid, fd))
        came = descent_sentence(details.came_by.get((process.pid, fd)))
    uid = None if process is None else process.uid
    user = "?" if uid is None else style.safe(snapshot.users.get(uid, str(uid)))
    return (
        Cell(style.safe(channel.id)),
        Cell(end.side),
        Cell(end.role),
        Cell("?" if process is None else style.safe(process.comm)),
        Cell("?" if process is None else str(process.pid)),
        Cell("-" if fd is None else str(fd)),
        Cell("-" if fd is None else style.told(flags, None)),
        Cell(user),
        Cell("-" if fd is None else style.told(came, None)),
        Cell("-" if process is None or process.container is None else style.safe(process.container)),
        Cell("-" if end.inode is None else str(end.inode)),
        Cell("-" if end.address is None else style.safe(end.address)),
    )
