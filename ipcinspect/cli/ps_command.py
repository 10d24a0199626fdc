"""`ipcinspect ps [PID...]`: processes, what they hold, and who is at the other end."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence

from ipcinspect.cli.complaints import DONE, Unable, Usage
from ipcinspect.cli.session import Session
from ipcinspect.cli.sheets import Cell, Column, Sheet, Style, facts
from ipcinspect.export.holdings import Holding, Holdings, holdings
from ipcinspect.export.process_document import processes_document
from ipcinspect.model.process import Process
from ipcinspect.model.signal_words import signal_set
from ipcinspect.model.snapshot import Snapshot, Want
from ipcinspect.selection import shown
from ipcinspect.selection.absence import explain_process

SUMMARY = "processes, what they hold, and who is at the other end"
EPILOG = """\
Without PID: the channels of every process that holds one. With PID: every
descriptor of these processes, channel or not.

examples:
  ipcinspect ps 1234
  ipcinspect ps $(pgrep -d ' ' nginx)
  ipcinspect ps --json | jq '.processes[] | {pid, comm}'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("pid", nargs="*", type=_pid, metavar="PID", help="which processes; all with channels without")


def run(session: Session) -> int:
    """One look. Raises Usage for a pid that is not there, Unable for a process whose descriptors are hidden."""
    pids: list[int] = session.arguments.pid
    snapshot = session.observe(session.inspector(), Want(descriptors=True, cmdlines=True)).snapshot
    for pid in pids:
        _require(pid, snapshot)
    held = holdings(snapshot, dict.fromkeys(pids) or sorted(snapshot.processes))
    if not pids:
        held = [_channels_only(process) for process in held if process.holds_channels()]
    if session.options.json:
        session.write_document(processes_document(snapshot, held))
        session.output.flush()
        return DONE
    style = session.style()
    if session.output.is_terminal:
        sheets: Iterable[Sheet] = _sheets(held, snapshot, style, with_signals=bool(pids))
    else:
        sheets = [_one_sheet(held, style)]
    session.write_sheets(sheets, style)
    session.tell_gaps(snapshot)
    return DONE


def _require(pid: int, snapshot: Snapshot) -> None:
    process = snapshot.processes.get(pid)
    if process is None or not (process.readable or process.kernel_thread):
        absence = explain_process(pid, snapshot)
        raise (Unable if absence.hidden else Usage)(absence.sentence)


def _channels_only(held: Holdings) -> Holdings:
    return held._replace(rows=tuple(row for row in held.rows if row.channel is not None))


_COLUMNS = (
    Column("FD", right=True),
    Column("ROLE"),
    Column(""),
    Column("KIND"),
    Column("NAME", cut="start"),
    Column("STATE"),
    Column("FILL"),
    Column("QUEUED", right=True),
    Column("OTHER END", cut="holder"),
)
_WIRE = 2
"""The column that a program behind a pipe does not get."""
_ANONYMOUS = "anon_inode:"
"""Begins a link that says no more than the kind does."""


def _sheets(held: Sequence[Holdings], snapshot: Snapshot, style: Style, with_signals: bool) -> Iterator[Sheet]:
    """A sheet for each process, under its name; before it one of its signals where they are wanted."""
    for process, rows in held:
        title: str | None = _title(process, snapshot, style)
        if with_signals and not process.kernel_thread:
            yield facts(title, _signals(process))
            title = None
        yield Sheet(title, _COLUMNS, [_brief(row, style) or _cells(process, row, style) for row in rows])


def _signals(process: Process) -> Iterator[tuple[str, Cell]]:
    if process.signals is None:
        yield "signals", Cell("?", "muted")
        return
    for name, mask in zip(process.signals._fields, process.signals, strict=True):
        yield f"signals {name}", Cell(signal_set(mask), "warning" if mask and name == "pending" else "muted")


def _one_sheet(held: Sequence[Holdings], style: Style) -> Sheet:
    """All in one table, the process in front of each row."""
    return Sheet(
        None,
        (Column("PID"), Column("PROCESS"), *_COLUMNS[:_WIRE], *_COLUMNS[_WIRE + 1 :]),
        (
            [Cell(str(process.pid)), Cell(style.safe(process.comm)), *cells[:_WIRE], *cells[_WIRE + 1 :]]
            for process, rows in held
            for cells in (_cells(process, row, style) for row in rows)
        ),
    )


def _title(process: Process, snapshot: Snapshot, style: Style) -> str:
    user = None if process.uid is None else style.safe(snapshot.users.get(process.uid, str(process.uid)))
    parts = [f"{style.safe(process.comm)} {process.pid}", *([user] if user is not None else [])]
    if process.container is not None:
        parts.append(style.safe(process.container))
    if process.cmdline:
        parts.append(style.safe(" ".join(process.cmdline)))
    return "  ".join(parts)


def _brief(row: Holding, style: Style) -> list[Cell] | None:
    """For eyes: what is no channel has no state and no other end, so what it is about may take their room."""
    if row.channel is not None and row.end is not None:
        return None
    target, about = row.target or "-", row.points_to
    told = [style.safe(target)] if about is None or not target.startswith(_ANONYMOUS) else []
    told += [] if about is None else [style.safe(about)]
    first = [Cell("-" if row.fd is None else str(row.fd)), Cell("-", "muted"), Cell("")]
    return [*first, Cell(style.safe(row.kind), "muted"), Cell("  ".join(told), "muted")]


def _cells(process: Process, row: Holding, style: Style) -> list[Cell]:
    fd = Cell("-" if row.fd is None else str(row.fd))
    if row.channel is None or row.end is None:
        target = Cell(style.safe(row.target or "-"), "muted")
        absent = Cell("-", "muted")
        about = Cell("-" if row.points_to is None else style.safe(row.points_to), "muted")
        return [fd, absent, Cell(""), Cell(style.safe(row.kind), "muted"), target, absent, absent, absent, about]
    channel = row.channel
    seen = style.seen(channel, process.pid, row.fd)
    return [
        fd,
        Cell(row.end.role),
        seen.wire,
        Cell(channel.mechanism),
        Cell(style.safe(channel.name or channel.id)),
        style.state(channel),
        style.fill(channel),
        style.queued(channel),
        seen.right,
    ]


def _pid(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"not a process id: '{shown(text)}'")
    return int(text)
