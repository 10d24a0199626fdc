"""Processes and what they hold as a JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring_ascii as quoted

from ipcinspect.export.holdings import Holding, Holdings
from ipcinspect.export.json_document import ChannelWriter, array, channels_member, gaps, head, value
from ipcinspect.model.process import Process, Signals
from ipcinspect.model.signal_words import signal_names
from ipcinspect.model.snapshot import Snapshot


def processes_document(snapshot: Snapshot, held: Iterable[Holdings]) -> Iterator[str]:
    """Processes with their descriptors; `channel` in a descriptor is the id of one in `channels`."""
    writer = ChannelWriter(snapshot)
    rows = list(held)
    yield f'{head(snapshot)}, "processes": ['
    separator = ""
    for holdings in rows:
        yield separator + _process(holdings, writer)
        separator = ", "
    channels = {row.channel.key: row.channel for holdings in rows for row in holdings.rows if row.channel is not None}
    yield "], "
    yield from channels_member(channels.values(), writer)
    yield f', "gaps": {gaps(snapshot.gaps)}}}'


def _process(holdings: Holdings, writer: ChannelWriter) -> str:
    process = holdings.process
    return (
        f'{{{writer.process_members(process)}, "ppid": {value(process.ppid)}, "cmdline": {_cmdline(process)}, '
        f'"kernel_thread": {value(process.kernel_thread)}, "readable": {value(process.readable)}, '
        f'"net_namespace": {value(process.net_namespace)}, "ipc_namespace": {value(process.ipc_namespace)}, '
        f'"signals": {_signals(process.signals)}, '
        f'"descriptors": {array(map(_holding, holdings.rows))}}}'
    )


def _signals(sets: Signals | None) -> str:
    if sets is None:
        return "null"
    members = (
        f'"{name}": {array(map(quoted, signal_names(mask)))}' for name, mask in zip(sets._fields, sets, strict=True)
    )
    return f"{{{', '.join(members)}}}"


def _cmdline(process: Process) -> str:
    return "null" if process.cmdline is None else array(map(quoted, process.cmdline))


def _holding(row: Holding) -> str:
    end = row.end
    return (
        f'{{"fd": {value(row.fd)}, "kind": {quoted(row.kind)}, "target": {value(row.target)}, '
        f'"channel": {"null" if row.channel is None else quoted(row.channel.id)}, '
        f'"side": {"null" if end is None else quoted(end.side)}, '
        f'"role": {"null" if end is None else quoted(end.role)}, "points_to": {value(row.points_to)}}}'
    )
